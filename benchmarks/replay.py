"""Measure replayed frames a second, in process: of the view alone, and with each model's steering.

python -m benchmarks.replay RECORDING
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.command import add_models, run_benchmark
from inference.engine import open_engine
from protocol.command_line import command_parser
from protocol.messages import Control
from protocol.recording import read_recording
from simulator.replay.reference_path import ReferencePath, reference_path
from simulator.replay.replay_world import ReplayWorld

FRAME_S = 0.05
FRAMES = 1500


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    return run_benchmark(lambda: measure_all(_parse(arguments)))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m benchmarks.replay", __doc__)
    parser.add_argument("recording", type=Path)
    add_models(parser)
    return parser.parse_args(arguments)


def measure_all(options: argparse.Namespace) -> None:
    """Measure and print."""
    path = reference_path(read_recording(options.recording))
    measure("the view alone, 0.2 m off the line", path, None)
    for model in options.models:
        measure(str(model), path, model)


def measure(title: str, path: ReferencePath, model: Path | None) -> None:
    """Drive FRAMES frames of the recording; print frames a second, and processor time a frame."""
    engine = open_engine(model) if model else None
    world = ReplayWorld(path)
    frames, wall_s, processor_s = 0, time.perf_counter(), time.process_time()
    while not world.finished and frames < FRAMES:
        frame = world.frame()
        steering = float(engine.predict(frame[np.newaxis])[0]) if engine else world.human_steering
        if engine is None:
            steering += 0.3 * (world.place.offset_m - 0.2) + world.heading_error_rad
        world.apply(Control(steering, 0.0))
        world.step(FRAME_S)
        frames += 1
    wall_s, processor_s = time.perf_counter() - wall_s, time.process_time() - processor_s
    print(f"{title}: {frames / wall_s:.0f} frames/s; {1000 * processor_s / frames:.2f} ms of processor time a frame")


if __name__ == "__main__":
    sys.exit(main())
