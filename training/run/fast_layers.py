"""Training runs on a copy of the network whose layers the backend computes faster on its device than Keras' own.

Compilers get shifted copies (`models.shifts.layers`). The layers here are for TensorFlow on a CPU. Keras normalises a
batch step by step, where TensorFlow has one fused kernel. It compiles a grouped convolution with XLA, which is slow
here, and draws a float for each value that dropout may drop. TensorFlow's LeakyReLU takes bfloat16 values one by one.
The saved model still has Keras' own layers: the faster ones have the same weights in the same order, and give the same
results except for rounding and random draws. `python -m benchmarks.study` and `benchmarks.training` measure both;
docs/benchmarks.md has the figures.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import keras
from keras import layers, ops

from models.shifts.layers import shifted_layer

BYTE = 256


def with_fast_layers(network: keras.Model) -> keras.Model:
    """Copy the network with the same weights and faster layers; on PyTorch the layers stay Keras' own."""
    copy = keras.models.clone_model(network, clone_function=_exchange())
    copy.set_weights(network.get_weights())
    return copy


def compiles_networks() -> bool:
    """Whether this backend compiles a network's whole training step for its device, so that it needs shifted copies."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        from training.run.steps.xla import compiles_steps  # noqa: PLC0415 - other backends may lack TensorFlow

        return compiles_steps()
    return bool(backend == "jax")


def _exchange() -> Callable[[layers.Layer], layers.Layer] | None:
    if compiles_networks():
        return shifted_layer
    return _fast_layer if keras.backend.backend() == "tensorflow" else None


def _fast_layer(layer: layers.Layer) -> layers.Layer:
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
    """This layer normalises (n, h, w, c) with TensorFlow's FusedBatchNormV3, in one pass each way instead of ten."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Do the same as Keras' layer: float (n, h, w, c) -> float (n, h, w, c). The mask is ignored."""
        if not training:
            return super().call(inputs)
        import tensorflow as tf  # noqa: PLC0415 - other backends may lack TensorFlow

        normalised = tf.raw_ops.FusedBatchNormV3(
            x=inputs, scale=self.gamma, offset=self.beta, mean=[], variance=[], epsilon=self.epsilon, is_training=True
        )
        count = ops.cast(ops.size(inputs) // inputs.shape[-1], "float32")
        biased = normalised.batch_variance * (count - 1) / count  # TensorFlow divides by count - 1, Keras by count
        for running, now in ((self.moving_mean, normalised.batch_mean), (self.moving_variance, biased)):
            running.assign(running * self.momentum + now * (1 - self.momentum))
        return normalised.y


class BlockDiagonalConv2D(layers.Conv2D):
    """This layer computes a grouped convolution as a plain one, whose kernel is 0 wherever it would mix two groups."""

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """Convolve. inputs: (n, h, w, in); kernel: (rows, columns, in / groups, out), with `out` in order of groups."""
        rows, columns, group_inputs, out = kernel.shape
        by_group = ops.reshape(kernel, (rows, columns, 1, group_inputs, self.groups, out // self.groups))
        diagonal = ops.reshape(ops.eye(self.groups, dtype=kernel.dtype), (1, 1, self.groups, 1, self.groups, 1))
        full_kernel = ops.reshape(by_group * diagonal, (rows, columns, self.groups * group_inputs, out))
        return ops.conv(inputs, full_kernel, strides=self.strides, padding=self.padding, data_format=self.data_format)


class ByteDropout(layers.Dropout):
    """This layer draws a random byte for each value, so its rate is rounded to a 256th; the rest is scaled up."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Do the same as Keras' layer: in training, set a share of the floats (any shape) to 0 and scale the others."""
        dropped = round(BYTE * self.rate)
        if not training or not dropped:
            return inputs
        import tensorflow as tf  # noqa: PLC0415 - other backends may lack TensorFlow

        count, seed = tf.size(inputs), self.seed_generator.next()
        numbers = tf.random.stateless_uniform([(count + 3) // 4], seed, None, None, tf.uint32)
        random_bytes = tf.reshape(tf.reshape(tf.bitcast(numbers, tf.uint8), [-1])[:count], tf.shape(inputs))
        return inputs * (tf.cast(random_bytes >= dropped, inputs.dtype) * (BYTE / (BYTE - dropped)))


class CompiledLeakyReLU(layers.LeakyReLU):
    """This LeakyReLU of bfloat16 is compiled for the processor; for float32 TensorFlow's own is faster."""

    def call(self, inputs: Any) -> Any:
        """Give the same values and gradients as Keras' layer: any shape -> the same shape."""
        return _leaky_relu(float(self.negative_slope))(inputs)


@cache
def _leaky_relu(slope: float) -> Callable[[Any], Any]:
    import tensorflow as tf  # noqa: PLC0415 - other backends may lack TensorFlow

    def forward(x: Any) -> Any:
        return tf.maximum(x, x * tf.cast(slope, x.dtype))

    def gradient(x: Any, upstream: Any) -> Any:
        return tf.where(x > 0, upstream, upstream * tf.cast(slope, x.dtype))

    compiled_forward, compiled_gradient = (tf.function(function, jit_compile=True) for function in (forward, gradient))
    leaky_relu: Callable[[Any], Any] = tf.custom_gradient(
        lambda x: (compiled_forward(x), lambda dy: compiled_gradient(x, dy))
    )
    return leaky_relu
