"""How long one image takes each network on each engine of this machine, and how large its file is.

A network's speed does not depend on its weights, so untrained ones are measured, all in turn, so that whatever else
the machine does slows all of them alike.
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
from models.steering import baseline, eff
from models.whole_files import write_whole
from training.judge.timing import milliseconds

THREADS = 1
"""Of LiteRT: two would wait for each other on a machine that is also busy otherwise."""

CALLS = {"litert": 40, "tensorflow": 20, "keras": 3}
"""Timed in each round; `predict` takes tens of milliseconds, nearly none of them in the network."""

BUILDERS: dict[str, Callable[[], keras.Model]] = {
    **{f"{task}-{name}": build for task, found in TASKS.items() for name, build in found.networks.items()},
    "steering-baseline": baseline,
    "steering-eff": eff,
}
"""Every network of the study; steering is what it was made for."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One network. milliseconds: the median of one image, by engine. file_bytes: of its LiteRT file."""

    parameters: int
    multiply_accumulates: int
    file_bytes: int
    milliseconds: dict[str, float]


def measure(out: Path) -> dict[str, Measured]:
    """Measure every network, write it as JSON together with the machine's description, and return it."""
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
    found = {}
    for name, model in models.items():
        spent = cost(model)
        median = {engine: round(float(np.median(times[name, engine])), 4) for engine in CALLS}
        found[name] = Measured(spent.parameters, spent.multiply_accumulates, len(files[name]), median)
    write_whole(out, (json.dumps({"machine": machine(), "networks": _plain(found)}, indent=2) + "\n").encode())
    return found


def machine() -> dict[str, Any]:
    """What the figures hold for: processor, threads, GPU or none, and how busy the machine was besides."""
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


def _plain(found: dict[str, Measured]) -> dict[str, Any]:
    return {name: asdict(each) for name, each in found.items()}


def _image(model: keras.Model) -> Any:
    return np.random.default_rng(0).integers(0, 256, (1, *model.input_shape[1:]), np.uint8)


def _litert(content: bytes, model: keras.Model) -> Callable[[], Any]:
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415

    interpreter = Interpreter(model_content=content, num_threads=THREADS)
    interpreter.allocate_tensors()
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
