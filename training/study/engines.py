"""The study measures how long each network takes for one image on each engine, and how large its file is.

A network's speed does not depend on its weights, so the networks are untrained. They are measured in turns, so that
other work of the machine slows all of them alike.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from tqdm import tqdm

from models.classifiers import TASKS
from models.convert import litert_bytes
from models.cost import cost
from models.interpreter import open_interpreter
from models.steering import baseline, eff
from models.whole_files import write_whole
from training.judge.timing import milliseconds

THREADS = 1
"""LiteRT runs with one thread, because two would wait for each other on a busy machine."""

CALLS = {"litert": 40, "tensorflow": 20, "keras": 3}
"""Calls that are timed in each round, by engine; Keras' `predict` is slow, so it has few."""

BUILDERS: dict[str, Callable[[], keras.Model]] = {
    **{f"{task}-{name}": build for task, group in TASKS.items() for name, build in group.networks.items()},
    "steering-baseline": baseline,
    "steering-eff": eff,
}
"""Every network of the study, and both steering networks."""


@dataclass(frozen=True, slots=True)
class NetworkFigures:
    """The figures of one network. milliseconds: median of one image, by engine; file_bytes: its LiteRT file's size."""

    parameters: int
    multiply_accumulates: int
    file_bytes: int
    milliseconds: dict[str, float]


def measure(out: Path) -> dict[str, NetworkFigures]:
    """Measure every network, write the figures and the machine's description as JSON, and return the figures."""
    models = {name: build() for name, build in BUILDERS.items()}
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
    figures = {}
    for name, model in models.items():
        spent = cost(model)
        median = {engine: round(float(np.median(times[name, engine])), 4) for engine in CALLS}
        figures[name] = NetworkFigures(spent.parameters, spent.multiply_accumulates, len(files[name]), median)
    write_whole(out, (json.dumps({"machine": machine(), "networks": _plain(figures)}, indent=2) + "\n").encode())
    return figures


def machine() -> dict[str, Any]:
    """Describe the machine: processor, threads, GPU or none, and how busy it was."""
    import tensorflow as tf  # noqa: PLC0415

    gpus = [
        tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name)
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "litert_threads": THREADS,
        "gpu": gpus[0] if gpus else None,
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }


def _plain(figures: dict[str, NetworkFigures]) -> dict[str, Any]:
    return {name: asdict(network) for name, network in figures.items()}


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
    import tensorflow as tf  # noqa: PLC0415

    image = _image(model)
    graph = tf.function(
        lambda pixels: model(pixels, training=False),
        input_signature=[tf.TensorSpec((None, *image.shape[1:]), tf.uint8)],
    ).get_concrete_function()
    return lambda: graph(tf.constant(image)).numpy()


def _keras(model: keras.Model) -> Callable[[], Any]:
    image = _image(model)
    return lambda: model.predict(image, verbose=0)
