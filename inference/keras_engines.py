"""Opens a model file on a backend of Keras: JAX, TensorFlow or PyTorch, compiled, or Keras' own plain call.

One process has one backend. The plain call is what most programs of the field do; it serves as their measure.
"""

from __future__ import annotations

import importlib.util
import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from inference.compiled.network import CompiledNetwork
from inference.devices import backend_in_use, device_of
from inference.engine import Answers, Engine, EngineError, require_package
from protocol.cache_folder import cache_folder

BACKENDS = ("tensorflow", "jax", "torch")


def open_keras_engine(model: Path, engine: str, preprocess: str | None) -> Engine:
    """Load a Keras file on `jax`, `tensorflow`, `torch`, or on `keras`: the backend in use, else the first installed.

    preprocess: as `models.adapter.text` reads it. Raises EngineError, ModelFileError, OSError.
    """
    require_package("keras")
    backend = use_backend(engine if engine in BACKENDS else None)
    device = device_of(backend)
    if backend == "jax":
        from inference.compiled.jax_compiler import cache_programs  # noqa: PLC0415  # imports Keras

        cache_programs(cache_folder() / "jax")
    with _building(backend):
        from models.loading import load_steering_model  # noqa: PLC0415  # imports Keras

        network = load_steering_model(model, preprocess)
    name = engine if engine in BACKENDS else f"keras-{backend}"
    inputs = network.model.inputs
    stack = inputs[0].shape[1] if len(inputs[0].shape) == 5 else None
    run, together = _runner(network.model, engine, device)
    if device == "CPU" or stack is not None or len(inputs) > 1:  # only single frames are worth a batch, and on a GPU
        together = None
    return Engine(name, device, network.notes, run, together, stack, len(inputs) > 1, network.answers)


def use_backend(name: str | None) -> str:
    """Let Keras run on this backend, or on the one that is in use or the first that is installed; returns its name.

    Raises EngineError if Keras already runs on another one, or if none is installed.
    """
    in_use = backend_in_use()
    if in_use is not None and name not in (None, in_use):
        raise EngineError(f"--engine {name} cannot run here: Keras already runs on {in_use} in this process")
    chosen = name or in_use or os.environ.get("KERAS_BACKEND")
    if chosen is None:
        chosen = next((backend for backend in BACKENDS if importlib.util.find_spec(backend)), None)
    if chosen is None:
        raise EngineError("--engine keras needs a backend: pip install tensorflow, jax or torch")
    os.environ["KERAS_BACKEND"] = chosen
    return chosen


def _building(backend: str) -> AbstractContextManager[Any]:
    """Where layers are built: on JAX on the CPU, which compiles their random first weights faster than a GPU does."""
    if backend != "jax":
        return nullcontext()
    import jax  # noqa: PLC0415

    try:
        return jax.default_device(jax.local_devices(backend="cpu")[0])
    except RuntimeError:  # JAX_PLATFORMS names the GPU alone
        return nullcontext()


def _runner(model: Any, engine: str, device: str) -> tuple[Callable[..., Answers], CompiledNetwork | None]:
    if engine == "keras":
        return _plain_call(model), None
    if engine == "tensorflow" and device == "CPU":
        return _tensorflow_graph(model), None
    if engine == "jax":
        from inference.compiled.jax_compiler import jax_compiler as compiler_of  # noqa: PLC0415
    elif engine == "torch":
        from inference.compiled.torch_compiler import torch_compiler as compiler_of  # noqa: PLC0415
    else:
        from inference.compiled.tensorflow_compiler import tensorflow_compiler as compiler_of  # noqa: PLC0415
    network = CompiledNetwork(compiler_of(model))
    return network.run, network


def _plain_call(model: Any) -> Callable[..., Answers]:
    lock = threading.Lock()  # Keras keeps internal state between two calls

    def run(*inputs: Any) -> Answers:
        with lock:
            batch = inputs if len(inputs) > 1 else inputs[0]
            return np.asarray(model.predict_on_batch(batch), np.float32)

    return run


def _tensorflow_graph(model: Any) -> Callable[..., Answers]:
    """A graph for any number of frames on a CPU, whose kernels TensorFlow does not compile."""
    import tensorflow as tf  # noqa: PLC0415

    graph = tf.function(
        lambda *inputs: model(inputs if len(inputs) > 1 else inputs[0], training=False),
        input_signature=[tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in model.inputs],
    ).get_concrete_function()

    def run(*inputs: Any) -> Answers:
        answers: Answers = graph(*map(tf.constant, inputs)).numpy()
        return answers

    return run
