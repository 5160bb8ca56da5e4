"""Simulators that are refused, try again at once and never close: who is let in must not notice them.

They have no token, in a process of their own: the first kind waits for each refusal, as the simulator's own library
does, the second does not even read it. Meanwhile a simulator with the token drives at 20 Hz, and /healthz is asked.

    python -m benchmarks.refused --seconds 60
"""

from __future__ import annotations

import argparse
import http.client
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

from benchmarks.fleet import SteadyClient
from benchmarks.frames import drawn_frames
from tests.raw_client import RawClient, telemetry_packet
from tests.server_process import ServerProcess

TOKEN = "a-token-for-this-benchmark"
LIMIT_MS = 100.0
CLIENTS = 8
ASK_EVERY_S = 0.1

STRANGERS = """
import collections, socket, sys, threading
port, waits, count = int(sys.argv[1]), sys.argv[2] == "waits", int(sys.argv[3])
request = (
    f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\\r\\nHost: 127.0.0.1:{port}\\r\\nUpgrade: websocket\\r\\n"
    "Connection: Upgrade\\r\\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n"
    "Sec-WebSocket-Version: 13\\r\\n\\r\\n"
).encode()
kept, tries = collections.deque(maxlen=900), collections.Counter()
def knock():
    while True:
        try:
            one = socket.create_connection(("127.0.0.1", port), 5)
            one.sendall(request)
            if waits:
                one.recv(4096)
            kept.append(one)
            tries["tries"] += 1
        except OSError:
            tries["failed"] += 1
for _ in range(count):
    threading.Thread(target=knock, daemon=True).start()
sys.stdin.read()
print(tries["tries"], tries["failed"])
"""


def main() -> int:
    """Measure and print; exit code 1 when somebody who is let in noticed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("model", nargs="?", type=Path, default=Path("models/eff.h5"))
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    words = ("server/drive.py", str(options.model), "--port", "0", "--token", TOKEN, "--protect-simulators")
    noticed = False
    for kind in ("nobody", "waits", "does not wait"):
        with ServerProcess(*words) as server:
            noticed |= measure(kind, server.port, options.seconds)
    return int(noticed)


def measure(kind: str, port: int, seconds: float) -> bool:
    """One kind of strangers against one server; whether somebody noticed."""
    strangers = None
    if kind != "nobody":
        command = [sys.executable, "-c", STRANGERS, str(port), kind, str(CLIENTS)]
        strangers = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        time.sleep(2.0)  # in which they once took every connection
    packets = [telemetry_packet(image) for image in drawn_frames(100)]
    driving = SteadyClient(RawClient(port, timeout_s=5.0, query=f"&token={TOKEN}"), packets, 20.0, seconds)
    health_ms: list[float] = []
    asking = threading.Thread(target=ask_health, args=(port, seconds, health_ms))
    driving.start(time.perf_counter() + 0.1)
    asking.start()
    asking.join()
    driving.finish()
    tries = strangers.communicate("")[0].split() if strangers else ["0", "0"]
    asked, latency_ms = np.array(health_ms), np.array(driving.latency_ms or [np.nan])
    beyond = int((asked > LIMIT_MS).sum())
    print(f"strangers: {kind} ({CLIENTS if strangers else 0}; {tries[0]} attempts, {tries[1]} failed)")
    print(f"  /healthz, {len(asked)} times: {figures(asked)}, {beyond} beyond {LIMIT_MS:.0f} ms")
    answered = f"{len(driving.latency_ms)} answered, {driving.unanswered} unanswered"
    print(f"  the simulator with the token: {answered}, {figures(latency_ms)}", flush=True)
    return bool(driving.unanswered or beyond)


def figures(milliseconds: np.ndarray) -> str:
    """p50, p99 and the largest."""
    p50, p99 = np.percentile(milliseconds, (50, 99))
    return f"p50 {p50:.1f} ms, p99 {p99:.1f}, max {milliseconds.max():.1f}"


def ask_health(port: int, seconds: float, health_ms: list[float]) -> None:
    """Ask again and again, on a connection of its own each time, as a container's health check does."""
    end_s = time.perf_counter() + seconds
    while (start_s := time.perf_counter()) < end_s:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            connection.close()
        except OSError:
            pass  # its time counts all the same
        health_ms.append((time.perf_counter() - start_s) * 1000)
        time.sleep(ASK_EVERY_S)


if __name__ == "__main__":
    raise SystemExit(main())
