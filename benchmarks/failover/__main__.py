"""Stop one of two servers behind nginx with SIGTERM, and measure what its simulators lose.

The balancer is docs/nginx.conf with other ports, which sends an address to the same server each time. Each simulator
has an address of its own (127.0.0.2, ...; Linux only), a car that obeys the throttle, and connects again at once when
it loses its connection, as Udacity's library does.

    python -m benchmarks.failover
    python -m benchmarks.failover --drain 60
    python -m benchmarks.failover --nginx ./nginx --simulators 4 --hz 20
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.command import run_benchmark
from benchmarks.failover.simulator import TIMEOUT_S, ReconnectingSimulator
from benchmarks.frames import drawn_frames
from protocol.command_line import command_parser
from tests.server_process import ROOT, ServerProcess

CONFIGURATION = ROOT / "docs" / "nginx.conf"
FIRST_HOST = 2
SETTLE_S = 2.0
"""In this time at the end, every simulator must get an answer."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns exit code 1 if a simulator does not drive in the end."""
    return run_benchmark(lambda: measure(_parse(arguments)))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m benchmarks.failover", __doc__)
    parser.add_argument("model", nargs="?", type=Path, default=Path("models/eff.h5"))
    parser.add_argument("--simulators", type=int, default=8, help="how many drive (default %(default)d)")
    parser.add_argument("--hz", type=float, default=10.0, help="telemetries a second of each (default %(default)g)")
    parser.add_argument("--seconds", type=float, default=8.0, help="before and after the signal (default %(default)g)")
    parser.add_argument("--drain", type=float, default=0.0, help="the servers' --drain (default %(default)g)")
    parser.add_argument("--nginx", default="nginx", help="the program (default: the installed one)")
    return parser.parse_args(arguments)


def measure(options: argparse.Namespace) -> int:
    """Let the simulators drive, stop a server in the middle, and print what each side has seen."""
    frames = drawn_frames(20)
    stop = threading.Event()
    with contextlib.ExitStack() as stack:
        arguments = ("server/drive.py", str(options.model), "--port", "0", "--drain", str(options.drain))
        servers = [stack.enter_context(ServerProcess(*arguments)) for _ in range(2)]
        port = stack.enter_context(balancer(options.nginx, [server.port for server in servers]))
        sources = [f"127.0.0.{host}" for host in range(FIRST_HOST, FIRST_HOST + options.simulators)]
        simulators = [ReconnectingSimulator(port, source, frames, 1 / options.hz, stop) for source in sources]
        time.sleep(options.seconds)
        os.kill(servers[0].pid, signal.SIGTERM)
        time.sleep(options.seconds)
        answered = [simulator.answered for simulator in simulators]
        time.sleep(SETTLE_S)
        ended = servers[0].ended
        still = [simulator.answered > before for simulator, before in zip(simulators, answered, strict=True)]
        stop.set()
        for simulator in simulators:
            simulator.finish()
        print(servers[0].log(), end="")
    state = "had ended" if ended else "still ran"
    print(f"{options.seconds + SETTLE_S:g} s after SIGTERM the first server {state}")
    report("kept their connection", [simulator for simulator in simulators if simulator.connections == 1])
    report("lost their connection", [simulator for simulator in simulators if simulator.connections > 1])
    print(f"drive in the end: {sum(still)} of {len(still)}")
    return int(not all(still))


def report(group: str, simulators: list[ReconnectingSimulator]) -> None:
    """Print a line for some simulators: sums, and the worst of all."""
    print(f"{len(simulators)} simulators {group}", end="")
    if simulators:
        answered, unanswered = (sum(getattr(one, name) for one in simulators) for name in ("answered", "unanswered"))
        print(
            f": {answered} telemetries answered, {unanswered} not; longest wait "
            f"{max(one.longest_s for one in simulators) * 1000:.0f} ms; slowest car "
            f"{min(one.slowest_mph for one in simulators):.1f} mph; {sum(one.refusals for one in simulators)} refusals",
            end="",
        )
    print()


@contextlib.contextmanager
def balancer(program: str, ports: list[int]) -> Iterator[int]:
    """Run nginx with the documented configuration in front of servers at these two ports; gives its own port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        own = free.getsockname()[1]
    text = CONFIGURATION.read_text()
    for documented, port in zip(("127.0.0.1:4601", "127.0.0.1:4602"), ports, strict=True):
        text = text.replace(f"server {documented}", f"server 127.0.0.1:{port}")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "nginx.conf"
        file.write_text(text.replace("listen 4567;", f"listen 127.0.0.1:{own};"))
        nginx = subprocess.Popen([program, "-p", folder, "-c", str(file), "-g", "daemon off;"])
        try:
            await_port(own)
            yield own
        finally:
            nginx.terminate()
            nginx.wait(TIMEOUT_S)


def await_port(port: int) -> None:
    """Wait until something listens there. Raises RuntimeError after TIMEOUT_S."""
    end_s = time.monotonic() + TIMEOUT_S
    while time.monotonic() < end_s:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
            return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port}; did nginx start?")


if __name__ == "__main__":
    sys.exit(main())
