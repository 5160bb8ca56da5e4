"""Runs a layer on every step of a sequence, such as every image of a stack, as Keras' TimeDistributed does.

The steps are folded into the batch and back again, because LiteRT has no loops over tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from keras import ops

from models.keras_files.layers.calculations import Calculation
from models.keras_files.layers.layer_settings import LayerSettings
from models.keras_files.layers.sequence_layers import MAX_STEPS
from models.keras_files.legacy import OVER_STEPS


def runs_over_steps(settings: LayerSettings) -> bool:
    """Whether the layer runs on each step of its input."""
    return settings.config.get(OVER_STEPS) is True


def step_count(settings: LayerSettings, shape: Sequence[int | None]) -> int:
    """The number of steps in an input of `shape` (without the batch). Raises ModelFileError if it is no sequence."""
    steps = shape[0] if len(shape) > 1 else None
    if not steps or steps > MAX_STEPS:
        raise settings.wrong(f"its input of shape {tuple(shape)} is not a sequence of at most {MAX_STEPS} steps")
    return steps


def over_steps(call: Callable[[list[Any]], Any], inputs: list[Any], steps: int, name: str) -> Any:
    """The output (n, steps, ...) of a layer for inputs (n, steps, ...). call: the layer, on a list of (n, ...)."""
    y = call([fold(x, f"steer_fold_{i}_{name}") for i, x in enumerate(inputs)])
    return unfold(y, steps, f"steer_unfold_{name}")


def fold(x: Any, name: str) -> Any:
    """(n, steps, ...) -> (n * steps, ...)."""
    shape = tuple(x.shape[2:])
    return Calculation(lambda value: ops.reshape(value, (-1, *shape)), shape, name=name, dtype=x.dtype)(x)


def unfold(x: Any, steps: int, name: str) -> Any:
    """(n * steps, ...) -> (n, steps, ...)."""
    shape = (steps, *x.shape[1:])
    return Calculation(lambda value: ops.reshape(value, (-1, *shape)), shape, name=name, dtype=x.dtype)(x)
