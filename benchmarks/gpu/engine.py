"""Measure one engine with one model, and print the figures as a line of JSON; `benchmarks.gpu` runs it.

python -m benchmarks.gpu.engine jax models/eff.h5 --seconds 0.5
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.command import run_benchmark
from benchmarks.frames import drawn_frames
from inference.batches import Batches
from inference.engine import Engine, EngineError, open_engine
from inference.golden_frame import check_golden_frame
from models.converted import stand_in
from protocol.command_line import command_parser
from protocol.images import decode_image

DIFFERENT_FRAMES = 256
SIZES = (8, 64, 1024)
CARS = (8, 24, 60)


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured. ready_s: from the process's start to its first checked answer; prepare_s: until the programs
    of all sizes were compiled. difference: the largest from LiteRT's answers, or None without LiteRT. rates: frames a
    second by size of the batch; alone: the same for frames that are already on the GPU. cars: frames a second, p50 and
    p99 in ms, by the number of threads that ask for one frame after another.
    """

    engine: str
    device: str
    ready_s: float
    prepare_s: float = 0.0
    difference: float | None = None
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    rates: dict[int, float] = field(default_factory=dict)
    alone: dict[int, float] = field(default_factory=dict)
    cars: dict[int, tuple[float, float, float]] = field(default_factory=dict)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    return run_benchmark(lambda: print(json.dumps(asdict(measure(_parse(arguments))))))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m benchmarks.gpu.engine", __doc__)
    parser.add_argument("engine", help="as --engine of the server")
    parser.add_argument("model", type=Path, help="model file")
    parser.add_argument("--seconds", type=float, default=0.5, help="for each figure; 0 only opens (%(default)s)")
    parser.add_argument("--largest", type=int, default=SIZES[-1], help="frames of the largest batch (%(default)s)")
    parser.add_argument("--started", type=float, default=time.time(), help="when the process was started, Unix time")
    return parser.parse_args(arguments)


def measure(options: argparse.Namespace) -> Figures:
    """Open the engine and measure it."""
    engine = open_engine(options.model, options.engine)
    check_golden_frame(options.model, engine)
    ready_s = time.time() - options.started
    if not options.seconds:
        return Figures(engine.name, engine.device, ready_s)
    frames = np.stack([decode_image(image) for image in drawn_frames(DIFFERENT_FRAMES)])
    start_s = time.perf_counter()
    if engine.together:
        engine.together.prepare().join()
    prepare_s = time.perf_counter() - start_s
    p50_ms, p99_ms = one_by_one(engine, frames, options.seconds)
    sizes = [size for size in SIZES if size <= options.largest]
    return Figures(
        engine.name,
        engine.device,
        ready_s,
        prepare_s,
        difference_from_litert(options.model, engine, frames[:32]),
        p50_ms,
        p99_ms,
        {size: rate(engine.run, np.resize(frames, (size, *frames.shape[1:])), options.seconds) for size in sizes},
        {size: on_device(engine, size, options.seconds) for size in sizes if engine.together and engine.name == "jax"},
        {count: several_cars(engine, count, frames, options.seconds) for count in CARS if count <= options.largest},
    )


def difference_from_litert(model: Path, engine: Engine, frames: np.ndarray) -> float | None:
    """The largest difference between the engine's answers and those of the converted file beside the model."""
    file = stand_in(model, None)
    if file is None:
        return None
    try:
        return float(np.abs(engine.predict(frames) - open_engine(file).predict(frames)).max())
    except EngineError:
        return None


def one_by_one(engine: Engine, frames: np.ndarray, seconds: float) -> tuple[float, float]:
    """Median and 99th percentile of the milliseconds of one frame."""
    times: list[float] = []
    end_s = time.perf_counter() + 2 * seconds
    number = 0
    while time.perf_counter() < end_s or number < 20:
        frame = frames[number % len(frames)][np.newaxis]
        start_s = time.perf_counter()
        engine.run(frame)
        times.append(1000 * (time.perf_counter() - start_s))
        number += 1
    p50_ms, p99_ms = np.percentile(times[10:], (50, 99))
    return float(p50_ms), float(p99_ms)


def rate(run: Callable[[np.ndarray], object], frames: np.ndarray, seconds: float) -> float:
    """Frames a second of batches like this one."""
    run(frames)
    rounds, start_s = 0, time.perf_counter()
    while (passed_s := time.perf_counter() - start_s) < seconds:
        run(frames)
        rounds += 1
    return rounds * len(frames) / passed_s


def on_device(engine: Engine, size: int, seconds: float) -> float:
    """Frames a second of the program of one size, whose frames are on JAX's device already."""
    import jax  # noqa: PLC0415  # only where it runs the engine

    assert engine.together is not None
    size = min(size, engine.together.largest)
    program = engine.together.program(size)
    rng = np.random.default_rng(1)
    frames = jax.device_put(rng.integers(0, 256, (size, *engine.together.shape), np.uint8))

    def twenty(_: np.ndarray) -> None:
        for answers in [program(frames) for _ in range(20)]:
            answers()

    return 20 * rate(twenty, np.empty(size), seconds)


def several_cars(engine: Engine, count: int, frames: np.ndarray, seconds: float) -> tuple[float, float, float]:
    """Frames a second, p50 and p99 in ms, of `count` threads which ask for one frame after another, as the server's."""
    run = Batches(engine.run, engine.together).predict if engine.together else engine.run
    end_s = time.perf_counter() + 2 * seconds

    def drive(car: int) -> list[float]:
        times: list[float] = []
        while (start_s := time.perf_counter()) < end_s:
            run(frames[(car + len(times)) % len(frames)][np.newaxis])
            times.append(time.perf_counter() - start_s)
        return times

    with ThreadPoolExecutor(count) as pool:
        times = [value for values in pool.map(drive, range(count)) for value in values]
    p50_s, p99_s = np.percentile(times, (50, 99))
    return len(times) / (2 * seconds), float(1000 * p50_s), float(1000 * p99_s)


if __name__ == "__main__":
    sys.exit(main())
