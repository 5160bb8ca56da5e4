"""Measure the time of a frame on each engine: LiteRT with a model, and ONNX Runtime with the same model's .onnx file.

All sides take turns, so that a drift of the machine's speed affects them alike. Frames differ from each other.

    python -m benchmarks.engines
    python -m benchmarks.engines models/eff.h5 --threads 1
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.command import add_models, run_benchmark
from benchmarks.frames import drawn_frames
from inference.engine import Engine, open_engine
from models.convert import main as convert
from protocol.command_line import command_parser
from protocol.images import decode_image

FRAMES, ROUNDS, WARM_UP = 100, 10, 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    return run_benchmark(lambda: measure_models(_parse(arguments)))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m benchmarks.engines", __doc__)
    add_models(parser)
    parser.add_argument("--threads", nargs="*", type=int, default=[1, 2], help="(default: 1 2)")
    return parser.parse_args(arguments)


def measure_models(options: argparse.Namespace) -> None:
    """Measure and print."""
    frames = [decode_image(image)[np.newaxis] for image in drawn_frames(FRAMES)]
    with tempfile.TemporaryDirectory() as folder:
        for model in options.models:
            file = Path(folder) / f"{model.stem}.onnx"
            if convert([str(model), str(file)]):
                raise ValueError(f"{model} was not converted")
            measure(model, file, frames, options.threads)


def measure(model: Path, onnx_file: Path, frames: list[np.ndarray], threads: list[int]) -> None:
    """Time both engines with each number of threads, round by round, and print a line for each."""
    engines: list[Engine] = [
        open_engine(file, engine, threads=number)
        for number in threads
        for file, engine in ((model, "litert"), (onnx_file, "onnx"))
    ]
    times: list[list[float]] = [[] for _ in engines]
    for _ in range(ROUNDS):
        for engine, milliseconds in zip(engines, times, strict=True):
            for frame in frames[:WARM_UP]:
                engine.predict(frame)
            for frame in frames:
                start = time.perf_counter()
                engine.predict(frame)
                milliseconds.append((time.perf_counter() - start) * 1000)
    for engine, milliseconds in zip(engines, times, strict=True):
        p50, p99 = np.percentile(milliseconds, (50, 99))
        print(f"{model} on {engine.name:<7} {engine.device:<15} p50 {p50:.2f} ms, p99 {p99:.2f} ms")


if __name__ == "__main__":
    sys.exit(main())
