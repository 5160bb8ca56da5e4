"""Measure the networks on LiteRT, on a TensorFlow graph and with Keras' `predict`; TensorFlow makes the LiteRT files.

All networks and engines take turns, so that other work of the machine slows all of them alike.

    python -m training.study.engines.on_tensorflow digits-eff
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from inference.devices import device_of
from models.convert import litert_bytes
from models.interpreter import open_interpreter
from protocol.command_line import run
from training.judge.timing import milliseconds
from training.study.engines.networks import BUILDERS, machine, names_of, print_figures

THREADS = 1
"""LiteRT runs with one thread, because two would wait for each other on a busy machine."""

CALLS = {"litert": 40, "tensorflow": 20, "keras": 3}
"""Calls that are timed in each round, by engine; Keras' `predict` is slow, so it has few."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    return run(lambda: measure(names_of("python -m training.study.engines.on_tensorflow", __doc__, arguments)), "error")


def measure(names: Sequence[str]) -> None:
    """Measure the named networks, one image at a time."""
    models = {name: BUILDERS[name]() for name in names}
    files = {name: litert_bytes(model) for name, model in tqdm(models.items(), desc="converting")}
    calls = {
        (name, engine): call
        for name, model in models.items()
        for engine, call in (
            ("litert", _litert(files[name], model)),
            ("tensorflow", _tensorflow(model)),
            ("keras", _keras(model)),
        )
    }
    times = milliseconds(calls, {key: CALLS[key[1]] for key in calls})
    figures = {
        name: {
            "file_bytes": len(files[name]),
            "milliseconds": {engine: round(float(np.median(times[name, engine])), 4) for engine in CALLS},
        }
        for name in names
    }
    print_figures("tensorflow", machine(f"TensorFlow {tf.__version__}", device_of("tensorflow"), THREADS), figures)


def _image(model: keras.Model) -> Any:
    return np.random.default_rng(0).integers(0, 256, (1, *model.input_shape[1:]), np.uint8)


def _litert(content: bytes, model: keras.Model) -> Callable[[], Any]:
    interpreter = open_interpreter(content, THREADS)
    into, out = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    image = _image(model)

    def call() -> Any:
        interpreter.set_tensor(into, image)
        interpreter.invoke()
        return interpreter.get_tensor(out)

    return call


def _tensorflow(model: keras.Model) -> Callable[[], Any]:
    image = _image(model)
    graph = tf.function(
        lambda pixels: model(pixels, training=False),
        input_signature=[tf.TensorSpec((None, *image.shape[1:]), tf.uint8)],
    ).get_concrete_function()
    return lambda: graph(tf.constant(image)).numpy()


def _keras(model: keras.Model) -> Callable[[], Any]:
    image = _image(model)
    return lambda: model.predict(image, verbose=0)


if __name__ == "__main__":
    sys.exit(main())
