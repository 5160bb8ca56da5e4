"""Opens a model file on the fastest engine of this machine; every engine gives the same answers.

LiteRT (XNNPACK) serves a CPU. JAX, TensorFlow or PyTorch serves a GPU, with a program that is compiled for the network
(keras_engines.py). A .onnx file runs on ONNX Runtime. A library is imported only when its engine is chosen.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from inference.compiled.network import CompiledNetwork
from inference.conversion import UnconvertibleModelError, is_converted, litert_file
from inference.devices import available_cores, gpu_library, nvidia_gpu
from inference.interpreters import Interpreters
from inference.network_files.answers import in_one_row, our_answers
from inference.network_files.litert import LiteRtNetwork
from inference.network_files.network_file import Frames, Lane, open_network_file
from inference.network_files.tensors import EngineError
from inference.observations import Observations
from inference.policy import Answer
from models.adapter.measurements import MEASUREMENTS
from models.adapter.pixel_card import pixels_of
from models.adapter.text import CONFIDENCE
from models.converted import stand_in
from models.keras_files.file_kinds import ModelKind, model_kind
from protocol.messages import FRAME_SHAPE

Answers = npt.NDArray[np.float32]
STEERING = ("steering",)
"""The answers of a network that only steers."""

ENGINES = ("auto", "litert", "onnx", "jax", "tensorflow", "torch", "keras")
__all__ = ["ENGINES", "Engine", "EngineError", "cpu_engine", "cpu_threads", "open_engine"]


@dataclass(frozen=True)
class Engine:
    """A loaded model. name: of ENGINES, or `keras-<backend>`; device: the CPU or GPU, for the user.

    notes: choices, translations and replacements of the loader, for the user. run: frames, uint8 (n, 160, 320, 3), and
    for a network that takes them `stack` frames (n, stack, 160, 320, 3) and measurements (n, 3) -> float32
    (n, outputs), whose meanings are `answers`, the names of Answer's fields, the steering first. Thread-safe.

    together: what answers the frames of several cars as one batch, where that pays: on a GPU (docs/benchmarks.md).
    """

    name: str
    device: str
    notes: tuple[str, ...]
    run: Callable[..., Answers]
    together: CompiledNetwork | None = None
    stack: int | None = None
    measures: bool = False
    answers: tuple[str, ...] = STEERING

    @property
    def throttles(self) -> bool:
        """Whether the network gives a throttle."""
        return "throttle" in self.answers

    @property
    def is_confident(self) -> bool:
        """Whether the network says how well it knows a frame."""
        return CONFIDENCE in self.answers

    def answer(self, observations: Observations) -> Answer:
        """The answer to a car's newest frame. Thread-safe."""
        frames = (observations.frame if self.stack is None else observations.stack(self.stack))[np.newaxis]
        answers = self.run(frames, observations.measurements()) if self.measures else self.run(frames)
        return Answer(**dict(zip(self.answers, answers[0].tolist(), strict=True)))

    def predict(self, frames: Frames) -> Answers:
        """uint8 RGB (n, 160, 320, 3) -> float32 (n,), the steering, each frame by itself, of a car that stands.

        Thread-safe.
        """
        if self.stack is not None:
            frames = np.repeat(frames[:, np.newaxis], self.stack, axis=1)
        measurements = [np.zeros((len(frames), len(MEASUREMENTS)), np.float32)] if self.measures else []
        answers: Answers = self.run(frames, *measurements)[:, 0]
        return answers

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

    preprocess: as `models.adapter.text` reads it. threads: of LiteRT or ONNX Runtime; None takes `cpu_threads`.
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
    if engine == "auto":
        return _soonest(model, preprocess, threads)
    if engine == "litert":
        return _litert(model, preprocess, threads)
    require_package(engine)
    from inference.keras_engines import open_keras_engine  # noqa: PLC0415  # heavy: imports Keras

    return open_keras_engine(model, engine, preprocess)


def cpu_engine() -> str:
    """The fastest installed engine of a CPU."""
    return next((name for name in ("litert", "tensorflow") if _installed(_PACKAGES.get(name, name))), "keras")


def _soonest(model: Path, preprocess: str | None, threads: int | None) -> Engine:
    """The engine that answers one frame soonest. If that is the CPU's, a GPU answers what comes meanwhile."""
    library = gpu_library() if nvidia_gpu() else None
    if library is None:
        return open_engine(model, cpu_engine(), preprocess, threads)
    try:
        gpu = open_engine(model, library, preprocess)
    except RuntimeError as error:  # as every library reports a card without enough memory
        cpu = open_engine(model, cpu_engine(), preprocess, threads)
        return replace(cpu, notes=(*cpu.notes, f"{library} cannot use the GPU: {str(error).splitlines()[0]}"))
    try:
        cpu = open_engine(model, "litert", preprocess, threads)
    except (EngineError, UnconvertibleModelError):  # without LiteRT, or what converts for it
        return gpu
    cpu_ms, gpu_ms = cpu.milliseconds(), gpu.milliseconds()
    times = (
        f"one frame takes {cpu_ms:.2f} ms on {cpu.device} ({cpu.name}), {gpu_ms:.2f} ms on {gpu.device} ({gpu.name})"
    )
    if gpu_ms < cpu_ms:
        return replace(gpu, notes=(*gpu.notes, f"{times}: the GPU answers"))
    rest = ", and the GPU what comes meanwhile" if gpu.together else ""
    return replace(cpu, notes=(*cpu.notes, f"{times}: the CPU answers{rest}"), together=gpu.together)


_PACKAGES = {"litert": "ai_edge_litert", "onnx": "onnxruntime"}
"""The packages of engines that are not called like theirs."""


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def require_package(engine: str) -> None:
    """Raise EngineError unless the package of an engine is installed."""
    package = _PACKAGES.get(engine, engine)
    if not _installed(package):
        raise EngineError(f"--engine {engine} needs the package {package.replace('_', '-')}: pip install it")


def cpu_threads(processes: int = 1) -> int:
    """LiteRT's best number of threads: one for each core, at most four. processes: how many share the cores."""
    return max(1, min(4, available_cores() // processes))


def _litert(model: Path, preprocess: str | None, threads: int | None) -> Engine:
    """A Keras file on LiteRT: its stand-in beside it, or our own conversion."""
    if not is_converted(model, preprocess) and (file := stand_in(model, pixels_of(model, preprocess))):
        substitute = _network_file(file, "litert", None, threads)
        note = f"{file.name} beside it drives, which was converted from it"
        return replace(substitute, notes=(note, *substitute.notes))
    return _converted(*litert_file(model, preprocess), threads)


def _converted(file: Path, notes: tuple[str, ...], threads: int | None) -> Engine:
    """A file of our own conversion, which LiteRT maps into memory: it takes frames as they are."""
    require_package("litert")

    def open_lane(threads: int) -> Lane:
        network = LiteRtNetwork(file, str(file), threads)
        takes_frames_first = network.inputs[0].dtype == "uint8"
        return lambda *inputs: in_one_row(network.run(inputs if takes_frames_first else inputs[::-1], outputs))

    network = LiteRtNetwork(file, str(file), threads=1)
    outputs = range(len(network.outputs))
    frames = next(tensor for tensor in network.inputs if tensor.dtype == "uint8")
    return replace(
        _engine_of_lanes("litert", open_lane, notes, threads),
        stack=frames.stack,
        measures=len(network.inputs) > 1,
        answers=our_answers(network.outputs) or STEERING,
    )


def _network_file(file: Path, kind: ModelKind, preprocess: str | None, threads: int | None) -> Engine:
    """A .tflite or .onnx file that anybody may have made."""
    require_package(kind)
    network = open_network_file(file, kind, preprocess)
    return replace(
        _engine_of_lanes(kind, network.open_lane, network.notes, threads),
        stack=network.frames.tensor.stack,
        measures=bool(network.columns),
        answers=tuple(network.answers),
    )


def _engine_of_lanes(
    name: str, open_lane: Callable[[int], Lane], notes: tuple[str, ...], threads: int | None
) -> Engine:
    """An engine whose overlapping requests each have a lane. open_lane: number of threads -> a lane."""
    threads = threads or cpu_threads()
    lanes = Interpreters(open_lane(threads), lambda: open_lane(1))

    def run(*inputs: Any) -> Answers:
        count = len(inputs[0])
        with lanes.acquire() as lane:
            if count == 1:
                answers: Answers = lane(*inputs)
                return answers
            return np.concatenate([lane(*(value[i : i + 1] for value in inputs)) for i in range(count)])

    return Engine(name, f"CPU, {threads} thread{'s'[: threads != 1]}", notes, run)
