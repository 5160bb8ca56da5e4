"""A model file -> a callable on the best engine of this machine; every engine gives the same answers.

`model.predict` costs 50 ms a frame in overhead alone. LiteRT (XNNPACK) runs the same graph in 1 to 3 ms on a CPU, a
compiled TensorFlow graph serves a GPU, and Keras' own compiled call serves where only JAX or PyTorch is installed. Each
library is imported only when its engine is chosen.
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
    """An engine that cannot be had on this machine, or cannot run this model."""


@dataclass(frozen=True)
class Engine:
    """A loaded model. name: `litert`, `tensorflow` or `keras-<backend>`; device: where it runs, in words.

    notes: what was chosen, translated or replaced while loading, for the user to read. batches: whether several frames
    are to be asked together: on a GPU; on a CPU that brings nothing (docs/benchmarks.md).
    """

    name: str
    device: str
    notes: tuple[str, ...]
    run: Callable[[Frames], Steering]
    batches: bool = False

    def predict(self, frames: Frames) -> Steering:
        """uint8 RGB (n, 160, 320, 3) -> float32 (n,), steering nominally -1..1, positive right. For any thread."""
        return self.run(frames)

    def milliseconds(self, frames: int = 50) -> float:
        """Median milliseconds of one frame, measured now; warms the engine up on the way."""
        frame = np.full((1, *FRAME_SHAPE), 127, np.uint8)
        times = []
        for _ in range(frames):
            start = time.perf_counter()
            self.predict(frame)
            times.append(time.perf_counter() - start)
        return float(np.median(times) * 1000)


def open_engine(model: Path, engine: str = "auto", preprocess: str | None = None, threads: int | None = None) -> Engine:
    """Load `model` (.h5, .keras, .json with .h5, .tflite) on an engine of ENGINES.

    preprocess: name of a preprocessing, for models that do not take raw frames. threads: of LiteRT, if not as many as
    serve best. Raises EngineError, ModelFileError.
    """
    chosen = choose_engine() if engine == "auto" else engine
    if model.suffix.lower() == ".tflite":
        if engine not in ("auto", "litert"):
            raise EngineError(f"a .tflite file runs on --engine litert only, not {engine}")
        return _litert(model, (), threads, model.read_bytes())  # not mapped: the user may replace the file meanwhile
    if chosen == "litert":
        return _litert(*litert_file(model, preprocess), threads)
    return _tensorflow(model, preprocess) if chosen == "tensorflow" else _keras(model, preprocess)


def choose_engine() -> str:
    """A GPU if there is one and something that drives it, else LiteRT, else what is installed."""
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
    """Whether there is an NVIDIA driver, found without importing anything heavy."""
    return Path("/dev/nvidiactl").exists() or shutil.which("nvidia-smi") is not None


def _tensorflow_gpus() -> list[str]:
    import tensorflow as tf  # noqa: PLC0415  # heavy: only when chosen

    return [
        tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name)
        for gpu in tf.config.list_physical_devices("GPU")
    ]


def cpu_threads() -> int:
    """How many threads serve best here: one for each core that we may use, four at most."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(4, available)


def _litert(file: Path, notes: tuple[str, ...], threads: int | None = None, content: bytes | None = None) -> Engine:
    """content: of `file`, where it is not to be mapped into memory."""
    _require("litert")
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415  # heavy: only when chosen

    threads = threads or cpu_threads()
    source = {"model_path": str(file)} if content is None else {"model_content": content}

    def opened(threads: int) -> Interpreter:
        interpreter = Interpreter(**source, num_threads=threads)
        interpreter.allocate_tensors()
        return interpreter

    try:
        wide = opened(threads)
        (given,), (wanted,) = wide.get_input_details(), wide.get_output_details()
    except (ValueError, RuntimeError) as error:
        raise EngineError(f"{file} is no LiteRT model that runs here: {error}") from None
    if tuple(given["shape"]) != (1, *FRAME_SHAPE) or given["dtype"] != np.uint8 or np.prod(wanted["shape"]) != 1:
        raise EngineError(
            f"{file} takes {given['dtype'].__name__} {tuple(given['shape'])}; expected uint8 {(1, *FRAME_SHAPE)}"
        )
    into, out = given["index"], wanted["index"]
    interpreters = Interpreters(wide, lambda: opened(1))

    def run_one(frame: Frames) -> float:
        with interpreters.one() as interpreter:
            interpreter.set_tensor(into, frame)
            interpreter.invoke()
            return float(interpreter.get_tensor(out).flat[0])

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
    one_at_a_time = threading.Lock()  # Keras keeps state of its own between two calls

    def run(frames: Frames) -> Steering:
        with one_at_a_time:
            answers: Steering = np.asarray(loaded.model.predict_on_batch(frames), np.float32)
        return answers.reshape(-1)

    backend = keras.backend.backend()
    device = _keras_device(backend)
    return Engine(f"keras-{backend}", device, loaded.notes, run, device != "CPU")


def _keras_device(backend: str) -> str:
    """Where Keras puts a model, asked of the library behind it: Keras has no one question for all three."""
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
