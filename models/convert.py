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

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import hashlib
import importlib.util
import logging
import os
import re
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.adapter.measurements import OWN_NAME
from models.adapter.pixel_card import pixels_of
from models.adapter.text import CONFIDENCE, adapter_text, syntax
from models.conversion_check import (
    Answer,
    Inputs,
    largest_difference,
    litert_answer,
    milliseconds,
    model_answer,
    onnx_answer,
    trial_inputs,
)
from models.converted import Origin
from models.keras_files.file_kinds import model_kind
from models.whole_files import sha256, write_whole
from protocol.command_line import command_parser, output_file, run
from protocol.messages import FRAME_SHAPE

AGREEMENT = {"float32": 1e-3, "float16": 5e-3, "int8": 5e-2}
"""Largest accepted difference between the LiteRT file's answer and the model's, by the weights' number format.

It is relative for answers larger than 1. A difference of 0.05 is 1.25 degrees; only a drive shows whether that is too
much.
"""


class ConversionError(RuntimeError):
    """The converted file answers differently from the model, or a package that the conversion needs is missing."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """A written file. notes: of loading the model; difference: largest one of the answers, see AGREEMENT.

    before, after: answer with the model and with the written file. trial: inputs of an answer.
    """

    notes: tuple[str, ...]
    difference: float
    before: Answer
    after: Answer
    trial: Inputs

    def report(self, out: Path) -> tuple[str, ...]:
        """The notes, and a line on the size of `out`, the difference, and the milliseconds of a frame."""
        line = (
            f"wrote {out}: {out.stat().st_size / 1e6:.2f} MB; its answers differ by at most {self.difference:.1e}; "
            f"an answer takes {milliseconds(self.after, self.trial):.2f} ms, "
            f"and {milliseconds(self.before, self.trial):.2f} ms in TensorFlow"
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

    network = load_steering_model(path, preprocess)
    confident = CONFIDENCE in network.answers
    content = onnx_bytes(network.model, confident) if is_onnx else litert_bytes(network.model, weights, confident)
    before, after = model_answer(network.model), (onnx_answer if is_onnx else litert_answer)(content)
    trials = trial_inputs(network.model)
    difference = largest_difference(before, after, trials, confident)
    if not difference <= AGREEMENT[weights]:
        raise ConversionError(
            f"{path}: the converted model's answers, with {weights} weights, differ by {difference:g} from the model's;"
            f" at most {AGREEMENT[weights]:g} is accepted"
        )
    sources = {part.name: sha256(part) for part in network.parts}
    digest = hashlib.sha256(content).hexdigest()
    Origin(network.notes, str(path), sources, digest, pixels_of(path, preprocess), weights, difference).write(out)
    write_whole(out, content)
    return Conversion(network.notes, difference, before, after, trials[0])


def litert_bytes(model: Any, weights: str = "float32", confident: bool = False) -> bytes:
    """The LiteRT file, for a batch of one, of a flat model such as `load_steering_model` gives.

    weights: "float16" halves the file; the kernels compute in float32. "int8" quarters it, with one scale for each
    output channel; kernels with integer support multiply integers, in each frame's own range. No sample of frames is
    needed. confident: whether the last number of the answer is a confidence, which becomes an output of its own.
    """
    from models.inference_graph import inference_function  # noqa: PLC0415

    function = inference_function(model)

    def answer(*inputs: Any) -> Any:
        values = function(*inputs)
        return (values[:, :-1], values[:, -1:]) if confident else values

    return litert_bytes_of(answer, weights, *(_shape_of_one(tensor) for tensor in model.inputs))


def litert_bytes_of(
    answer: Callable[..., Any],
    weights: str = "float32",
    images: tuple[int, ...] = (1, *FRAME_SHAPE),
    measurements: tuple[int, ...] | None = None,
) -> bytes:
    """The LiteRT file of a function of TensorFlow operations.

    images: shape of its first argument, uint8, with the batch; measurements: of its second, float32, if there is one.
    Raises ConversionError for a function that LiteRT cannot compute.
    """
    import tensorflow as tf  # noqa: PLC0415
    from tensorflow.lite.python.convert_phase import ConverterError  # noqa: PLC0415
    from tensorflow.python.framework.convert_to_constants import (  # noqa: PLC0415
        convert_variables_to_constants_v2,
    )

    signature = [tf.TensorSpec(images, tf.uint8, name="frame")]
    if measurements is not None:
        signature.append(tf.TensorSpec(measurements, tf.float32, name=OWN_NAME))
    function = tf.function(answer, input_signature=signature, autograph=False)
    frozen = convert_variables_to_constants_v2(function.get_concrete_function())
    logging.getLogger("absl").setLevel(logging.ERROR)  # it warns of a parameter that a later version may want
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    if weights != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if weights == "float16":
        converter.target_spec.supported_types = [tf.float16]
    try:
        content: bytes = converter.convert()
    except ConverterError as error:
        operators = sorted(set(re.findall(r"'tf\.(\w{1,40})' op is neither", str(error))))
        what = ", ".join(operators) or "a part of the model"
        raise ConversionError(f"LiteRT has no operator for {what}: run it with --engine tensorflow") from error
    return content


def _shape_of_one(tensor: Any) -> tuple[int, ...]:
    """The tensor's shape for a batch of one."""
    return (1, *tensor.shape[1:])


def onnx_bytes(model: Any, confident: bool = False) -> bytes:
    """The ONNX file, for a batch of one, of a flat model as for `litert_bytes`. Raises ImportError without tf2onnx."""
    import keras  # noqa: PLC0415

    if importlib.util.find_spec("tf2onnx") is None or importlib.util.find_spec("onnxruntime") is None:
        raise ImportError("for a .onnx file, pip install tf2onnx onnxruntime")
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)  # it warns, with tracebacks, where it cannot optimise
    signature = [
        keras.InputSpec(shape=_shape_of_one(tensor), dtype=dtype, name=name)
        for tensor, dtype, name in zip(model.inputs, ("uint8", "float32"), ("frame", OWN_NAME), strict=False)
    ]
    if confident:
        model = keras.Model(model.inputs, [model.output[:, :-1], model.output[:, -1:]])
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # Keras looks for a name that NumPy 2 will give a new meaning
        file = Path(folder) / "model.onnx"
        model.export(
            file, format="onnx", verbose=False, input_signature=signature if len(signature) == 1 else [signature]
        )
        return file.read_bytes()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line: print the notes; on failure, print one line to stderr and return 2."""
    return run_conversion(_parser(), arguments, _convert)


def _convert(options: argparse.Namespace) -> tuple[str, ...]:
    return convert(options.model, options.out, options.preprocess, options.weights).report(options.out)


def run_conversion(
    parser: argparse.ArgumentParser,
    arguments: Sequence[str] | None,
    conversion: Callable[[argparse.Namespace], Sequence[str]],
) -> int:
    """Run a conversion with the parsed arguments, print its notes and return the exit code.

    The parser gets the option --verbose, which prints a traceback with an error.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    parser.add_argument("--verbose", action="store_true", help="print a traceback with an error")
    input_errors = (ValueError, ConversionError, OSError)

    def body() -> None:
        options = parser.parse_args(arguments)
        try:
            print("\n".join(conversion(options)))
        except (*input_errors, ImportError) as error:
            if options.verbose:
                traceback.print_exc()
            if isinstance(error, ImportError):
                raise ConversionError(f"a package that the conversion needs is missing: {error}") from error
            raise

    return run(body, "", input_errors)


def _parser() -> argparse.ArgumentParser:
    text = f"{__doc__}\n{syntax()}"
    parser = command_parser("python -m models.convert", text)
    parser.add_argument("model", type=Path, help="a .h5 or .keras file, or either half of a .json + .h5 pair")
    parser.add_argument("out", type=output_file, help="the .tflite or .onnx file to write")
    parser.add_argument(
        "--preprocess", type=adapter_text, metavar="TEXT", help="the pixels that the model wants, see below"
    )
    parser.add_argument(
        "--weights", choices=AGREEMENT, default="float32", help="number format of the weights; default: %(default)s"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
