"""Opens a model file on the fastest engine of this machine; every engine gives the same answers.

LiteRT (XNNPACK) serves a CPU, a compiled TensorFlow graph serves a GPU, and Keras' compiled call serves machines that
have only JAX or PyTorch. A library is imported only when its engine is chosen.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from inference.conversion import litert_file
from inference.interpreters import Interpreters
from protocol.messages import FRAME_SHAPE

Frames = npt.NDArray[np.uint8]
Steering = npt.NDArray[np.float32]
ENGINES = ("auto", "litert", "tensorflow", "keras")


class EngineError(ValueError):
    """The engine is not available on this machine, or it cannot run this model."""


@dataclass(frozen=True)
class Engine:
    """A loaded model. name: `litert`, `tensorflow` or `keras-<backend>`; device: the CPU or GPU, for the user.

    notes: choices, translations and replacements of the loader, for the user. batches: whether to run several frames
    together, which pays only on a GPU (docs/benchmarks.md).
    """

    name: str
    device: str
    notes: tuple[str, ...]
    run: Callable[[Frames], Steering]
    batches: bool = False

    def predict(self, frames: Frames) -> Steering:
        """uint8 RGB (n, 160, 320, 3) -> float32 (n,), steering nominally -1..1, positive right. Thread-safe."""
        return self.run(frames)

    def milliseconds(self, frames: int = 50) -> float:
        """Measure the median milliseconds of one frame; this also warms up the engine."""
        frame = np.full((1, *FRAME_SHAPE), 127, np.uint8)
        times = []
        for _ in range(frames):
            start = time.perf_counter()
            self.predict(frame)
            times.append(time.perf_counter() - start)
        return float(np.median(times) * 1000)


def open_engine(model: Path, engine: str = "auto", preprocess: str | None = None, threads: int | None = None) -> Engine:
    """Load `model` (.h5, .keras, .json with .h5, .tflite) on an engine of ENGINES.

    preprocess: as `models.adapter` reads it, for models that do not take raw frames.
    threads: LiteRT's number of threads; None takes `cpu_threads`. Raises EngineError, ModelFileError.
    """
    engine_name = choose_engine() if engine == "auto" else engine
    if model.suffix.lower() == ".tflite":
        if engine not in ("auto", "litert"):
            raise EngineError(f"a .tflite file runs on --engine litert only, not {engine}")
        return _litert(model, (), threads, model.read_bytes())  # not memory-mapped: the user may replace the file
    if engine_name == "litert":
        return _litert(*litert_file(model, preprocess), threads)
    return _tensorflow(model, preprocess) if engine_name == "tensorflow" else _keras(model, preprocess)


def choose_engine() -> str:
    """The engine of a GPU if there is one and a library for it, else LiteRT, else an installed engine."""
    if _nvidia_gpu():
        if _installed("tensorflow") and _tensorflow_gpus():
            return "tensorflow"
        if _installed("jax") or _installed("torch"):
            return "keras"
    return next((name for name in ("litert", "tensorflow") if _installed(_PACKAGES[name])), "keras")


_PACKAGES = {"litert": "ai_edge_litert", "tensorflow": "tensorflow", "keras": "keras"}


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _require(engine: str) -> None:
    if not _installed(_PACKAGES[engine]):
        raise EngineError(f"--engine {engine} needs the package {_PACKAGES[engine].replace('_', '-')}: pip install it")


def _nvidia_gpu() -> bool:
    """Whether there is an NVIDIA driver; the check imports no library."""
    return Path("/dev/nvidiactl").exists() or shutil.which("nvidia-smi") is not None


def _tensorflow_gpus() -> list[str]:
    import tensorflow as tf  # noqa: PLC0415  # heavy: only when chosen

    return [
        tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name)
        for gpu in tf.config.list_physical_devices("GPU")
    ]


def cpu_threads() -> int:
    """LiteRT's best number of threads: one for each core available to this process, at most four."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(4, available)


def _litert(file: Path, notes: tuple[str, ...], threads: int | None = None, content: bytes | None = None) -> Engine:
    """content: bytes of `file`; None if LiteRT may map the file into memory."""
    _require("litert")
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415  # heavy: only when chosen

    threads = threads or cpu_threads()
    source = {"model_path": str(file)} if content is None else {"model_content": content}

    def open_interpreter(threads: int) -> Interpreter:
        interpreter = Interpreter(**source, num_threads=threads)
        interpreter.allocate_tensors()
        return interpreter

    try:
        interpreter = open_interpreter(threads)
        (frame_details,), (answer_details,) = interpreter.get_input_details(), interpreter.get_output_details()
    except (ValueError, RuntimeError) as error:
        raise EngineError(f"{file} is no LiteRT model that this machine can run: {error}") from None
    shape, dtype = tuple(frame_details["shape"]), frame_details["dtype"]
    if shape != (1, *FRAME_SHAPE) or dtype != np.uint8 or np.prod(answer_details["shape"]) != 1:
        raise EngineError(f"{file} takes {dtype.__name__} {shape}; expected uint8 {(1, *FRAME_SHAPE)}")
    frame_index, answer_index = frame_details["index"], answer_details["index"]
    interpreters = Interpreters(interpreter, lambda: open_interpreter(1))

    def run_one(frame: Frames) -> float:
        with interpreters.acquire() as interpreter:
            interpreter.set_tensor(frame_index, frame)
            interpreter.invoke()
            return float(interpreter.get_tensor(answer_index).flat[0])

    def run(frames: Frames) -> Steering:
        return np.array([run_one(frames[i : i + 1]) for i in range(len(frames))], np.float32)

    return Engine("litert", f"CPU, {threads} thread{'s'[: threads != 1]}", notes, run)


def _tensorflow(model: Path, preprocess: str | None) -> Engine:
    _require("tensorflow")
    import tensorflow as tf  # noqa: PLC0415  # heavy: only when chosen

    loaded = _load(model, preprocess)
    gpus = _tensorflow_gpus()
    graph = tf.function(
        lambda frames: loaded.model(frames, training=False),
        input_signature=[tf.TensorSpec((None, *FRAME_SHAPE), tf.uint8)],
        jit_compile=bool(gpus),
    ).get_concrete_function()

    def run(frames: Frames) -> Steering:
        answers: Steering = graph(tf.constant(frames)).numpy()
        return answers.reshape(-1)

    return Engine("tensorflow", f"GPU {gpus[0]}" if gpus else "CPU", loaded.notes, run, bool(gpus))


def _keras(model: Path, preprocess: str | None) -> Engine:
    _require("keras")
    if "KERAS_BACKEND" not in os.environ:
        backends = [name for name in ("tensorflow", "jax", "torch") if _installed(name)]
        if not backends:
            raise EngineError("--engine keras needs a backend: pip install tensorflow, jax or torch")
        os.environ["KERAS_BACKEND"] = backends[0]
    import keras  # noqa: PLC0415  # heavy: only when chosen

    loaded = _load(model, preprocess)
    lock = threading.Lock()  # Keras keeps internal state between two calls

    def run(frames: Frames) -> Steering:
        with lock:
            answers: Steering = np.asarray(loaded.model.predict_on_batch(frames), np.float32)
        return answers.reshape(-1)

    backend = keras.backend.backend()
    device = _keras_device(backend)
    return Engine(f"keras-{backend}", device, loaded.notes, run, device != "CPU")


def _keras_device(backend: str) -> str:
    """The device of Keras' backend; Keras has no common function for it."""
    if backend == "jax":
        import jax  # noqa: PLC0415

        device = jax.devices()[0]
        return "CPU" if device.platform == "cpu" else f"{device.platform.upper()} {device.device_kind}"
    if backend == "torch":
        import torch  # noqa: PLC0415

        return f"GPU {torch.cuda.get_device_name()}" if torch.cuda.is_available() else "CPU"
    gpus = _tensorflow_gpus()
    return f"GPU {gpus[0]}" if gpus else "CPU"


def _load(model: Path, preprocess: str | None) -> Any:
    from models.loading import load_steering_model  # noqa: PLC0415  # imports Keras

    return load_steering_model(model, preprocess)
