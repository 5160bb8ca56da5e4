"""Convert a steering model file to a LiteRT (TFLite) or ONNX file: bytes of a camera frame in, one steering value out.

A server with the written file starts in a fraction of the time and memory, because it does not import TensorFlow.
OUT.tflite.json receives the notes on the loaded model, the largest difference between both models' answers, and the
hashes of the files. Beside a model of its name, a .tflite file stands for it on computers without TensorFlow.

    python -m models.convert models/eff.h5 eff.tflite
    python -m models.convert model.json pilotnet.tflite --preprocess "rows=60:135, colour=yuv, size=66x200"
    python -m models.convert models/eff.h5 eff-int8.tflite --weights int8
    python -m models.convert models/eff.h5 eff.onnx
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import logging
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.adapter import adapter_text, syntax
from models.card import golden_frame
from models.converted import Origin
from models.keras_files.file_kinds import model_kind
from models.pixel_card import pixels_of
from models.whole_files import sha256, write_whole
from protocol.command_line import command_parser, run
from protocol.messages import FRAME_SHAPE, Frame

AGREEMENT = {"float32": 1e-3, "float16": 5e-3, "int8": 5e-2}
"""Largest accepted difference between the LiteRT file's answer and the model's, by the weights' number format.

It is relative for answers larger than 1. A difference of 0.05 is 1.25 degrees; only a drive shows whether that is too
much.
"""

NOISE_FRAMES, TIMED_CALLS = 4, 30

Answer = Callable[[Frame], float]


class ConversionError(RuntimeError):
    """The converted file answers differently from the model, or a package that the conversion needs is missing."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """A written file. notes: of loading the model; difference: largest one of the answers, see AGREEMENT.

    before, after: answer a frame, uint8 (160, 320, 3), with the model and with the written file.
    """

    notes: tuple[str, ...]
    difference: float
    before: Answer
    after: Answer

    def report(self, out: Path) -> tuple[str, ...]:
        """The notes, and a line on the size of `out`, the difference, and the milliseconds of a frame."""
        line = (
            f"wrote {out}: {out.stat().st_size / 1e6:.2f} MB; its answers differ by at most {self.difference:.1e}; "
            f"a frame takes {_milliseconds(self.after):.2f} ms, and {_milliseconds(self.before):.2f} ms in TensorFlow"
        )
        return *self.notes, line


def convert(path: Path, out: Path, preprocess: str | None = None, weights: str = "float32") -> Conversion:
    """Write `out`, a .tflite or .onnx file (uint8 (1, 160, 320, 3) -> float32 (1, 1)), and `out`.json.

    weights: number format of the weights, a key of AGREEMENT, see `litert_bytes`; ONNX files have float32. Each file is
    written atomically. Keras' backend must be TensorFlow.
    Raises ModelFileError for a file that cannot be loaded, ConversionError if the answers differ, OSError.
    """
    model_kind(path)  # before the seconds of importing Keras
    is_onnx = out.suffix.lower() == ".onnx"
    if out.suffix.lower() not in (".tflite", ".onnx") or (is_onnx and weights != "float32"):
        raise ConversionError(f"{out} must end in .tflite, or in .onnx for weights in float32")
    from models.loading import load_steering_model  # noqa: PLC0415 - --help should not wait

    loaded = load_steering_model(path, preprocess)
    content = onnx_bytes(loaded.model) if is_onnx else litert_bytes(loaded.model, weights)
    before, after = _model_answer(loaded.model), (_onnx_answer if is_onnx else _litert_answer)(content)
    difference = _largest_difference(before, after)
    if not difference <= AGREEMENT[weights]:
        raise ConversionError(
            f"{path}: the converted model's answers, with {weights} weights, differ by {difference:g} from the model's;"
            f" at most {AGREEMENT[weights]:g} is accepted"
        )
    sources = {part.name: sha256(part) for part in loaded.parts}
    digest = hashlib.sha256(content).hexdigest()
    Origin(loaded.notes, str(path), sources, digest, pixels_of(path, preprocess), weights, difference).write(out)
    write_whole(out, content)
    return Conversion(loaded.notes, difference, before, after)


def litert_bytes(model: Any, weights: str = "float32") -> bytes:
    """The LiteRT file, for a batch of one, of a flat model of uint8 images such as `load_steering_model` gives.

    weights: "float16" halves the file; the kernels compute in float32. "int8" quarters it, with one scale for each
    output channel; kernels with integer support multiply integers, in each frame's own range. No sample of frames is
    needed.
    """
    from models.inference_graph import inference_function  # noqa: PLC0415

    return litert_bytes_of(inference_function(model), weights, (1, *model.input_shape[1:]))


def litert_bytes_of(
    answer: Callable[[Any], Any], weights: str = "float32", shape: tuple[int, ...] = (1, *FRAME_SHAPE)
) -> bytes:
    """The LiteRT file of a function of TensorFlow operations on uint8 images; shape: includes the batch size."""
    import tensorflow as tf  # noqa: PLC0415
    from tensorflow.python.framework.convert_to_constants import (  # noqa: PLC0415
        convert_variables_to_constants_v2,
    )

    images = tf.TensorSpec(shape, tf.uint8, name="frame")
    function = tf.function(answer, input_signature=[images], autograph=False)
    frozen = convert_variables_to_constants_v2(function.get_concrete_function())
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    if weights != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if weights == "float16":
        converter.target_spec.supported_types = [tf.float16]
    content: bytes = converter.convert()
    return content


def onnx_bytes(model: Any) -> bytes:
    """The ONNX file, for a batch of one, of a flat model of uint8 images. Raises ImportError without tf2onnx."""
    import keras  # noqa: PLC0415

    if importlib.util.find_spec("tf2onnx") is None or importlib.util.find_spec("onnxruntime") is None:
        raise ImportError("for a .onnx file, pip install tf2onnx onnxruntime")
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)  # it warns, with tracebacks, where it cannot optimise
    frame = keras.InputSpec(shape=(1, *model.input_shape[1:]), dtype="uint8", name="frame")
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # Keras looks for a name that NumPy 2 will give a new meaning
        file = Path(folder) / "model.onnx"
        model.export(file, format="onnx", verbose=False, input_signature=[frame])
        return file.read_bytes()


def _model_answer(model: Any) -> Answer:
    import tensorflow as tf  # noqa: PLC0415

    graph = tf.function(lambda frames: model(frames, training=False), autograph=False)
    return lambda frame: float(graph(tf.constant(frame[np.newaxis])).numpy().flat[0])


def _litert_answer(content: bytes) -> Answer:
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415

    interpreter = Interpreter(model_content=content, num_threads=os.cpu_count())
    interpreter.allocate_tensors()
    frame_index = interpreter.get_input_details()[0]["index"]
    answer_index = interpreter.get_output_details()[0]["index"]

    def answer(frame: Frame) -> float:
        interpreter.set_tensor(frame_index, frame[np.newaxis])
        interpreter.invoke()
        return float(interpreter.get_tensor(answer_index)[0, 0])

    return answer


def _onnx_answer(content: bytes) -> Answer:
    import onnxruntime  # noqa: PLC0415

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda frame: float(session.run(None, {name: frame[np.newaxis]})[0].flat[0])


def _largest_difference(before: Answer, after: Answer) -> float:
    """The largest difference of the answers to the golden frame and to noise frames of increasing brightness."""
    noise = np.random.default_rng(0).random((NOISE_FRAMES, *FRAME_SHAPE))
    frames = (noise * np.linspace(0, 255, NOISE_FRAMES)[:, None, None, None]).astype(np.uint8)
    differences = []
    for frame in (golden_frame(), *frames):
        reference = before(frame)
        differences.append(abs(reference - after(frame)) / max(1.0, abs(reference)))
    return float(np.max(differences))


def _milliseconds(answer: Answer) -> float:
    """The median milliseconds of an answer."""
    frame, times = golden_frame(), []
    for _ in range(TIMED_CALLS):
        start = time.perf_counter()
        answer(frame)
        times.append(time.perf_counter() - start)
    return float(np.median(times) * 1000)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line: print the notes; on failure, print one line to stderr and return 2."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    options = _parser().parse_args(arguments)

    def conversion() -> tuple[str, ...]:
        return convert(options.model, options.out, options.preprocess, options.weights).report(options.out)

    return run_conversion(conversion, options)


def run_conversion(conversion: Callable[[], Sequence[str]], options: argparse.Namespace) -> int:
    """Run a conversion, print its notes and return the exit code. options: verbose adds a traceback to an error."""

    def body() -> None:
        try:
            print("\n".join(conversion()))
        except ImportError as error:
            raise ConversionError(f"a package that the conversion needs is missing: {error}") from error

    return run(body, "", (ValueError, ConversionError, OSError), verbose=options.verbose)


def _parser() -> argparse.ArgumentParser:
    text = f"{__doc__}\n{syntax()}"
    parser = command_parser("python -m models.convert", text)
    parser.add_argument("model", type=Path, help="a .h5 or .keras file, or either half of a .json + .h5 pair")
    parser.add_argument("out", type=Path, help="the .tflite or .onnx file to write")
    parser.add_argument(
        "--preprocess", type=adapter_text, metavar="TEXT", help="the pixels that the model wants, see below"
    )
    parser.add_argument(
        "--weights", choices=AGREEMENT, default="float32", help="number format of the weights; default: %(default)s"
    )
    parser.add_argument("--verbose", action="store_true", help="print a traceback with an error")
    return parser


if __name__ == "__main__":
    sys.exit(main())
