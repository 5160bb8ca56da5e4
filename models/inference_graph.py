"""Rewrites a Keras model's graph so that LiteRT's CPU kernels (XNNPACK) run all of it, and run it fastest.

The answers stay the same. Without the rewriting, LiteRT runs the crop of a byte image outside XNNPACK and splits the
graph at each max-pooling whose stride is larger than its window.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import layers


def inference_function(model: keras.Model) -> Callable[[Any], Any]:
    """A function of TensorFlow operations, equal to `model`: uint8 frames (1, rows, columns, 3) -> float32.

    A model of several frames or of measurements has the inputs that `models.adapter.network_inputs` describes.

    model: flat, each layer called once, as `models.loading`, `steering` and `classifiers` build it.

    Three exact rewritings:
    - frames become float32 before the crop, not after it, because XNNPACK can copy floats but not plain bytes;
    - max(f(a), f(b)) = f(max(a, b)) for a non-decreasing f, so the activation follows the pooling;
    - the depthwise convolution before a pooling does not compute the columns that the pooling skips.
    """

    graph = keras.Function(model.inputs, model.outputs)  # the model itself would cast its input back to bytes
    runs = _runs(model)

    def answer(frames: Any, *measurements: Any) -> Any:
        x = tf.cast(frames, tf.float32)
        if runs is None:
            return graph([x, *measurements])[0]
        values = {id(model.inputs[0]): x}
        for run in runs:
            x = keras.tree.map_structure(lambda tensor: values[id(tensor)], run[0].input)
            values[id(run[-1].output)] = _computed(run, x)
        return values[id(model.output)]

    return answer


def _runs(model: keras.Model) -> list[list[Any]] | None:
    """The layers as runs in the order of computation; None for a model with more inputs, or with other operations.

    In a run each layer's only input is the output of the layer before it, which nothing else takes.
    """
    steps = [operation for operation in model.operations if not isinstance(operation, layers.InputLayer)]
    if len(model.inputs) > 1 or not all(_can_be_called_alone(step) for step in steps):
        return None
    sources = {id(step): [id(tensor) for tensor in keras.tree.flatten(step.input)] for step in steps}
    uses = Counter([id(model.output), *(tensor for tensors in sources.values() for tensor in tensors)])
    runs: list[list[Any]] = []
    for step in steps:
        before = next((run for run in runs if [id(run[-1].output)] == sources[id(step)]), None)
        if before is not None and uses[id(before[-1].output)] == 1:
            before.append(step)
        else:
            runs.append([step])
    return runs


def _can_be_called_alone(operation: Any) -> bool:
    """Whether an operation is a layer of one input, or one that merges a list of them."""
    merges = layers.Add | layers.Concatenate | layers.Multiply
    takes_one = isinstance(operation, layers.Layer) and not isinstance(operation.input, list | tuple | dict)
    return takes_one or isinstance(operation, merges)


def _computed(run: list[Any], x: Any) -> Any:
    """The output of a run of layers for its input."""
    steps = [layer for layer in run if not isinstance(layer, layers.Dropout)]
    while steps:
        x, count = _step(x, steps)
        del steps[:count]
    return x


def _step(x: Any, steps: list[Any]) -> tuple[Any, int]:
    """Apply the first layer, or the first few together in a faster form; return the output and their number."""
    first, second, third = (*steps[:3], None, None)[:3]
    if _skips_columns(third) and _is_non_decreasing(second) and _is_row_filter(first):
        return second(_pool_rows(_compute_every_nth_column(x, first, third.strides[1]), third)), 3
    if _is_non_decreasing(first) and isinstance(second, layers.MaxPooling2D):
        return first(second(x)), 2
    return first(x), 1


def _is_non_decreasing(layer: Any) -> bool:
    """Whether the layer is an activation that never decreases with its input."""
    if isinstance(layer, layers.LeakyReLU | layers.ReLU):
        return bool(layer.negative_slope >= 0)
    return False


def _skips_columns(layer: Any) -> bool:
    """Whether a max-pooling one column wide skips columns; XNNPACK refuses strides larger than the window."""
    return isinstance(layer, layers.MaxPooling2D) and layer.pool_size[1] == 1 and layer.strides[1] > 1


def _is_row_filter(layer: Any) -> bool:
    """Whether a depthwise convolution is one row high, of odd width, with padding 'same' and stride one."""
    return (
        isinstance(layer, layers.DepthwiseConv2D)
        and layer.kernel_size[0] == 1
        and layer.kernel_size[1] % 2 == 1
        and layer.padding == "same"
        and tuple(layer.strides) == (1, 1)
        and tuple(layer.dilation_rate) == (1, 1)
        and layer.activation is keras.activations.linear
    )


def _compute_every_nth_column(x: Any, depthwise: Any, step: int) -> Any:
    """Columns 0, step, 2 step, ... of the depthwise convolution's output."""
    width = x.shape[2]
    reach = depthwise.kernel_size[1] // 2
    right = max(0, (width - 1) // step * step + reach - (width - 1))
    padded = tf.pad(x, [[0, 0], [0, 0], [reach, right], [0, 0]])
    y = tf.nn.depthwise_conv2d(padded, depthwise.kernel.value, [1, 1, step, 1], "VALID")
    return y + depthwise.bias.value if depthwise.use_bias else y


def _pool_rows(x: Any, pooling: Any) -> Any:
    return tf.nn.max_pool2d(x, (pooling.pool_size[0], 1), (pooling.strides[0], 1), pooling.padding.upper())
