"""Opens a model file on the fastest engine of this machine; every engine gives the same answers.

LiteRT (XNNPACK) serves a CPU, a compiled TensorFlow graph serves a GPU, and Keras' compiled call serves machines that
have only JAX or PyTorch. A .onnx file runs on ONNX Runtime. A library is imported only when its engine is chosen.
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
from inference.network_files.frame_input import frame_input
from inference.network_files.litert import LiteRtNetwork
from inference.network_files.opening import open_network
from inference.network_files.tensors import EngineError, single_input, steering_output
from inference.network_files.trial import try_once
from models.adapter import read_adapter
from models.keras_files.file_kinds import ModelKind, model_kind
from models.pixel_card import pixels_of
from protocol.messages import FRAME_SHAPE

Frames = npt.NDArray[np.uint8]
Steering = npt.NDArray[np.float32]
ENGINES = ("auto", "litert", "onnx", "tensorflow", "keras")
__all__ = ["ENGINES", "Engine", "EngineError", "choose_engine", "cpu_threads", "open_engine"]


@dataclass(frozen=True)
class Engine:
    """A loaded model. name: `litert`, `onnx`, `tensorflow` or `keras-<backend>`; device: the CPU or GPU, for the user.

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
    """Load `model` (.h5, .keras, .json with .h5, .tflite, .onnx) on an engine of ENGINES.

    preprocess: as `models.adapter` reads it. threads: of LiteRT or ONNX Runtime; None takes `cpu_threads`.
    Raises EngineError, ModelFileError, PreprocessingError, UnconvertibleModelError, OSError.
    """
    kind = model_kind(model)
    if kind != "keras":
        if engine not in ("auto", kind):
            raise EngineError(f"{model} runs on --engine {kind} only, not {engine}")
        return _network_file(model, kind, preprocess, threads)
    if engine == "onnx":
        raise EngineError(
            f"--engine onnx runs .onnx files; make one with `python -m models.convert {model} {model.stem}.onnx`"
        )
    engine_name = choose_engine() if engine == "auto" else engine
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


_PACKAGES = {"litert": "ai_edge_litert", "onnx": "onnxruntime", "tensorflow": "tensorflow", "keras": "keras"}


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def require_package(engine: str) -> None:
    """Raise EngineError unless the package of an engine is installed."""
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


def _litert(file: Path, notes: tuple[str, ...], threads: int | None) -> Engine:
    """A file of our own conversion, which LiteRT maps into memory: it takes frames as they are."""
    require_package("litert")

    def open_lane(threads: int) -> Lane:
        network = LiteRtNetwork(file, str(file), threads)
        return lambda frame: float(network.run(frame, 0).flat[0])

    return _engine_of_lanes("litert", open_lane, notes, threads)


def _network_file(file: Path, kind: ModelKind, preprocess: str | None, threads: int | None) -> Engine:
    """A .tflite or .onnx file that anybody may have made."""
    require_package(kind)
    adapter = read_adapter(pixels_of(file, preprocess))
    size = (adapter.preprocessing.output_shape if adapter.preprocessing else FRAME_SHAPE)[:2]
    content = file.read_bytes()  # not memory-mapped: the user may replace the file
    try_once(kind, content, file, size)
    network = open_network(kind, content, str(file), threads=1)
    tensor = single_input(file, network.inputs).filled(size)
    output = steering_output(file, network.outputs, adapter)
    plan = frame_input(file, tensor, adapter.preprocessing)

    def open_lane(threads: int) -> Lane:
        network, prepare = open_network(kind, content, str(file), threads), plan.open()
        return lambda frame: output.steering(network.run(prepare(frame), output.number))

    return _engine_of_lanes(kind, open_lane, plan.notes, threads)


Lane = Callable[[Frames], float]
"""Answers one request at a time."""


def _engine_of_lanes(
    name: str, open_lane: Callable[[int], Lane], notes: tuple[str, ...], threads: int | None
) -> Engine:
    """An engine whose overlapping requests each have a lane. open_lane: number of threads -> a lane."""
    threads = threads or cpu_threads()
    lanes = Interpreters(open_lane(threads), lambda: open_lane(1))

    def run_one(frame: Frames) -> float:
        with lanes.acquire() as lane:
            return float(lane(frame))

    def run(frames: Frames) -> Steering:
        return np.array([run_one(frames[i : i + 1]) for i in range(len(frames))], np.float32)

    return Engine(name, f"CPU, {threads} thread{'s'[: threads != 1]}", notes, run)


def _tensorflow(model: Path, preprocess: str | None) -> Engine:
    require_package("tensorflow")
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
    require_package("keras")
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
