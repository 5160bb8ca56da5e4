"""Measure what observers cost the answers: the live page's stream, a recording, and two Prometheus scrapes a second.

One client drives at the server's full speed, in alternate rounds without and with all three observers. A process of
its own stands for the page and reads the stream of events. A browser's drawing would count against the server.

    python -m benchmarks.watched
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import http.client
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.command import add_models, run_benchmark
from benchmarks.frames import drawn_frames
from benchmarks.roundtrip import clock, exchange
from protocol.command_line import command_parser
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


class Observers:
    """Runs a page's stream, a recording and a Prometheus inside its `with`. Raises RuntimeError if one is refused."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._ended = threading.Event()
        self._scraper = threading.Thread(target=self._scrape)

    def __enter__(self) -> Observers:
        request(self._port, "POST", "/api/recording/start")
        self._page = subprocess.Popen([sys.executable, "-c", READ_STREAM, str(self._port)], stdout=subprocess.PIPE)
        assert self._page.stdout is not None
        if self._page.stdout.readline().strip() != b"200":
            raise RuntimeError("the server refused the page's stream")
        self._scraper.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._scraper.join()
        self._page.terminate()
        self._page.communicate()
        request(self._port, "POST", "/api/recording/stop")

    def _scrape(self) -> None:
        while not self._ended.wait(SCRAPE_EVERY_S):
            request(self._port, "GET", "/metrics")


def request(port: int, method: str, path: str) -> None:
    """Make one HTTP request. Raises RuntimeError if the server refuses it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, *(("{}", {"Content-Type": "application/json"}) if method == "POST" else ()))
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{path} answered {answer.status}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    return run_benchmark(lambda: measure_models(_parse(arguments)))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m benchmarks.watched", __doc__)
    add_models(parser)
    return parser.parse_args(arguments)


def measure_models(options: argparse.Namespace) -> None:
    """Measure and print."""
    packets = [telemetry_packet(image) for image in drawn_frames(200)]
    for model in options.models:
        measure(model, packets)


def measure(model: Path, packets: list[bytes]) -> None:
    """Time alternate rounds for one model, and print their ratios."""
    without: list[float] = []
    observed: list[float] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        ServerProcess("server/drive.py", str(model), "--port", "0", "--record", folder) as server,
        RawClient(server.port) as client,
    ):
        request(server.port, "POST", "/api/recording/stop")
        for _ in range(ROUNDS):
            without += clock(lambda i: exchange(client, packets[i]), FRAMES, len(packets))
            with Observers(server.port):
                observed += clock(lambda i: exchange(client, packets[i]), FRAMES, len(packets))
    (p50, p99), (observed_p50, observed_p99) = (np.percentile(side, (50, 99)) for side in (without, observed))
    print(f"{model}: without observers: p50 {p50:.2f} ms, p99 {p99:.2f} ms")
    print(f"  with page, recording and metrics: p50 {observed_p50:.2f} ms, p99 {observed_p99:.2f} ms", end=" ")
    print(f"({observed_p50 / p50:.2f} and {observed_p99 / p99:.2f} times)")


if __name__ == "__main__":
    sys.exit(main())
