"""Dropout that can be repeated, also in a run that was interrupted; and one that is four times as fast."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

BYTE = 256


def reseed_dropout(network: keras.Model, seed: int, epoch: int) -> None:
    """Give every dropout layer its own random stream for this epoch, so that an epoch can be repeated exactly."""
    for number, layer in enumerate(network.layers):
        if isinstance(layer, keras.layers.Dropout) and layer.rate > 0:
            layer.seed_generator.state.assign(np.array([seed + 1000 * epoch, number], np.uint32))


def with_byte_dropout(network: keras.Model) -> keras.Model:
    """The same network, for TensorFlow with dropout by bytes; on other backends `network` itself.

    To train with, not to save: the layer has no name that a model file could be read by.
    """
    if keras.config.backend() != "tensorflow":
        return network

    def cloned(layer: keras.Layer) -> keras.Layer:
        kind = ByteDropout if isinstance(layer, keras.layers.Dropout) else type(layer)
        return kind.from_config(layer.get_config())

    faster = keras.models.clone_model(network, clone_function=cloned)
    faster.set_weights(network.get_weights())
    return faster


class ByteDropout(keras.layers.Dropout):
    """Draws a random byte for each value, where Keras draws a random float: half the time of a training.

    The rate is kept to the nearest 256th; what is kept is scaled by that. Any shape and float dtype, as Keras' own.
    """

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Zeros for a share of `inputs` while training, the rest scaled up; otherwise `inputs`."""
        dropped = round(BYTE * self.rate)
        if not training or not dropped:
            return inputs
        import tensorflow as tf  # noqa: PLC0415 - other backends keep Keras' own layer

        count, seed = tf.size(inputs), self.seed_generator.next()
        numbers = tf.random.stateless_uniform([(count + 3) // 4], seed, None, None, tf.uint32)
        drawn = tf.reshape(tf.reshape(tf.bitcast(numbers, tf.uint8), [-1])[:count], tf.shape(inputs))
        return inputs * (tf.cast(drawn >= dropped, inputs.dtype) * (BYTE / (BYTE - dropped)))
