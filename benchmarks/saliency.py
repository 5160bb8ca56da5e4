"""Measure what marked pictures cost the answers, and whether the marked pixels matter to the steering.

Cost: one client drives at the server's full speed. In alternate rounds another client requests ten marked pictures a
second, as the page does. Worth: blur the marked tenth of the network's crop, then a random tenth of equally large
spots, and compare how much each changes the steering.

    python -m benchmarks.saliency [RECORDING]
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import http.client
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.command import MODELS, run_benchmark
from benchmarks.frames import drawn_frames
from benchmarks.roundtrip import clock, exchange
from inference.conversion import saliency_file
from inference.engine import Engine, open_engine
from inference.saliency_network import SaliencyNetwork
from protocol.command_line import command_parser
from protocol.images import decode_image
from protocol.messages import Frame
from protocol.recording import read_recording
from tests.raw_client import RawClient, telemetry_packet
from tests.server_process import ServerProcess

ROUNDS, FRAMES = 10, 300
EVERY_S = 0.1
BLURRED = 0.1
SPOT = (12, 32)
"""Rows and columns of random spots on the crop: about as coarse as the networks' marks."""


class Watcher:
    """Requests marked pictures while `on` is set. `pictures`: pictures received; `seconds`: time spent requesting."""

    def __init__(self, port: int) -> None:
        self.on, self._ended = threading.Event(), threading.Event()
        self.pictures = 0
        self.seconds = 0.0
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._thread = threading.Thread(target=self._request_pictures)
        self._thread.start()

    def _request_pictures(self) -> None:
        while not self._ended.is_set():
            if not self.on.wait(0.05):
                continue
            start = time.perf_counter()
            self._connection.request("GET", "/api/saliency")
            answer = self._connection.getresponse()
            answer.read()
            if answer.status not in (200, 202):
                raise RuntimeError(f"/api/saliency answered {answer.status}")
            self.pictures += answer.status == 200
            self._ended.wait(max(0.0, EVERY_S - (time.perf_counter() - start)))
            self.seconds += time.perf_counter() - start

    def close(self) -> None:
        """End the thread."""
        self._ended.set()
        self._thread.join()
        self._connection.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    return run_benchmark(lambda: measure_models(_parse(arguments)))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m benchmarks.saliency", __doc__)
    parser.add_argument(
        "recording", type=Path, nargs="?", help="real frames for the second part (default: drawn frames)"
    )
    parser.add_argument("--model", type=Path, action="append", help="a model file (default: eff.h5 and baseline.h5)")
    return parser.parse_args(arguments)


def measure_models(options: argparse.Namespace) -> None:
    """Measure and print."""
    images = drawn_frames(200)
    if options.recording:
        samples = read_recording(options.recording).samples
        worth_images = [samples[i].center.read_bytes() for i in np.linspace(0, len(samples) - 1, 100, dtype=int)]
    else:
        worth_images = images[:100]
    for model in options.model or MODELS:
        measure_cost(model, images)
        measure_worth(model, [decode_image(image) for image in worth_images])


def measure_cost(model: Path, images: list[bytes]) -> None:
    """Time round trips without and with a watcher, in turns, and print both."""
    packets = [telemetry_packet(image) for image in images]
    times: dict[bool, list[float]] = {False: [], True: []}
    with ServerProcess("server/drive.py", str(model), "--port", "0") as server, RawClient(server.port) as client:
        exchange(client, packets[0])
        watcher = Watcher(server.port)
        try:
            watcher.on.set()
            while not watcher.pictures:  # the first request converts the model and starts the process
                exchange(client, packets[0])
            watcher.pictures, watcher.seconds = 0, 0.0
            for _ in range(ROUNDS):
                for watched, milliseconds in times.items():
                    (watcher.on.set if watched else watcher.on.clear)()
                    milliseconds.extend(clock(lambda i: exchange(client, packets[i]), FRAMES, len(images)))
        finally:
            watcher.close()
    (p50, p99), (watched_p50, watched_p99) = (np.percentile(side, (50, 99)) for side in times.values())
    print(f"{model}: without marked pictures: p50 {p50:.2f} ms, p99 {p99:.2f} ms")
    rate = watcher.pictures / watcher.seconds
    print(f"  with {rate:.1f} marked pictures a second: p50 {watched_p50:.2f} ms, p99 {watched_p99:.2f} ms", end=" ")
    print(f"({watched_p50 / p50:.2f} and {watched_p99 / p99:.2f} times)")


def measure_worth(model: Path, frames: list[Frame]) -> None:
    """Print the mean change of the answer when marked pixels of the crop are blurred, and when random ones are."""
    engine, network, rng = open_engine(model), SaliencyNetwork(saliency_file(model)), np.random.default_rng(0)
    marked_changes, random_changes = [], []
    for frame in frames:
        saliency = network.looks_at(frame)
        crop = np.flatnonzero(saliency.any(axis=1))
        spots = Image.fromarray(rng.random(SPOT, np.float32)).resize((frame.shape[1], crop[-1] + 1 - crop[0]))
        random_map = np.zeros_like(saliency)
        random_map[crop[0] : crop[-1] + 1] = np.asarray(spots)
        share = BLURRED * (crop[-1] + 1 - crop[0]) / len(saliency)
        marked_changes.append(answer_change(engine, frame, saliency, share))
        random_changes.append(answer_change(engine, frame, random_map, share))
    marked, random = np.mean(marked_changes), np.mean(random_changes)
    print(f"  blurring the marked tenth changes the answer by {marked:.3f}, blurring a random tenth by", end=" ")
    print(f"{random:.3f} ({marked / random:.1f} times; {len(frames)} frames)")


def answer_change(engine: Engine, frame: Frame, saliency: np.ndarray, share: float) -> float:
    """The change of the answer when the `share` of pixels with the highest `saliency`, (160, 320), is blurred."""
    small = Image.fromarray(frame).resize((20, 10), Image.Resampling.BOX)
    blurred = np.asarray(small.resize(frame.shape[1::-1], Image.Resampling.BICUBIC))
    partly_blurred = np.where((saliency > np.quantile(saliency, 1 - share))[..., None], blurred, frame)
    before, after = (float(engine.predict(image[None])[0]) for image in (frame, partly_blurred))
    return abs(after - before)


if __name__ == "__main__":
    sys.exit(main())
