"""What being watched costs the answers: the live page's stream, a recording and a Prometheus that asks twice a second.

One server and one client at the server's full speed, in rounds that take turns: nobody watches, all three do. The page
is a process of its own that reads the stream of events, without a browser, whose drawing would be charged to us.

On 2 cores of an AMD EPYC that did nothing else, LiteRT, 24 November 2026: eff p50 1.30 ms, p99 2.40; watched 1.39 and
2.89 (1.07 and 1.20 times). baseline 4.20 and 7.53; watched 4.28 and 6.72 (1.02 and 0.89 times).

    python -m benchmarks.watched
"""

from __future__ import annotations

import argparse
import http.client
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np

from benchmarks.frames import drawn_frames
from benchmarks.roundtrip import ask, clock
from tests.raw_client import RawClient, telemetry_packet
from tests.server_process import ServerProcess

ROUNDS, FRAMES = 10, 1000
SCRAPE_EVERY_S = 0.5
READ_STREAM = """
import http.client, sys
connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
connection.request("GET", "/api/events")
answer = connection.getresponse()
print(answer.status, flush=True)
while answer.read1(65536):
    pass
"""


class Watchers:
    """A page, a recording and a Prometheus, while inside its `with`."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._ended = threading.Event()
        self._scraper = threading.Thread(target=self._scrape)

    def __enter__(self) -> Watchers:
        ask_server(self._port, "POST", "/api/recording/start")
        self._page = subprocess.Popen([sys.executable, "-c", READ_STREAM, str(self._port)], stdout=subprocess.PIPE)
        assert self._page.stdout is not None
        if self._page.stdout.readline().strip() != b"200":
            raise RuntimeError("the server refuses the page's stream")
        self._scraper.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._scraper.join()
        self._page.terminate()
        self._page.communicate()
        ask_server(self._port, "POST", "/api/recording/stop")

    def _scrape(self) -> None:
        while not self._ended.wait(SCRAPE_EVERY_S):
            ask_server(self._port, "GET", "/metrics")


def ask_server(port: int, method: str, path: str) -> None:
    """One request. Raises RuntimeError when it is refused."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, *(("{}", {"Content-Type": "application/json"}) if method == "POST" else ()))
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{path} answered {answer.status}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("models", nargs="*", type=Path, default=[Path("models/eff.h5"), Path("models/baseline.h5")])
    options = parser.parse_args()
    packets = [telemetry_packet(image) for image in drawn_frames(200)]
    for model in options.models:
        measure(model, packets)


def measure(model: Path, packets: list[bytes]) -> None:
    """Rounds in turn for one model, and their ratios."""
    alone: list[float] = []
    watched: list[float] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        ServerProcess("server/drive.py", str(model), "--port", "0", "--record", folder) as server,
        RawClient(server.port) as client,
    ):
        ask_server(server.port, "POST", "/api/recording/stop")
        for _ in range(ROUNDS):
            alone += clock(lambda i: ask(client, packets[i]), FRAMES, len(packets))
            with Watchers(server.port):
                watched += clock(lambda i: ask(client, packets[i]), FRAMES, len(packets))
    (p50, p99), (watched_p50, watched_p99) = (np.percentile(each, (50, 99)) for each in (alone, watched))
    print(f"{model}: nobody watches: p50 {p50:.2f} ms, p99 {p99:.2f} ms")
    print(f"  page, recording and metrics: p50 {watched_p50:.2f} ms, p99 {watched_p99:.2f} ms", end=" ")
    print(f"({watched_p50 / p50:.2f} and {watched_p99 / p99:.2f} times)")


if __name__ == "__main__":
    main()
