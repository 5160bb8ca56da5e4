"""Measure JAX's training step of several seeds, side by side and one after another; `benchmarks.gpu` runs it.

    python -m benchmarks.gpu.side_by_side RECORDING FOLDER --networks eff-tiny eff --seeds 3

Both take turns, so that a drift of the machine's speed affects them alike. It prints a line of JSON for each network.
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.command import run_benchmark
from benchmarks.gpu.plan import Variant
from benchmarks.gpu.steps import new_learner
from protocol.command_line import command_parser, whole

ROUNDS = 3
"""At least so many rounds are measured, however long they take."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    return run_benchmark(lambda: measure(_parse(arguments)))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m benchmarks.gpu.side_by_side", __doc__)
    parser.add_argument("recording", type=Path, help="folder of a recording")
    parser.add_argument("folder", type=Path, help="folder for decoded images")
    parser.add_argument("--networks", nargs="+", default=["eff-tiny", "eff"], help="(default: eff-tiny eff)")
    parser.add_argument("--seeds", type=whole(2, 64), default=3, help="trainings of each (default: %(default)s)")
    parser.add_argument("--batch", type=whole(1, 4096), default=32, help="images of a batch (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=0.5, help="for each network (default: %(default)s)")
    return parser.parse_args(arguments)


def measure(options: argparse.Namespace) -> None:
    """Print a line for each network, as soon as it is measured."""
    os.environ["KERAS_BACKEND"] = "jax"
    from inference.devices import device_of  # noqa: PLC0415 - after the choice of the backend

    for network in options.networks:
        variant = Variant(network, options.batch)
        start_s = time.perf_counter()
        alone, together, count = ready_steps(variant, options.seeds, options.recording, options.folder)
        ready_s = time.perf_counter() - start_s
        alone_s, together_s = zip(*rounds(alone, together, options.seconds), strict=True)
        figures = {
            "network": network,
            "batch": options.batch,
            "seeds": options.seeds,
            "alone_ms": 1000 * statistics.median(alone_s) / count,
            "together_ms": 1000 * statistics.median(together_s) / count,
            "rounds": len(alone_s),
            "ready_s": ready_s,
            "device": device_of("jax"),
        }
        print(json.dumps(figures), flush=True)


def ready_steps(
    variant: Variant, seeds: int, recording: Path, folder: Path
) -> tuple[Callable[[], object], Callable[[], object], int]:
    """Compile both ways; returns a call of each, and how many steps of each network a call learns.

    One after another, the networks have each a program of their own, as in trainings of their own.
    """
    from training.run.steps.jax_seeds import JaxSeeds  # noqa: PLC0415

    pairs: list[tuple[Any, Any]] = [new_learner(variant, recording, folder, seed) for seed in range(1, seeds + 1)]
    learners = [learner for learner, _ in pairs]
    count = learners[0].at_once
    prepared = [(learner, learner.prepare(steps)) for learner, steps in pairs]
    side_by_side = JaxSeeds(learners, learners[0])
    stacked = side_by_side.prepare([steps for _, steps in pairs])

    def alone() -> None:
        for learner, steps in prepared:
            learner.learn(steps, count)

    def together() -> None:
        side_by_side.learn(stacked, count)

    for learn in (alone, together):
        learn()
    return alone, together, count


def rounds(
    alone: Callable[[], object], together: Callable[[], object], seconds: float
) -> Iterator[tuple[float, float]]:
    """Yield the seconds of each way in turns, until `seconds` have passed."""
    number, start_s = 0, time.perf_counter()
    while number < ROUNDS or time.perf_counter() - start_s < seconds:
        begin_s = time.perf_counter()
        alone()
        between_s = time.perf_counter()
        together()
        yield between_s - begin_s, time.perf_counter() - between_s
        number += 1


if __name__ == "__main__":
    sys.exit(main())
