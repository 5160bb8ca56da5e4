"""Let refused simulators retry at once and never close, and check that an admitted simulator does not notice.

The refused simulators have no token and run in a process of their own. The first kind waits for each refusal, as the
simulator's own library does, and the second kind does not read it. Meanwhile a simulator with the token drives at 20
Hz, and a health check requests /healthz.

    python -m benchmarks.refused --seconds 60
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import http.client
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.command import run_benchmark
from benchmarks.fleet import SteadyClient
from benchmarks.frames import drawn_frames
from protocol.command_line import command_parser
from tests.raw_client import RawClient, telemetry_packet
from tests.server_process import ServerProcess

TOKEN = "a-token-for-this-benchmark"
LIMIT_MS = 100.0
CLIENTS = 8
HEALTH_EVERY_S = 0.1

REFUSED_CLIENTS = """
import collections, socket, sys, threading
port, waits, count = int(sys.argv[1]), sys.argv[2] == "waits", int(sys.argv[3])
request = (
    f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\\r\\nHost: 127.0.0.1:{port}\\r\\nUpgrade: websocket\\r\\n"
    "Connection: Upgrade\\r\\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n"
    "Sec-WebSocket-Version: 13\\r\\n\\r\\n"
).encode()
open_sockets, attempts = collections.deque(maxlen=900), collections.Counter()
def reconnect():
    while True:
        try:
            client = socket.create_connection(("127.0.0.1", port), 5)
            client.sendall(request)
            if waits:
                client.recv(4096)
            open_sockets.append(client)
            attempts["sent"] += 1
        except OSError:
            attempts["failed"] += 1
for _ in range(count):
    threading.Thread(target=reconnect, daemon=True).start()
sys.stdin.read()
print(attempts["sent"], attempts["failed"])
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns exit code 1 if the admitted simulator or the health check was disturbed."""
    return run_benchmark(lambda: measure_kinds(_parse(arguments)))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m benchmarks.refused", __doc__)
    parser.add_argument("model", nargs="?", type=Path, default=Path("models/eff.h5"))
    parser.add_argument("--seconds", type=float, default=60.0, help="duration of each part (default %(default)g)")
    return parser.parse_args(arguments)


def measure_kinds(options: argparse.Namespace) -> int:
    """Measure each kind of refused clients; returns 1 if they disturbed anything."""
    arguments = ("server/drive.py", str(options.model), "--port", "0", "--token", TOKEN, "--protect-simulators")
    disturbed = False
    for kind in ("nobody", "waits", "does not wait"):
        with ServerProcess(*arguments) as server:
            disturbed |= measure(kind, server.port, options.seconds)
    return int(disturbed)


def measure(kind: str, port: int, seconds: float) -> bool:
    """Run one kind of refused clients against a server; returns whether they disturbed an admitted client."""
    refused = None
    if kind != "nobody":
        command = [sys.executable, "-c", REFUSED_CLIENTS, str(port), kind, str(CLIENTS)]
        refused = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        time.sleep(2.0)  # enough for them to take every connection of an unprotected server
    packets = [telemetry_packet(image) for image in drawn_frames(100)]
    admitted = SteadyClient(RawClient(port, timeout_s=5.0, query=f"&token={TOKEN}"), packets, 20.0, seconds)
    health_times: list[float] = []
    health_check = threading.Thread(target=check_health, args=(port, seconds, health_times))
    admitted.start(time.perf_counter() + 0.1)
    health_check.start()
    health_check.join()
    admitted.finish()
    attempts = refused.communicate("")[0].split() if refused else ["0", "0"]
    health_ms, latency_ms = np.array(health_times), np.array(admitted.latency_ms or [np.nan])
    slow_checks = int((health_ms > LIMIT_MS).sum())
    print(f"refused clients: {kind} ({CLIENTS if refused else 0}; {attempts[0]} attempts, {attempts[1]} failed)")
    print(f"  /healthz, {len(health_ms)} times: {figures(health_ms)}, {slow_checks} took more than {LIMIT_MS:.0f} ms")
    answers = f"{len(admitted.latency_ms)} answered, {admitted.unanswered} unanswered"
    print(f"  the simulator with the token: {answers}, {figures(latency_ms)}", flush=True)
    return bool(admitted.unanswered or slow_checks)


def figures(milliseconds: np.ndarray) -> str:
    """p50, p99 and the maximum, as text."""
    p50, p99 = np.percentile(milliseconds, (50, 99))
    return f"p50 {p50:.1f} ms, p99 {p99:.1f}, max {milliseconds.max():.1f}"


def check_health(port: int, seconds: float, health_times: list[float]) -> None:
    """Request /healthz every HEALTH_EVERY_S on a new connection, as a container's health check does; append the ms."""
    end_s = time.perf_counter() + seconds
    while (start_s := time.perf_counter()) < end_s:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            connection.close()
        except OSError:
            pass  # a failed request's time counts too
        health_times.append((time.perf_counter() - start_s) * 1000)
        time.sleep(HEALTH_EVERY_S)


if __name__ == "__main__":
    sys.exit(main())
