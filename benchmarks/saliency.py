"""What looking into the model costs the answers, and whether what it marks matters to the steering.

Cost: one client at the server's full speed, in rounds that take turns, with and without somebody who asks for marked
pictures, ten a second, as the page does. Worth: the marked tenth of the network's crop is blurred, and beside it a
random tenth of equally large spots; by how much does the answer change?

On 2 cores of an AMD EPYC that did nothing else, 24 November 2026: eff p50 1.28 ms, p99 1.76 ms; with 10.1 pictures a
second 1.32 and 2.64 (1.03 and 1.50 times). baseline 4.14 and 6.88 ms; with 7.0 pictures a second 4.13 and 8.28 (1.00
and 1.20 times). On an Intel Xeon with AMX, 27 November: eff 1.67 and 2.25 ms, 0.99 and 1.51 times with 10.1 pictures;
baseline 3.50 and 5.75 ms, 1.00 and 1.31 times with 8.9. On 100 real frames of the lake, then, blurring the marked tenth
changes eff's answer by 0.031, a random tenth by 0.009 (3.5 times); baseline's by 0.035 and 0.009 (3.9 times).

    python -m benchmarks.saliency [RECORDING]
"""

from __future__ import annotations

import argparse
import http.client
import threading
import time
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.frames import drawn_frames
from benchmarks.roundtrip import ask, clock
from inference.conversion import saliency_file
from inference.engine import Engine, open_engine
from inference.saliency_network import SaliencyNetwork
from protocol.images import decode_image
from protocol.messages import Frame
from protocol.recording import read_recording
from tests.raw_client import RawClient, telemetry_packet
from tests.server_process import ServerProcess

ROUNDS, FRAMES = 10, 300
EVERY_S = 0.1
BLURRED = 0.1
SPOT = (12, 32)
"""Rows and columns of spots on the crop: about as coarse as what the networks mark."""


class Watcher:
    """Asks for marked pictures while `on` is set; `pictures`: how many came; `seconds`: how long it asked."""

    def __init__(self, port: int) -> None:
        self.on, self._ended = threading.Event(), threading.Event()
        self.pictures = 0
        self.seconds = 0.0
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()

    def _ask(self) -> None:
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


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("recording", type=Path, nargs="?", help="real frames for the second part (default: drawn ones)")
    parser.add_argument("--model", type=Path, action="append", help="default: both shipped ones")
    options = parser.parse_args()
    images = drawn_frames(200)
    if options.recording:
        samples = read_recording(options.recording).samples
        images_of_worth = [samples[i].center.read_bytes() for i in np.linspace(0, len(samples) - 1, 100, dtype=int)]
    else:
        images_of_worth = images[:100]
    for model in options.model or [Path("models/eff.h5"), Path("models/baseline.h5")]:
        cost(model, images)
        worth(model, [decode_image(image) for image in images_of_worth])


def cost(model: Path, images: list[bytes]) -> None:
    """Round trips without and with a watcher, in turns."""
    packets = [telemetry_packet(image) for image in images]
    times: dict[bool, list[float]] = {False: [], True: []}
    with ServerProcess("server/drive.py", str(model), "--port", "0") as server, RawClient(server.port) as client:
        ask(client, packets[0])
        watcher = Watcher(server.port)
        try:
            watcher.on.set()
            while not watcher.pictures:  # the first converts the model and starts the process
                ask(client, packets[0])
            watcher.pictures, watcher.seconds = 0, 0.0
            for _ in range(ROUNDS):
                for watched, found in times.items():
                    (watcher.on.set if watched else watcher.on.clear)()
                    found.extend(clock(lambda i: ask(client, packets[i]), FRAMES, len(images)))
        finally:
            watcher.close()
    (p50, p99), (watched_p50, watched_p99) = (np.percentile(each, (50, 99)) for each in times.values())
    print(f"{model}: nobody looks into it: p50 {p50:.2f} ms, p99 {p99:.2f} ms")
    rate = watcher.pictures / watcher.seconds
    print(f"  {rate:.1f} marked pictures a second: p50 {watched_p50:.2f} ms, p99 {watched_p99:.2f} ms", end=" ")
    print(f"({watched_p50 / p50:.2f} and {watched_p99 / p99:.2f} times)")


def worth(model: Path, frames: list[Frame]) -> None:
    """Mean change of the answer where marked, and where random pixels of what the network sees are blurred."""
    engine, network, rng = open_engine(model), SaliencyNetwork(saliency_file(model)), np.random.default_rng(0)
    marked, random = [], []
    for frame in frames:
        seen = network.looks_at(frame)
        crop = np.flatnonzero(seen.any(axis=1))
        spots = Image.fromarray(rng.random(SPOT, np.float32)).resize((frame.shape[1], crop[-1] + 1 - crop[0]))
        chance = np.zeros_like(seen)
        chance[crop[0] : crop[-1] + 1] = np.asarray(spots)
        share = BLURRED * (crop[-1] + 1 - crop[0]) / len(seen)
        marked.append(change(engine, frame, seen, share))
        random.append(change(engine, frame, chance, share))
    ratio = np.mean(marked) / np.mean(random)
    print(f"  blurring the marked tenth changes the answer by {np.mean(marked):.3f}, a random tenth by", end=" ")
    print(f"{np.mean(random):.3f} ({ratio:.1f} times; {len(frames)} frames)")


def change(engine: Engine, frame: Frame, order: np.ndarray, share: float) -> float:
    """By how much the answer changes when the `share` of pixels that is highest in `order` is blurred."""
    small = Image.fromarray(frame).resize((20, 10), Image.Resampling.BOX)
    blurred = np.asarray(small.resize(frame.shape[1::-1], Image.Resampling.BICUBIC))
    without = np.where((order > np.quantile(order, 1 - share))[..., None], blurred, frame)
    before, after = (float(engine.predict(each[None])[0]) for each in (frame, without))
    return abs(after - before)


if __name__ == "__main__":
    main()
