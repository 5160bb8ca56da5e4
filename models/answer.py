"""Turns a network's answer into the steering: the chosen number of several, times a factor."""

from __future__ import annotations

from typing import Any

from models.adapter import Adapter
from models.keras_files.weights import ModelFileError


def steering_of(output: Any, adapter: Adapter) -> Any:
    """The steering (n, 1) in the symbolic answer (n, values). Raises ModelFileError if it is not clear which it is."""
    from keras import layers  # noqa: PLC0415 - Keras takes seconds

    values = tuple(output.shape[1:])
    if adapter.output is not None and len(values) == 1 and adapter.output.isdecimal():
        number = int(adapter.output)
        if number >= values[0]:
            raise ModelFileError(f"output={number}: the model answers with {values[0]} values a frame, counted from 0")
        output = output[:, number : number + 1]
    elif values != (1,):
        raise ModelFileError(
            f"the model answers with {values[0] if len(values) == 1 else values} values a frame; a steering model "
            "answers with one. If the first of them is the steering, add output=0 to --preprocess"
        )
    return output if adapter.steer == 1.0 else layers.Rescaling(adapter.steer, name="steer_factor")(output)
