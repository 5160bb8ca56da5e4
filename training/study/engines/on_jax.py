"""Measure the networks on JAX's device, with grouped convolutions as Keras writes them, and as shifted copies.

All networks and forms take turns, so that other work of the machine slows all of them alike. Images come from the
host's memory.

    python -m training.study.engines.on_jax digits-eff
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"

import jax
import numpy as np
from tqdm import tqdm

from inference.compiled.jax_compiler import cache_programs, form_compiler
from inference.devices import device_of
from protocol.cache_folder import cache_folder
from protocol.command_line import run
from training.judge.timing import images_a_second, milliseconds
from training.study.engines.networks import BUILDERS, machine, names_of, print_figures

BATCH = 256
CALLS = 20
"""Single images that are timed in each round."""

FORMS = {"grouped": False, "shifted": True}
"""Whether layers are written as shifted copies (models.shifts), by the form's name."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    return run(lambda: measure(names_of("python -m training.study.engines.on_jax", __doc__, arguments)), "error")


def measure(names: Sequence[str]) -> None:
    """Measure the named networks: milliseconds of one image, and images a second of batches."""
    device = device_of("jax")
    cache_programs(cache_folder() / "jax")
    place = f"jax-{jax.devices()[0].platform}"
    single: dict[tuple[str, str], Callable[[], Any]] = {}
    batches: dict[tuple[str, str], Callable[[], Any]] = {}
    for name in tqdm(names, desc="compiling", unit=" networks"):
        for form, shifts in FORMS.items():
            compiler = form_compiler(BUILDERS[name](), shifts)
            single[name, form] = _answering(compiler.build(1), (1, *compiler.shape))
            batches[name, form] = _answering(compiler.build(BATCH), (BATCH, *compiler.shape))
    times = milliseconds(single, dict.fromkeys(single, CALLS))
    rates = images_a_second(batches, BATCH)
    figures = {
        name: {
            "milliseconds": {f"{place}-{form}": round(float(np.median(times[name, form])), 4) for form in FORMS},
            "images_s": {f"{place}-{form}": round(rates[name, form], 1) for form in FORMS},
        }
        for name in names
    }
    print_figures(place, machine(f"JAX {jax.__version__}", device), figures)


def _answering(program: Callable[[Any], Callable[[], Any]], shape: tuple[int, ...]) -> Callable[[], Any]:
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)

    def call() -> Any:
        return program(images)()

    return call


if __name__ == "__main__":
    sys.exit(main())
