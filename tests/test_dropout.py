"""Dropout by bytes drops as Keras' own does: the same share, the same scale, anew at each step, and repeatably."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from training.dropout import ByteDropout, reseed_dropout, with_byte_dropout

SHAPE = (16, 33, 7, 5)
"""Not a multiple of four values."""

pytestmark = pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="other backends keep Keras' own")


def dropped(rate: float, dtype: str = "float32") -> np.ndarray:
    layer = ByteDropout(rate, seed=3, dtype=dtype)
    return np.asarray(layer(np.ones(SHAPE, np.float32), training=True)).astype(np.float32)


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("rate", [0.2, 0.25, 0.5])
def test_it_drops_its_share_and_keeps_the_mean(rate: float, dtype: str) -> None:
    values = dropped(rate, dtype)
    assert np.mean(values == 0) == pytest.approx(rate, abs=0.015)  # two and a half deviations of 18,480 draws
    assert len(np.unique(values)) == 2
    assert values.max() == pytest.approx(1 / (1 - rate), rel=0.005)
    assert values.mean() == pytest.approx(1, abs=0.03)


def test_neighbours_are_dropped_independently() -> None:
    gone = (dropped(0.5) == 0).reshape(-1).astype(float)
    for apart in (1, 2, 3, 4):
        assert abs(np.corrcoef(gone[:-apart], gone[apart:])[0, 1]) < 0.03


def test_nothing_is_dropped_when_it_answers_or_at_rate_0() -> None:
    ones = np.ones(SHAPE, np.float32)
    np.testing.assert_array_equal(ByteDropout(0.5)(ones, training=False), ones)
    np.testing.assert_array_equal(ByteDropout(0.0)(ones, training=True), ones)


def network() -> keras.Model:
    keras.utils.set_random_seed(4)
    return keras.Sequential([keras.Input((8, 8, 2)), layers.Conv2D(3, 3), layers.Dropout(0.5), layers.Flatten()])


def test_a_network_keeps_its_weights_and_an_epoch_can_be_repeated() -> None:
    original = network()
    faster = with_byte_dropout(original)
    images = np.random.default_rng(0).random((4, 8, 8, 2), np.float32)
    np.testing.assert_array_equal(faster(images), original(images))
    reseed_dropout(faster, 1, 2)
    first, second = np.asarray(faster(images, training=True)), np.asarray(faster(images, training=True))
    reseed_dropout(faster, 1, 2)
    np.testing.assert_array_equal(faster(images, training=True), first)
    assert (first != second).any()


def test_what_was_dropped_learns_nothing() -> None:
    import tensorflow as tf  # noqa: PLC0415 - the backend that this module is for

    layer, values = ByteDropout(0.5, seed=1), tf.ones(SHAPE)
    with tf.GradientTape() as tape:
        tape.watch(values)
        answer = layer(values, training=True)
    np.testing.assert_array_equal(tape.gradient(answer, values), answer)
