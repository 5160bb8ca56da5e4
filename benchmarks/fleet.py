"""Connect many simulators to one server, and measure unanswered telemetries, latency and the server's memory.

Each client sends at its own steady rate, whether or not the last answer has come, as independent simulators do.

    python -m benchmarks.fleet --clients 8 24 32 --hz 20 --seconds 60
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from benchmarks.command import run_benchmark
from benchmarks.frames import drawn_frames
from protocol.command_line import command_parser
from tests.raw_client import RawClient, telemetry_packet
from tests.server_process import ServerProcess

GRACE_S = 3.0
LIMIT_MS = 33.0
"""A reply later than this costs a simulator of 30 frames a second a frame of control."""


class SteadyClient:
    """A connected client. Once started it sends `hz` telemetries a second for `seconds`, and times the answers."""

    def __init__(self, client: RawClient, packets: list[bytes], hz: float, seconds: float) -> None:
        self._client = client
        self._packets = packets
        self._sent: deque[float] = deque()
        self._count = int(hz * seconds)
        self._period_s = 1 / hz
        self._first = 0.0
        self.latency_ms: list[float] = []
        self.unanswered = 0
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._send, self._receive)]

    def start(self, first: float) -> None:
        """Begin to send at the time `first`, by time.perf_counter."""
        self._first = first
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """Wait for the last answer, or for GRACE_S without one, then disconnect."""
        for thread in self._threads:
            thread.join()
        self._client.close()

    def _send(self) -> None:
        for i in range(self._count):
            time.sleep(max(0.0, self._first + i * self._period_s - time.perf_counter()))
            self._sent.append(time.perf_counter())
            self._client.send(self._packets[i % len(self._packets)])

    def _receive(self) -> None:
        while len(self.latency_ms) < self._count:
            try:
                self._client.receive_until(b'42["steer"')
            except (TimeoutError, ConnectionError):
                break
            self.latency_ms.append((time.perf_counter() - self._sent.popleft()) * 1000)
        self.unanswered = self._count - len(self.latency_ms)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure each fleet and print; returns exit code 1 if a telemetry stayed unanswered."""
    return run_benchmark(lambda: measure_fleets(_parse(arguments)))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m benchmarks.fleet", __doc__)
    parser.add_argument("model", nargs="?", type=Path, default=Path("models/eff.h5"))
    parser.add_argument(
        "--clients", type=int, nargs="+", default=[8], metavar="N", help="sizes of the fleets (default: 8)"
    )
    parser.add_argument("--hz", type=float, default=20.0, help="telemetries a second of each (default %(default)g)")
    parser.add_argument("--seconds", type=float, default=60.0, help="duration of each fleet (default %(default)g)")
    parser.add_argument("--server", default="", help="options for the server, for example '--engine tensorflow'")
    return parser.parse_args(arguments)


def measure_fleets(options: argparse.Namespace) -> int:
    """Measure each fleet; returns 1 if a telemetry stayed unanswered."""
    packets = [telemetry_packet(image) for image in drawn_frames(100)]
    timely, unanswered = [], 0
    with ServerProcess("server/drive.py", str(options.model), "--port", "0", *options.server.split()) as server:
        print(server.ready_line)
        for count in options.clients:
            raw = [RawClient(server.port, timeout_s=GRACE_S) for _ in range(count)]
            clients = [SteadyClient(client, packets, options.hz, options.seconds) for client in raw]
            begin = time.perf_counter() + 0.1
            for client, offset in zip(clients, np.linspace(0, 1 / options.hz, count, endpoint=False), strict=True):
                client.start(begin + offset)
            memory_mb = read_memory(server, options.seconds)
            for client in clients:
                client.finish()
            missing, p99_ms = report(clients, memory_mb)
            unanswered += missing
            if p99_ms < LIMIT_MS and not missing:
                timely.append(count)
    print(f"every telemetry answered and p99 below {LIMIT_MS:.0f} ms: {', '.join(map(str, timely)) or 'no'} simulators")
    return int(unanswered > 0)


def read_memory(server: ServerProcess, seconds: float) -> list[float]:
    """Read the server's memory in MB, twenty times during the run."""
    readings = []
    for _ in tqdm(range(20), desc="driving", unit=f"x{seconds / 20:.0f}s"):
        time.sleep(seconds / 20)
        readings.append(server.memory_mb())
    return readings


def report(clients: list[SteadyClient], memory_mb: list[float]) -> tuple[int, float]:
    """Print answers, latency and memory; returns how many stayed unanswered, and the latency's p99 in ms."""
    latency_ms = np.concatenate([client.latency_ms for client in clients])
    unanswered = sum(client.unanswered for client in clients)
    p50, p99 = np.percentile(latency_ms, (50, 99))
    print(f"{len(clients)} clients: {len(latency_ms)} answered, {unanswered} unanswered")
    print(f"  p50 {p50:.2f} ms, p99 {p99:.2f} ms, max {latency_ms.max():.1f} ms")
    print(f"  memory in MB, read twenty times: {' '.join(f'{mb:.0f}' for mb in memory_mb)}", flush=True)
    return unanswered, float(p99)


if __name__ == "__main__":
    sys.exit(main())
