"""Which of a network file's outputs steers, which is the throttle or the confidence, and what their numbers mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from inference.network_files.tensors import NUMBERS, Array, EngineError, Tensor, listed
from models.adapter.text import CONFIDENCE, TERMS, Adapter, class_values, output_named

MAX_ANSWERS = 100


@dataclass(frozen=True, slots=True)
class NumberOutput:
    """One number in the output `number`, a tensor: the one at `index`, or the likeliest of its classes.

    factor: the number is multiplied by it. classes: the value of the first class and the step to the next, None for a
    number.
    """

    number: int
    index: int
    tensor: Tensor
    factor: float = 1.0
    classes: tuple[float, float] | None = None

    def value(self, values: Array) -> float:
        """The number in the values of the output."""
        if self.classes is not None:
            first, step = self.classes
            return (first + step * int(values.argmax())) * self.factor
        return self.tensor.decode(float(values.flat[self.index])) * self.factor


def our_answers(outputs: Sequence[Tensor]) -> tuple[str, ...] | None:
    """The meanings of the numbers that a file of `models.convert` answers with, the steering first; None for others.

    One output has the steering and maybe the throttle, and a second one the confidence.
    """
    shapes = [output.shape for output in outputs]
    if not shapes or shapes[0] not in ((1, 1), (1, 2)) or shapes[1:] not in ([], [(1, 1)]):
        return None
    return (*("steering", "throttle")[: shapes[0][1]], *(CONFIDENCE,) * (len(shapes) - 1))


def with_our_names(outputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The outputs of a file that takes whole frames; of our own, LiteRT and ONNX have lost the confidence's name."""
    named = any(output_named(meaning, [output.name for output in outputs], None) for meaning in TERMS)
    if len(outputs) != 2 or named or our_answers(outputs) is None:
        return outputs
    return outputs[0], replace(outputs[1], name=CONFIDENCE)


def answer_outputs(file: Path, outputs: Sequence[Tensor], adapter: Adapter) -> dict[str, NumberOutput]:
    """Where the steering is, the throttle and the confidence, as `models.adapter.answer.answer_of` chooses them.

    Raises EngineError if it is not clear which number is the steering.
    """
    names = [output.name for output in outputs if output.name != CONFIDENCE]
    name = output_named("steering", names, adapter.output)
    if name is None and len(names) == 1 < len(outputs):
        name = names[0]
    answers = {"steering": choose_output(file, outputs, "output", name, adapter.steer, adapter.bins)}
    name = output_named("throttle", names, adapter.throttle)
    if name is not None:
        answers["throttle"] = choose_output(file, outputs, "throttle", name, adapter.throttle_factor, adapter.bins)
    if len(names) < len(outputs) > 1:
        answers[CONFIDENCE] = choose_output(file, outputs, CONFIDENCE, CONFIDENCE)
    return answers


def choose_output(
    file: Path, outputs: Sequence[Tensor], part: str, name: str | None, factor: float = 1.0, bins: bool = False
) -> NumberOutput:
    """The number of this name or place, or the only one. part: of the text; bins: whether its numbers are classes."""
    places = [(number, i) for number, output in enumerate(outputs) for i in range(1 if bins else _count(output))]
    if name is not None and not name.isdecimal():
        places = [place for place in places if outputs[place[0]].name == name]
    elif name is not None:
        places = places[int(name) : int(name) + 1]
    if len(places) != 1:
        one = f"one of their numbers is the {'throttle' if part == 'throttle' else 'steering'}"
        raise EngineError(
            f"{file} answers with {listed(outputs)}; {one if places else f'{part}={name} is none of them'}: add "
            "output=NAME or output=0, or bins for classes, to --preprocess"
        )
    ((number, index),) = places
    output = outputs[number]
    if output.dtype not in NUMBERS or (output.is_integer and not output.scale):
        raise EngineError(f"{file} answers with {output}; numbers of this format without a scale are no steering")
    count = _count(output)
    if not bins or (part == "throttle" and count == 1):
        return NumberOutput(number, index, output, factor)
    if not 2 <= count <= MAX_ANSWERS:
        raise EngineError(f"bins needs 2 to {MAX_ANSWERS} classes; {file} answers with {output}")
    return NumberOutput(number, index, output, factor, class_values(part, count))


def _count(tensor: Tensor) -> int:
    """How many numbers a tensor has, at most MAX_ANSWERS + 1: more are no answer."""
    return min(math.prod(size or 1 for size in tensor.shape), MAX_ANSWERS + 1)


def in_one_row(outputs: Sequence[Array]) -> Array:
    """The numbers of outputs (1, k) in one row."""
    return outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=1)
