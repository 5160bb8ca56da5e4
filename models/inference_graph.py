"""A Keras model's layers in the order and form that LiteRT's CPU kernels (XNNPACK) take whole and run fastest.

The answers stay the same. A converter left alone runs the crop of a byte image outside XNNPACK (0.36 ms of 1.7 for
`eff`) and splits the graph at each max-pooling whose stride is larger than its window.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import layers


def inference_function(model: keras.Model) -> Callable[[Any], Any]:
    """A function of TensorFlow operations, uint8 frames (1, rows, columns, 3) -> float32, equal to `model`.

    `model` is one that `models.loading`, `steering` or `classifiers` built: flat, each layer called once.

    Three rewritings, each exact:
    - frames become float32 before they are cropped, not after: XNNPACK copies floats and knows no plain bytes;
    - max(f(a), f(b)) = f(max(a, b)) for a rising f, so an activation works on the pooled half only;
    - columns that a pooling skips are not computed by the depthwise convolution before it.
    """

    def answer(frames: Any) -> Any:
        x = tf.cast(frames, tf.float32)
        if not _is_chain(model):
            return _graph(model, x)
        steps = [layer for layer in model.layers[1:] if not isinstance(layer, layers.Dropout)]
        while steps:
            x, taken = _step(x, steps)
            del steps[:taken]
        return x

    return answer


def _is_chain(model: keras.Model) -> bool:
    """Whether each layer takes exactly the output of the one before it."""
    return all(after.input is before.output for before, after in zip(model.layers, model.layers[1:], strict=False))


def _graph(model: keras.Model, x: Any) -> Any:
    """Layers of a branching model, called one by one: calling the model would turn `x` back into bytes."""
    values = {id(model.inputs[0]): x}
    for layer in model.layers[1:]:
        taken = layer.input
        inputs = [values[id(each)] for each in taken] if isinstance(taken, list) else values[id(taken)]
        values[id(layer.output)] = layer(inputs)
    return values[id(model.outputs[0])]


def _step(x: Any, steps: list[Any]) -> tuple[Any, int]:
    """The output of the first step, or of the first few that have a faster form, and how many those were."""
    first, second, third = (*steps[:3], None, None)[:3]
    if _skips_columns(third) and _rises(second) and _is_row_filter(first):
        return second(_pool_rows(_every_column(x, first, third.strides[1]), third)), 3
    if _rises(first) and isinstance(second, layers.MaxPooling2D):
        return first(second(x)), 2
    return first(x), 1


def _rises(layer: Any) -> bool:
    """An activation that never falls as its input grows."""
    if isinstance(layer, layers.LeakyReLU | layers.ReLU):
        return bool(layer.negative_slope >= 0)
    return False


def _skips_columns(layer: Any) -> bool:
    """A max-pooling one column wide that steps over columns; XNNPACK refuses strides larger than the window."""
    return isinstance(layer, layers.MaxPooling2D) and layer.pool_size[1] == 1 and layer.strides[1] > 1


def _is_row_filter(layer: Any) -> bool:
    """A depthwise convolution one row high, of odd width, 'same', in steps of one."""
    return (
        isinstance(layer, layers.DepthwiseConv2D)
        and layer.kernel_size[0] == 1
        and layer.kernel_size[1] % 2 == 1
        and layer.padding == "same"
        and tuple(layer.strides) == (1, 1)
        and tuple(layer.dilation_rate) == (1, 1)
        and layer.activation is keras.activations.linear
    )


def _every_column(x: Any, depthwise: Any, step: int) -> Any:
    """Columns 0, step, 2 step, ... of the depthwise convolution's output."""
    width = x.shape[2]
    reach = depthwise.kernel_size[1] // 2
    right = max(0, (width - 1) // step * step + reach - (width - 1))
    padded = tf.pad(x, [[0, 0], [0, 0], [reach, right], [0, 0]])
    y = tf.nn.depthwise_conv2d(padded, depthwise.kernel.value, [1, 1, step, 1], "VALID")
    return y + depthwise.bias.value if depthwise.use_bias else y


def _pool_rows(x: Any, pooling: Any) -> Any:
    return tf.nn.max_pool2d(x, (pooling.pool_size[0], 1), (pooling.strides[0], 1), pooling.padding.upper())
