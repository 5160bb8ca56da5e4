"""Convert a steering model file to a LiteRT (TFLite) file: bytes of one camera frame in, one steering value out.

A server with the LiteRT file starts in a fraction of the time and memory, because it does not import TensorFlow.
OUT.tflite.json receives the notes on the loaded model and the largest difference between both models' answers.

    python -m models.convert models/eff.h5 eff.tflite
    python -m models.convert model.json pilotnet.tflite --preprocess "rows=60:135, colour=yuv, size=66x200"
    python -m models.convert models/eff.h5 eff-int8.tflite --weights int8
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models.adapter import adapter_text, syntax
from models.whole_files import write_whole
from protocol.command_line import command_parser, run
from protocol.messages import FRAME_SHAPE

AGREEMENT = {"float32": 1e-3, "float16": 5e-3, "int8": 5e-2}
"""Largest accepted difference between the LiteRT file's answer and the model's, by the weights' number format.

It is relative for answers larger than 1. A difference of 0.05 is 1.25 degrees; only a drive shows whether that is too
much.
"""

CHECKED_FRAMES = 4


class ConversionError(RuntimeError):
    """The converted file answers differently from the model, or TensorFlow is missing."""


def convert(path: Path, out: Path, preprocess: str | None = None, weights: str = "float32") -> tuple[str, ...]:
    """Write `out` (uint8 (1, 160, 320, 3) -> float32 (1, 1)) and `out`.json; return the notes.

    weights: number format of the weights, a key of AGREEMENT, see `litert_bytes`. Each file is written atomically.
    Keras' backend must be TensorFlow.
    Raises ModelFileError for a file that cannot be loaded, ConversionError if the answers differ, OSError.
    """
    from models.loading import load_steering_model  # noqa: PLC0415 - Keras takes seconds; --help should not

    loaded = load_steering_model(path, preprocess)
    content = litert_bytes(loaded.model, weights)
    difference = _largest_difference(loaded.model, content)
    if not difference <= AGREEMENT[weights]:
        raise ConversionError(
            f"{path}: the converted model's answers, with {weights} weights, differ by {difference:g} from the model's;"
            f" at most {AGREEMENT[weights]:g} is accepted"
        )
    facts = {
        "notes": loaded.notes,
        "source": str(path),
        "preprocess": preprocess,
        "weights": weights,
        "difference": difference,
    }
    write_whole(notes_path(out), json.dumps(facts, indent=2).encode())
    write_whole(out, content)
    return loaded.notes


def notes_path(out: Path) -> Path:
    """The path of the notes: OUT.tflite.json, because OUT.json is a model's card."""
    return out.with_name(f"{out.name}.json")


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


def _largest_difference(model: Any, content: bytes) -> float:
    """The largest difference between both models' answers to noise frames of increasing brightness."""
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415

    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    frame_index = interpreter.get_input_details()[0]["index"]
    answer_index = interpreter.get_output_details()[0]["index"]
    noise = np.random.default_rng(0).random((CHECKED_FRAMES, *FRAME_SHAPE))
    frames = (noise * np.linspace(0, 255, CHECKED_FRAMES)[:, None, None, None]).astype(np.uint8)
    references = np.asarray(model(frames, training=False)).ravel()
    answers = []
    for frame in frames:
        interpreter.set_tensor(frame_index, frame[None])
        interpreter.invoke()
        answers.append(float(interpreter.get_tensor(answer_index)[0, 0]))
    return float(np.max(np.abs(references - answers) / np.maximum(1.0, np.abs(references))))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line: print the notes; on failure, print one line to stderr and return 2."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    options = _parser().parse_args(arguments)
    return run_conversion(lambda: convert(options.model, options.out, options.preprocess, options.weights), options)


def run_conversion(conversion: Callable[[], Sequence[str]], options: argparse.Namespace) -> int:
    """Run a conversion, print its notes and return the exit code. options: verbose adds a traceback to an error."""

    def body() -> None:
        try:
            print("\n".join(conversion()))
        except ImportError as error:
            raise ConversionError(f"converting needs TensorFlow: {error}") from error

    return run(body, "", (ValueError, ConversionError, OSError), verbose=options.verbose)


def _parser() -> argparse.ArgumentParser:
    text = f"{__doc__}\n{syntax()}"
    parser = command_parser("python -m models.convert", text)
    parser.add_argument("model", type=Path, help="a .h5 or .keras file, or either half of a .json + .h5 pair")
    parser.add_argument("out", type=Path, help="the .tflite file to write")
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
