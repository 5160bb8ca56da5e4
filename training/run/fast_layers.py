"""The same network, to train, of layers that TensorFlow computes faster on a CPU than Keras' own.

Keras normalises a batch step by step where TensorFlow has one fused kernel, compiles a grouped convolution with XLA,
which made most of a ShuffleNet's step, and draws a float for each value that dropout may drop, a quarter of a step by
the origin's recipes. TensorFlow's LeakyReLU takes bfloat16 values one by one: half of an `eff`'s step. The saved model
is of Keras' own layers all the same: these share their weights' order, and compute what they compute but for rounding
and chance. `python -m benchmarks.study` and `benchmarks.training` measure both.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import keras
from keras import layers, ops

BYTE = 256


def faster(network: keras.Model) -> keras.Model:
    """A copy with the same weights; of Keras' own layers on other backends than TensorFlow, which gain nothing."""
    exchange = _faster_layer if keras.backend.backend() == "tensorflow" else None
    copy = keras.models.clone_model(network, clone_function=exchange)
    copy.set_weights(network.get_weights())
    return copy


def _faster_layer(layer: layers.Layer) -> layers.Layer:
    kind: type[layers.Layer] = type(layer)
    if kind is layers.BatchNormalization and len(layer.input.shape) == 4:
        kind = FusedBatchNormalization
    elif kind is layers.Conv2D and layer.groups > 1:
        kind = BlockDiagonalConv2D
    elif kind is layers.Dropout:
        kind = ByteDropout
    elif kind is layers.LeakyReLU and layer.compute_dtype == "bfloat16":
        kind = CompiledLeakyReLU
    return kind.from_config(layer.get_config())


class FusedBatchNormalization(layers.BatchNormalization):
    """Batch normalisation of (n, h, w, c) by TensorFlow's FusedBatchNormV3: one pass each way in place of ten."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """The same as Keras' layer: float (n, h, w, c) -> float (n, h, w, c). No mask is taken."""
        if not training:
            return super().call(inputs)
        import tensorflow as tf  # noqa: PLC0415 - on other backends it need not be there

        found = tf.raw_ops.FusedBatchNormV3(
            x=inputs, scale=self.gamma, offset=self.beta, mean=[], variance=[], epsilon=self.epsilon, is_training=True
        )
        count = ops.cast(ops.size(inputs) // inputs.shape[-1], "float32")
        biased = found.batch_variance * (count - 1) / count  # TensorFlow divides by count - 1, Keras by count
        for running, now in ((self.moving_mean, found.batch_mean), (self.moving_variance, biased)):
            running.assign(running * self.momentum + now * (1 - self.momentum))
        return found.y


class BlockDiagonalConv2D(layers.Conv2D):
    """A grouped convolution as a plain one, whose kernel is 0 wherever it would mix two groups."""

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """kernel: (rows, columns, in / groups, out), out in order of groups."""
        rows, columns, inside, out = kernel.shape
        apart = ops.reshape(kernel, (rows, columns, 1, inside, self.groups, out // self.groups))
        diagonal = ops.reshape(ops.eye(self.groups, dtype=kernel.dtype), (1, 1, self.groups, 1, self.groups, 1))
        whole = ops.reshape(apart * diagonal, (rows, columns, self.groups * inside, out))
        return ops.conv(inputs, whole, strides=self.strides, padding=self.padding, data_format=self.data_format)


class ByteDropout(layers.Dropout):
    """Dropout by a random byte for each value; its rate is kept to the nearest 256th, and the rest scaled by that."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        """The same as Keras' layer: floats of any shape -> zeros for a share of them in training, the rest scaled."""
        dropped = round(BYTE * self.rate)
        if not training or not dropped:
            return inputs
        import tensorflow as tf  # noqa: PLC0415 - on other backends it need not be there

        count, seed = tf.size(inputs), self.seed_generator.next()
        numbers = tf.random.stateless_uniform([(count + 3) // 4], seed, None, None, tf.uint32)
        drawn = tf.reshape(tf.reshape(tf.bitcast(numbers, tf.uint8), [-1])[:count], tf.shape(inputs))
        return inputs * (tf.cast(drawn >= dropped, inputs.dtype) * (BYTE / (BYTE - dropped)))


class CompiledLeakyReLU(layers.LeakyReLU):
    """LeakyReLU of bfloat16, compiled for this very processor; of float32, TensorFlow's own is the faster one."""

    def call(self, inputs: Any) -> Any:
        """The same as Keras' layer, value for value, and so is its gradient: any shape -> the same shape."""
        return _leaky_relu(float(self.negative_slope))(inputs)


@cache
def _leaky_relu(slope: float) -> Callable[[Any], Any]:
    import tensorflow as tf  # noqa: PLC0415 - on other backends it need not be there

    def answer(x: Any) -> Any:
        return tf.maximum(x, x * tf.cast(slope, x.dtype))

    def gradient(x: Any, upstream: Any) -> Any:
        return tf.where(x > 0, upstream, upstream * tf.cast(slope, x.dtype))

    answers, gradients = (tf.function(step, jit_compile=True) for step in (answer, gradient))
    leaky_relu: Callable[[Any], Any] = tf.custom_gradient(lambda x: (answers(x), lambda dy: gradients(x, dy)))
    return leaky_relu
