"""Turns a network's outputs into the steering: the chosen number or class of several, times a factor."""

from __future__ import annotations

import math
from typing import Any

from models.adapter import Adapter
from models.keras_files.weights import ModelFileError

MAX_BINS = 200


def steering_of(outputs: dict[str, Any], adapter: Adapter) -> Any:
    """The steering (n, 1) in the symbolic outputs, by name. Raises ModelFileError if it is not clear which it is."""
    from keras import layers  # noqa: PLC0415 - Keras takes seconds

    steering = _output(outputs, adapter)
    if adapter.bins:
        steering = _from_bins(steering)
    elif math.prod(steering.shape[1:]) != 1:
        raise ModelFileError(f"the model answers with {described(outputs)}; one number is the steering: {ADVICE}")
    if tuple(steering.shape[1:]) != (1,):
        steering = layers.Reshape((1,), name="steer_shape")(steering)
    return steering if adapter.steer == 1.0 else layers.Rescaling(adapter.steer, name="steer_factor")(steering)


ADVICE = "add output=NAME or output=0, or bins for classes, to --preprocess"


def described(outputs: dict[str, Any]) -> str:
    """For the user: "steering (1 number) and throttle (1 number)"."""
    counts = {name: math.prod(size or 1 for size in output.shape[1:]) for name, output in outputs.items()}
    return " and ".join(f"{name} ({count} number{'s'[: count != 1]})" for name, count in counts.items())


def _output(outputs: dict[str, Any], adapter: Adapter) -> Any:
    """The output of the adapter's name, or the number of its number among all numbers of all outputs."""
    if adapter.output is None:
        if len(outputs) == 1:
            return next(iter(outputs.values()))
    elif adapter.output in outputs:
        return outputs[adapter.output]
    elif adapter.output.isdecimal():
        number = int(adapter.output)
        for output in outputs.values():
            count = math.prod(size or 1 for size in output.shape[1:])
            if number < count:
                return output if adapter.bins or count == 1 else _number(output, number)
            number -= 1 if adapter.bins else count
    problem = f"output={adapter.output} is none of them" if adapter.output else "one of them is the steering"
    raise ModelFileError(f"the model answers with {described(outputs)}; {problem}: {ADVICE}")


def _number(output: Any, number: int) -> Any:
    """One number of an output, (n, 1)."""
    from keras import layers  # noqa: PLC0415

    flat = layers.Flatten(name="steer_flat")(output) if len(output.shape) > 2 else output
    return flat[:, number : number + 1]


def _from_bins(classes: Any) -> Any:
    """The likeliest class (n, classes) as steering (n, 1), evenly from -1 to 1.

    Source: donkeycar's `linear_unbin`, which has 15 classes.
    """
    from keras import ops  # noqa: PLC0415

    count = classes.shape[-1]
    if len(classes.shape) != 2 or not 2 <= count <= MAX_BINS:
        raise ModelFileError(
            f"bins needs 2 to {MAX_BINS} classes in one row, the output has {tuple(classes.shape[1:])}"
        )
    number = ops.cast(ops.argmax(classes, axis=-1, keepdims=True), "float32")
    return number * (2.0 / (count - 1)) - 1.0
