"""Imitate a game that renders 60 frames a second, and measure the steering's latency and the answered views.

As in the simulator, each rendered frame takes up the replies and sends a telemetry for each. Two telemetries are in
flight, and both of one frame show the same view. For comparison it also sends unfragmented messages, as no simulator
does.

    python -m benchmarks.game
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

import numpy as np

from benchmarks.command import add_models, run_benchmark
from benchmarks.frames import drawn_frames
from protocol.command_line import command_parser
from tests.raw_client import RawClient, telemetry_packet
from tests.server_process import ServerProcess

IN_FLIGHT = 2


class RenderingClient:
    """One simulator at `render_hz`. `latency_ms`: from each telemetry to its steer; `views`: answered frames."""

    def __init__(self, client: RawClient, packets: list[bytes], render_hz: float) -> None:
        self._client = client
        self._packets = packets
        self._frame_s = 1 / render_hz
        self._sent: deque[tuple[float, int]] = deque()
        self._replies = 0
        self._ended = False
        self._lock = threading.Lock()
        self.latency_ms: list[float] = []
        self.views: set[int] = set()
        self._receiver = threading.Thread(target=self._receive, daemon=True)

    def play(self, seconds: float) -> None:
        """Render for `seconds`, then disconnect."""
        self._replies = IN_FLIGHT  # the socket's opening and the handshake bring one telemetry each
        self._receiver.start()
        start_s = time.perf_counter()
        for frame in range(int(seconds / self._frame_s)):
            time.sleep(max(0.0, start_s + frame * self._frame_s - time.perf_counter()))
            with self._lock:
                replies, self._replies = self._replies, 0
            for _ in range(replies):
                self._sent.append((time.perf_counter(), frame))
                self._client.send(self._packets[frame % len(self._packets)])
        self._ended = True
        self._receiver.join()
        self._client.close()

    def _receive(self) -> None:
        while not self._ended:
            try:
                self._client.receive_until(b'42["steer"')
            except (TimeoutError, ConnectionError):
                return
            sent_s, frame = self._sent.popleft()
            self.latency_ms.append((time.perf_counter() - sent_s) * 1000)
            self.views.add(frame)
            with self._lock:
                self._replies += 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    return run_benchmark(lambda: measure_models(_parse(arguments)))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m benchmarks.game", __doc__)
    add_models(parser)
    parser.add_argument("--render-hz", type=float, default=60.0, help="rendered frames a second (default %(default)g)")
    parser.add_argument("--seconds", type=float, default=20.0, help="duration of each game (default %(default)g)")
    return parser.parse_args(arguments)


def measure_models(options: argparse.Namespace) -> None:
    """Measure and print."""
    images = drawn_frames(200)
    for model in options.models:
        with ServerProcess("server/drive.py", str(model), "--port", "0") as server:
            print(f"{model}, a game of {options.render_hz:.0f} frames a second for {options.seconds:.0f} s")
            for name, at_once in (("fragmented", False), ("unfragmented", True)):
                packets = [telemetry_packet(image, cut=not at_once) for image in images]
                client = RawClient(server.port, timeout_s=1.0, at_once=at_once)
                game = RenderingClient(client, packets, options.render_hz)
                game.play(options.seconds)
                p50, p99 = np.percentile(game.latency_ms, (50, 99))
                rates = f"{len(game.views) / options.seconds:.1f} views and "
                rates += f"{len(game.latency_ms) / options.seconds:.1f} answers a second"
                print(f"  {name:23}{rates}; p50 {p50:.2f} ms, p99 {p99:.2f} ms", flush=True)


if __name__ == "__main__":
    sys.exit(main())
