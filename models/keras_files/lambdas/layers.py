"""Built-in Keras layers that compute the steps of a Lambda's function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from keras import backend, layers

from models.keras_files.lambdas.image_steps import (
    Affine,
    Bounds,
    LambdaCrop,
    LambdaResize,
    LambdaStandardise,
    Mix,
    Step,
)
from models.keras_files.lambdas.reading import read_lambda
from models.keras_files.layers.layer_settings import LayerSettings

FORMAT = {"data_format": "channels_last"}
FLOAT = {"dtype": "float32"}


def make_lambda(settings: LayerSettings, common: dict[str, Any]) -> Callable[[Any], Any]:
    """A function that applies the layers of the Lambda with these settings.

    Raises ModelFileError, with what was read, for a Lambda that is not fully understood.
    """
    reading = read_lambda(settings.config)
    if reading.steps is None:
        raise settings.wrong(f"Python code inside the file, which is never run: {reading.text}")
    steps, name = reading.steps, common["name"]
    return lambda x: apply_steps(x, steps, name)


def apply_steps(x: Any, steps: Sequence[Step], name: str) -> Any:
    """The steps' result for the symbolic images `x`, floats (n, rows, columns, channels) -> float32.

    An affine step also takes (n, numbers). name: of the Lambda; the layers' names are it, or it with a hyphen and
    more, which no name of `models.keras_files.building` has.
    Raises ValueError, with a sentence about the Lambda, if a step does not fit the shape of its input.
    """
    if isinstance(x, list) or not backend.is_float_dtype(x.dtype):
        raise ValueError("it expects one input of floats")
    for place, step in enumerate(steps):
        layer_name = name if len(steps) == 1 else f"{name}-{place + 1}"
        if not isinstance(step, Affine) and len(x.shape) != 4:
            raise ValueError(f"it expects images, not {tuple(x.shape[1:])}")
        x = _LAYERS[type(step)](x, step, layer_name)
    return x


def _affine(x: Any, step: Affine, name: str) -> Any:
    scale, offset = (numbers[0] if len(numbers) == 1 else list(numbers) for numbers in (step.scale, step.offset))
    channels = max(len(step.scale), len(step.offset))
    if channels not in (1, x.shape[-1]):
        raise ValueError(f"it has {channels} numbers for {x.shape[-1]} channels")
    return layers.Rescaling(scale, offset, name=name, **FLOAT)(x)


def _crop(x: Any, step: LambdaCrop, name: str) -> Any:
    margins = [_margins(bounds, size) for bounds, size in zip((step.rows, step.columns), x.shape[1:3], strict=True)]
    return layers.Cropping2D(margins, name=name, **FORMAT, **FLOAT)(x)


def _margins(bounds: Bounds, size: int) -> tuple[int, int]:
    """The rows or columns that Python's slice leaves out before and after."""
    first, end, _ = slice(*bounds).indices(size)
    if end <= first:
        raise ValueError(f"it crops {bounds[0]}:{bounds[1]} of {size}, which leaves nothing")
    return first, size - end


def _resize(x: Any, step: LambdaResize, name: str) -> Any:
    if step.centred:
        # Resizing's default is training=True, and Keras 3 passes it on to the layers after it.
        resizing = layers.Resizing(step.rows, step.columns, name=name, **FORMAT, **FLOAT)
        return resizing(x, training=False)
    rows, columns, _ = x.shape[1:]
    x = _weighted(x, _sampling(columns, step.columns), (1, 3, 2), f"{name}-columns")
    return _weighted(x, _sampling(rows, step.rows), (3, 2, 1), f"{name}-rows")


def _sampling(size: int, result: int) -> np.ndarray:
    """Bilinear weights (size, result), float32, at i * size / result, without half pixels."""
    weights = np.zeros((size, result), np.float32)
    for place in range(result):
        position = place * size / result
        lower = int(position)
        weights[lower, place] += 1 - (position - lower)
        weights[min(lower + 1, size - 1), place] += position - lower
    return weights


def _weighted(x: Any, weights: np.ndarray, axes: tuple[int, int, int], name: str) -> Any:
    """Multiply the axis that `axes` exchanges with the last by `weights`."""
    product = layers.Dense(weights.shape[1], use_bias=False, trainable=False, name=name, **FLOAT)
    x = product(layers.Permute(axes, name=f"{name}-last", **FLOAT)(x))
    product.set_weights([weights])
    return layers.Permute(axes, name=f"{name}-back", **FLOAT)(x)


def _mix(x: Any, step: Mix, name: str) -> Any:
    kernel = np.array(step.kernel, np.float32)
    if x.shape[-1] != len(kernel):
        raise ValueError(f"it expects {len(kernel)} channels, not {x.shape[-1]}")
    mixing = layers.Conv2D(kernel.shape[1], 1, use_bias=False, trainable=False, name=name, **FORMAT, **FLOAT)
    result = mixing(x)
    mixing.set_weights([kernel[None, None]])
    return result


def _standardise(x: Any, _: LambdaStandardise, name: str) -> Any:
    """TensorFlow's lower bound of the deviation, for images of one colour, is replaced by a small constant."""
    return layers.LayerNormalization((1, 2, 3), epsilon=1e-7, center=False, scale=False, name=name, **FLOAT)(x)


_LAYERS: dict[type[Step], Callable[[Any, Any, str], Any]] = {
    Affine: _affine,
    LambdaCrop: _crop,
    LambdaResize: _resize,
    Mix: _mix,
    LambdaStandardise: _standardise,
}
