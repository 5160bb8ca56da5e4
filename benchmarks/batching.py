"""Would frames of several simulators be faster answered together? One by one against a batch, on this CPU.

LiteRT's cached file cannot be resized to n frames (its reshapes are for one), so each size is converted for itself,
from the same graph. Batches and single frames take turns; processor time is the whole process's, all threads.

On 2 cores of an AMD EPYC that other programs used too, LiteRT 2.3, 24 November 2026, processor time of a frame in a
batch of 2, 4 and 8 against one by one: eff 1.00, 0.93 and 0.83 times as fast on one thread, 1.12, 1.14 and 1.11 on two
(where one thread alone takes less than either: 1.20 ms a frame, not 1.67); baseline 0.94, 0.95 and 0.95 on one, 1.02,
1.01 and 1.00 on two. A frame alone fills the cores, and a batch leaves the caches. So LiteRT answers frame by frame.
The same machine, nothing else running, TensorFlow: a batch of 2, 4 and 8 takes 1.27, 1.61 and 1.70 times less processor
time for eff (3.63 ms one by one), 1.04, 1.08 and 1.12 for baseline (6.92). Of that too little arrives where clients and
JPEGs share the cores (benchmarks/fleet.py), so only a GPU, which none of this measures, answers in batches.

    python -m benchmarks.batching
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.frames import drawn_frames
from protocol.images import decode_image
from protocol.messages import FRAME_SHAPE
from server.engine import ENGINES, open_engine

SIZES = (2, 4, 8)
ROUNDS = 9
FRAMES = 24
"""Frames of each side in each round."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("models", nargs="*", type=Path, default=[Path("models/eff.h5"), Path("models/baseline.h5")])
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2], help="of LiteRT (1 2)")
    parser.add_argument("--engine", choices=ENGINES[1:], default="litert")
    options = parser.parse_args()
    frames = np.stack([decode_image(image) for image in drawn_frames(FRAMES)])
    for model in options.models:
        if options.engine != "litert":
            engine = open_engine(model, options.engine)
            measure(f"{model}, {engine.name} ({engine.device})", dict.fromkeys((1, *SIZES), engine.predict), frames)
            continue
        files = {size: converted(model, size) for size in (1, *SIZES)}
        for threads in options.threads:
            sides = {size: interpreter(file, threads) for size, file in files.items()}
            measure(f"{model}, {threads} thread{'s'[: threads != 1]}", sides, frames)


def converted(model: Path, size: int) -> bytes:
    """The LiteRT file of `model` for `size` frames at a time, as models/convert.py makes it for one."""
    from models.convert import litert_bytes_of  # noqa: PLC0415 - Keras takes seconds
    from models.inference_graph import inference_function  # noqa: PLC0415
    from models.loading import load_steering_model  # noqa: PLC0415

    return litert_bytes_of(inference_function(load_steering_model(model).model), shape=(size, *FRAME_SHAPE))


def measure(title: str, sides: dict[int, Callable[[np.ndarray], np.ndarray]], frames: np.ndarray) -> None:
    """One table: milliseconds a frame of each batch size."""
    wanted = np.concatenate([sides[1](frames[i : i + 1]) for i in range(max(SIZES))])
    for size in SIZES:
        found = np.concatenate([sides[size](frames[i : i + size]) for i in range(0, max(SIZES), size)])
        np.testing.assert_allclose(found, wanted, atol=1e-4)
    wall: dict[int, list[float]] = {size: [] for size in sides}
    processor: dict[int, list[float]] = {size: [] for size in sides}
    for _ in range(ROUNDS):
        for size, run in sides.items():
            start, used = time.perf_counter(), time.process_time()
            for i in range(0, FRAMES, size):
                run(frames[i : i + size])
            wall[size].append((time.perf_counter() - start) * 1000 / FRAMES)
            processor[size].append((time.process_time() - used) * 1000 / FRAMES)
    one, one_used = float(np.median(wall[1])), float(np.median(processor[1]))
    print(title)
    for size in sides:
        took, used = float(np.median(wall[size])), float(np.median(processor[size]))
        print(f"  {size:2} together: {took:.2f} ms a frame ({one / took:.2f} times as fast)", end=", ")
        print(f"{used:.2f} ms of processor time ({one_used / used:.2f})", flush=True)


def interpreter(file: bytes, threads: int) -> Callable[[np.ndarray], np.ndarray]:
    """A LiteRT file as a function, uint8 frames -> float32 answers."""
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415  # as server/engine.py does

    made: Any = Interpreter(model_content=file, num_threads=threads)
    made.allocate_tensors()
    given, wanted = made.get_input_details()[0], made.get_output_details()[0]

    def run(frames: np.ndarray) -> np.ndarray:
        made.set_tensor(given["index"], frames)
        made.invoke()
        answers: np.ndarray = made.get_tensor(wanted["index"])
        return answers.ravel()

    return run


if __name__ == "__main__":
    main()
