"""A game of 60 frames a second at its server: how late is the wheel, and how many different views are answered?

As the simulator does it: replies are taken up once in a rendered frame, each brings one telemetry, two are under way,
and both of one frame show the same view. The same with messages in one piece, which no simulator sends.

    python -m benchmarks.game
"""

from __future__ import annotations

import argparse
import threading
import time
from collections import deque
from pathlib import Path

import numpy as np

from benchmarks.frames import drawn_frames
from tests.raw_client import RawClient, packet, telemetry_packet
from tests.server_process import ServerProcess

UNDER_WAY = 2


class Game:
    """One simulator at `render_hz`. `latency_ms`: from a telemetry's sending to its steer; `views`: answered."""

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
        """Render for so long."""
        self._replies = UNDER_WAY  # the socket's opening and the handshake bring one telemetry each
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
                message = self._client.receive()
            except (TimeoutError, ConnectionError):
                return
            if message == b"2":
                self._client.send(packet("3"))
            elif message.startswith(b'42["steer"'):
                sent_s, frame = self._sent.popleft()
                self.latency_ms.append((time.perf_counter() - sent_s) * 1000)
                self.views.add(frame)
                with self._lock:
                    self._replies += 1


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("models", nargs="*", type=Path, default=[Path("models/eff.h5"), Path("models/baseline.h5")])
    parser.add_argument("--render-hz", type=float, default=60.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    images = drawn_frames(200)
    for model in options.models:
        with ServerProcess("server/drive.py", str(model), "--port", "0") as server:
            print(f"{model}, a game of {options.render_hz:.0f} frames a second for {options.seconds:.0f} s")
            for name, at_once in (("as the simulator sends", False), ("in one piece", True)):
                packets = [telemetry_packet(image, cut=not at_once) for image in images]
                game = Game(RawClient(server.port, timeout_s=1.0, at_once=at_once), packets, options.render_hz)
                game.play(options.seconds)
                p50, p99 = np.percentile(game.latency_ms, (50, 99))
                rates = f"{len(game.views) / options.seconds:.1f} views and "
                rates += f"{len(game.latency_ms) / options.seconds:.1f} answers a second"
                print(f"  {name:23}{rates}; p50 {p50:.2f} ms, p99 {p99:.2f} ms", flush=True)


if __name__ == "__main__":
    main()
