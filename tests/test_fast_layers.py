"""The faster layers: the same answers, gradients and running statistics as Keras' own, and dropout of the same kind."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from models.classifiers import TASKS, Dropouts
from training.run.dropout import reseed_dropout
from training.run.fast_layers import (
    BlockDiagonalConv2D,
    ByteDropout,
    CompiledLeakyReLU,
    FusedBatchNormalization,
    with_fast_layers,
)
from training.run.network import build as network_to_steer
from training.run.recipe import Recipe
from training.study.recipes import recipe_of
from training.study.run import StudySettings
from training.study.train import build

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="other backends keep Keras' layers")


def built(name: str) -> keras.Model:
    keras.utils.set_random_seed(3)
    return TASKS["cifar10"].networks[name](dropouts=Dropouts(0.0, 0.0))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["effnet", "shufflenet"])
def test_the_faster_network_learns_what_keras_own_does(name: str) -> None:
    own = built(name)
    fast = with_fast_layers(own)
    random = np.random.default_rng(1)
    images = random.integers(0, 256, (16, 32, 32, 3), np.uint8)
    labels = np.eye(10, dtype=np.float32)[random.integers(0, 10, 16)]
    for network in (own, fast):
        network.compile(keras.optimizers.SGD(0.01), "categorical_crossentropy", jit_compile=False)
    losses = [[float(network.train_on_batch(images, labels)) for _ in range(3)] for network in (own, fast)]
    assert losses[0][0] > losses[0][2]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)
    for variable, expected in zip(fast.get_weights(), own.get_weights(), strict=True):
        np.testing.assert_allclose(variable, expected, rtol=2e-2, atol=2e-4)


def test_running_statistics_are_keras_own() -> None:
    """On 8 values a channel, where dividing by 7 instead of by 8 would show."""
    values = np.random.default_rng(2).normal(3, 2, (2, 2, 2, 4)).astype(np.float32)
    results = []
    for kind in (layers.BatchNormalization, FusedBatchNormalization):
        norm = kind(momentum=0.5)
        answer = norm(values, training=True)
        results.append([np.asarray(answer), *(np.asarray(v) for v in norm.non_trainable_variables)])
    for own, fast in zip(*results, strict=True):
        np.testing.assert_allclose(fast, own, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kernel", [1, 3])
def test_a_grouped_convolution_answers_as_keras_own(kernel: int) -> None:
    keras.utils.set_random_seed(4)
    own = layers.Conv2D(12, kernel, groups=4, padding="same", strides=2)
    values = np.random.default_rng(3).normal(size=(2, 6, 6, 8)).astype(np.float32)
    expected = np.asarray(own(values))
    fast = BlockDiagonalConv2D.from_config(own.get_config())
    fast.build(values.shape)
    fast.set_weights(own.get_weights())
    np.testing.assert_allclose(np.asarray(fast(values)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["effnet", "shufflenet"])
def test_it_trains_in_bfloat16_too(name: str) -> None:
    settings = StudySettings("cifar10", name, "ours", 1, "mixed_bfloat16", "", recipe_of("cifar10", name, "ours"))
    network = with_fast_layers(build(settings, settings.precision))
    network.compile(keras.optimizers.SGD(0.01), "categorical_crossentropy", jit_compile=False)
    images = np.random.default_rng(1).integers(0, 256, (8, 32, 32, 3), np.uint8)
    labels = np.eye(10, dtype=np.float32)[np.arange(8)]
    losses = [float(network.train_on_batch(images, labels)) for _ in range(8)]
    assert losses[-1] < losses[0]
    assert all(variable.dtype == "float32" for variable in network.variables if "seed" not in variable.path)


def test_only_what_is_slow_is_exchanged() -> None:
    kinds = [type(layer) for layer in with_fast_layers(built("shufflenet")).layers]
    assert kinds.count(BlockDiagonalConv2D) == 4
    assert kinds.count(FusedBatchNormalization) == 7
    assert layers.Conv2D in kinds
    assert layers.BatchNormalization not in kinds


def test_a_norm_of_vectors_stays_as_it_is() -> None:
    kinds = [type(layer) for layer in with_fast_layers(TASKS["digits"].networks["eff"]()).layers]
    assert layers.BatchNormalization in kinds
    assert FusedBatchNormalization not in kinds


SHAPE = (16, 33, 7, 5)
"""Not a multiple of four values."""


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
    zeros = (dropped(0.5) == 0).reshape(-1).astype(float)
    for apart in (1, 2, 3, 4):
        assert abs(np.corrcoef(zeros[:-apart], zeros[apart:])[0, 1]) < 0.03


def test_nothing_is_dropped_when_it_answers_or_at_rate_0() -> None:
    ones = np.ones(SHAPE, np.float32)
    np.testing.assert_array_equal(ByteDropout(0.5)(ones, training=False), ones)
    np.testing.assert_array_equal(ByteDropout(0.0)(ones, training=True), ones)


def test_dropout_can_be_repeated_and_differs_at_each_step() -> None:
    keras.utils.set_random_seed(4)
    network = with_fast_layers(keras.Sequential([keras.Input((8, 8, 2)), layers.Conv2D(3, 3), layers.Dropout(0.5)]))
    images = np.random.default_rng(0).random((4, 8, 8, 2), np.float32)
    answers = []
    for _ in range(2):
        reseed_dropout(network, 1, 2)
        answers.append([np.asarray(network(images, training=True)) for _ in range(2)])
    np.testing.assert_array_equal(answers[0], answers[1])
    assert (answers[0][0] != answers[0][1]).any()


def test_what_was_dropped_learns_nothing() -> None:
    import tensorflow as tf  # noqa: PLC0415 - the backend that this module is for

    layer, values = ByteDropout(0.5, seed=1), tf.ones(SHAPE)
    with tf.GradientTape() as tape:
        tape.watch(values)
        answer = layer(values, training=True)
    np.testing.assert_array_equal(tape.gradient(answer, values), answer)


def test_a_leaky_relu_of_bfloat16_answers_and_learns_as_keras_own() -> None:
    import tensorflow as tf  # noqa: PLC0415 - the backend that this module is for

    random = np.random.default_rng(7)
    values = tf.cast(np.append(random.normal(size=999), 0.0), tf.bfloat16)
    upstream = tf.cast(random.normal(size=1000), tf.bfloat16)
    results = []
    for kind in (layers.LeakyReLU, CompiledLeakyReLU):
        layer = kind(0.3, dtype="bfloat16")
        with tf.GradientTape() as tape:
            tape.watch(values)
            answer = layer(values)
        results.append([answer, tape.gradient(answer, values, output_gradients=upstream)])
    for own, fast in zip(*results, strict=True):
        assert fast.dtype == "bfloat16"
        np.testing.assert_array_equal(np.asarray(fast, np.float32), np.asarray(own, np.float32))


@pytest.mark.parametrize(("precision", "kind"), [("float32", layers.LeakyReLU), ("mixed_bfloat16", CompiledLeakyReLU)])
def test_only_bfloat16_needs_another_leaky_relu(precision: str, kind: type[layers.Layer]) -> None:
    network = with_fast_layers(network_to_steer("eff-tiny", Recipe(), precision).network)
    assert {type(layer) for layer in network.layers if isinstance(layer, layers.LeakyReLU)} == {kind}
