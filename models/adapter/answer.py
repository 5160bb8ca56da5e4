"""Turns a network's outputs into the steering, the throttle and the confidence, as far as there are such."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from models.adapter.text import CONFIDENCE, Adapter, class_values, output_named
from models.keras_files.weights import ModelFileError

MAX_BINS = 200


def answer_of(outputs: dict[str, Any], adapter: Adapter) -> tuple[Any, tuple[str, ...]]:
    """The answer (n, k) in the symbolic outputs, by name, and the meanings of its k numbers, the steering first.

    The throttle is the output that the adapter names, or the one that is called so; the confidence is called so.
    Raises ModelFileError if it is not clear which output is the steering.
    """
    from keras import layers  # noqa: PLC0415 - Keras takes seconds

    confidence = confidence_of(outputs)
    outputs = {name: output for name, output in outputs.items() if output is not confidence}
    name = output_named("steering", list(outputs), adapter.output)
    steering = _scaled(_answer(outputs, "output", name, adapter.bins), adapter.steer, "steer_factor")
    answers = {"steering": steering}
    name = output_named("throttle", list(outputs), adapter.throttle)
    if name is not None:
        throttle = _answer(outputs, "throttle", name, adapter.bins)
        answers["throttle"] = _scaled(throttle, adapter.throttle_factor, "steer_throttle_factor")
    if confidence is not None:
        answers[CONFIDENCE] = confidence
    if len(answers) == 1:
        return steering, tuple(answers)
    return layers.Concatenate(name="steer_answer")(list(answers.values())), tuple(answers)


def confidence_of(outputs: dict[str, Any]) -> Any:
    """The output that is one number and called `confidence`, besides what steers; None without one."""
    output = outputs.get(CONFIDENCE) if len(outputs) > 1 else None
    return output if output is not None and tuple(output.shape[1:]) == (1,) else None


def _answer(outputs: dict[str, Any], part: str, name: str | None, bins: bool) -> Any:
    """The steering or the throttle as (n, 1). part: of the text. Raises ModelFileError if it is not one number."""
    from keras import layers  # noqa: PLC0415

    y = _output(outputs, part, name, bins)
    if bins and (part == "output" or math.prod(y.shape[1:]) != 1):
        y = _from_bins(y, part)
    if math.prod(y.shape[1:]) != 1:
        what = "throttle" if part == "throttle" else "steering"
        raise ModelFileError(f"the model answers with {described(outputs)}; one number is the {what}: {ADVICE}")
    return y if tuple(y.shape[1:]) == (1,) else layers.Reshape((1,), name=f"steer_{part}_shape")(y)


def _scaled(number: Any, factor: float, name: str) -> Any:
    from keras import layers  # noqa: PLC0415

    return number if factor == 1.0 else layers.Rescaling(factor, name=name)(number)


ADVICE = "add output=NAME or output=0, or bins for classes, to --preprocess"


def described(outputs: dict[str, Any]) -> str:
    """For the user: "steering (1 number) and throttle (1 number)"."""
    counts = {name: math.prod(size or 1 for size in output.shape[1:]) for name, output in outputs.items()}
    return " and ".join(f"{name} ({count} number{'s'[: count != 1]})" for name, count in counts.items())


def _output(outputs: dict[str, Any], part: str, choice: str | None, bins: bool) -> Any:
    """The output of this name, or the number of this number among all numbers of all outputs. part: of the text."""
    if choice is None:
        if len(outputs) == 1:
            return next(iter(outputs.values()))
    elif choice in outputs:
        return outputs[choice]
    elif choice.isdecimal():
        number = int(choice)
        for output in outputs.values():
            count = math.prod(size or 1 for size in output.shape[1:])
            if number < (1 if bins else count):
                return output if bins or count == 1 else _number(output, number, f"steer_{part}_{choice}")
            number -= 1 if bins else count
    problem = f"{part}={choice} is none of them" if choice else "one of them is the steering"
    raise ModelFileError(f"the model answers with {described(outputs)}; {problem}: {ADVICE}")


def _number(output: Any, number: int, name: str) -> Any:
    """One number of an output, (n, 1)."""
    from keras import layers  # noqa: PLC0415

    flat = layers.Flatten(name=name)(output) if len(output.shape) > 2 else output
    return flat[:, number : number + 1]


def _from_bins(classes: Any, part: str) -> Any:
    """The likeliest class (n, classes) as a steering or a throttle (n, 1), as `class_values` says.

    Keras' argmax looks at the bits of its numbers, for which LiteRT has no operator.
    """
    from keras import ops  # noqa: PLC0415

    count = classes.shape[-1]
    if len(classes.shape) != 2 or not 2 <= count <= MAX_BINS:
        raise ModelFileError(
            f"bins needs 2 to {MAX_BINS} classes in one row, the output has {tuple(classes.shape[1:])}"
        )
    first, step = class_values(part, count)
    numbers = np.arange(count, dtype=np.float32)
    likeliest = ops.greater_equal(classes, ops.max(classes, axis=-1, keepdims=True))
    return ops.min(ops.where(likeliest, numbers, float(count)), axis=-1, keepdims=True) * step + first
