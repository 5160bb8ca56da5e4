"""Measure what this machine's GPU gives to driving, to training and to a fleet; without one, its processor.

Each measurement runs in a process of its own, and the end says what could not be measured. Section by section:

engines   single frames, batches of up to 1,024 and cars, on each engine. Frames differ from each other, and are whole
          frames in the host's memory; the column `alone` has frames that are already on the GPU. Cars are threads that
          ask for one frame after another.
training  images a second of the compiled training step: batches of 32 and 256, layers as grouped convolutions and as
          shifted copies, both precisions, images varied and as they are
seeds     a training step of three seeds, side by side in one JAX program and one after another
trained   the seconds from a recording on the disk to a trained network
fleets    1, 24 and 60 simulators at one server

examples:
  python -m benchmarks.gpu
  python -m benchmarks.gpu --recording ~/recordings/lake
  python -m benchmarks.gpu models/eff.h5 --sections engines --engines litert jax --seconds 2 --minutes 10
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.command import run_benchmark
from benchmarks.gpu.engines import measure_engines
from benchmarks.gpu.fleets import measure_fleets
from benchmarks.gpu.machine import describe_machine
from benchmarks.gpu.plan import SHARES, BenchmarkPlan, Clock, section_ends, smaller
from benchmarks.gpu.recording import drawn_recording
from benchmarks.gpu.seeds import measure_seeds
from benchmarks.gpu.trained import measure_trained
from benchmarks.gpu.training import measure_training
from inference.devices import nvidia_gpu
from protocol.command_line import command_parser

Section = Callable[[BenchmarkPlan, Clock, Path], Iterator[str]]

SECTIONS: dict[str, Section] = {
    "engines": measure_engines,
    "training": measure_training,
    "seeds": measure_seeds,
    "trained": measure_trained,
    "fleets": measure_fleets,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    return run_benchmark(lambda: _measure(_parse(arguments)))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m benchmarks.gpu", __doc__)
    plan, names = BenchmarkPlan(), tuple(SHARES)
    parser.add_argument("models", nargs="*", type=Path, default=plan.models, help="model files (eff and baseline)")
    parser.add_argument("--sections", nargs="+", choices=names, default=names, help="(default: all)")
    parser.add_argument("--engines", nargs="+", choices=plan.engines, default=plan.engines, help="(default: all)")
    parser.add_argument("--seconds", type=float, default=plan.seconds, help="for each figure (default: %(default)s)")
    parser.add_argument("--largest", type=int, default=plan.largest, help="frames of the largest batch (%(default)s)")
    parser.add_argument("--recording", type=Path, metavar="FOLDER", help="a recording to learn (else one is drawn)")
    parser.add_argument("--minutes", type=float, help="for everything (default: 6.5, without a GPU 12)")
    return parser.parse_args(arguments)


def _measure(options: argparse.Namespace) -> None:
    print(describe_machine(), flush=True)
    plan = replace(
        BenchmarkPlan(),
        models=options.models,
        engines=options.engines,
        seconds=options.seconds,
        largest=options.largest,
        recording=options.recording,
    )
    if not nvidia_gpu():
        plan = smaller(plan)
        print(
            f"no GPU, so less is measured: batches of up to {plan.largest}, {len(plan.variants)} ways to train,"
            f" a training of {plan.epochs * plan.steps} steps, fleets of {' and '.join(map(str, plan.clients))}"
        )
    if options.minutes:
        plan = replace(plan, minutes=options.minutes)
    for failure in measure(plan, [name for name in SECTIONS if name in options.sections]):
        print(f"not measured: {failure}")


def measure(plan: BenchmarkPlan, sections: Sequence[str]) -> list[str]:
    """Measure the sections and print their tables; returns a line for each thing that could not be measured."""
    start_s = time.monotonic()
    failures: list[str] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # Windows keeps the run's lock file
        work = Path(folder)
        if plan.recording is None and {"training", "seeds", "trained"} & set(sections):
            plan = replace(plan, recording=drawn_recording(work / "recording", plan.rows))
        for name, end_s in section_ends(sections, plan.minutes).items():
            clock = Clock(start_s + end_s)
            print(f"\n{name}, until {end_s:.0f} s after the start", flush=True)
            for text in SECTIONS[name](plan, clock, work):
                print(f"\n{text}", flush=True)
            failures += clock.failures
    print(f"\n{time.monotonic() - start_s:.0f} s in all")
    return failures


if __name__ == "__main__":
    sys.exit(main())
