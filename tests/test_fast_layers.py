"""The study's faster layers: the same answers, gradients and running statistics as Keras' own."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from models.classifiers import TASKS, Dropouts
from training.study.fast_layers import BlockDiagonalConv2D, FusedBatchNormalization, faster
from training.study.recipes import recipe_of
from training.study.run import Settings
from training.study.train import build

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="other backends keep Keras' layers")


def built(name: str) -> keras.Model:
    keras.utils.set_random_seed(3)
    return TASKS["cifar10"].networks[name](dropouts=Dropouts(0.0, 0.0))


@pytest.mark.parametrize("name", ["effnet", "shufflenet"])
def test_the_faster_network_learns_what_keras_own_does(name: str) -> None:
    own = built(name)
    fast = faster(own)
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
    found = []
    for kind in (layers.BatchNormalization, FusedBatchNormalization):
        norm = kind(momentum=0.5)
        answer = norm(values, training=True)
        found.append([np.asarray(answer), *(np.asarray(v) for v in norm.non_trainable_variables)])
    for own, fast in zip(*found, strict=True):
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


@pytest.mark.parametrize("name", ["effnet", "shufflenet"])
def test_it_trains_in_bfloat16_too(name: str) -> None:
    settings = Settings("cifar10", name, "ours", 1, "mixed_bfloat16", "", recipe_of("cifar10", name, "ours"))
    network = faster(build(settings, settings.precision))
    network.compile(keras.optimizers.SGD(0.01), "categorical_crossentropy", jit_compile=False)
    images = np.random.default_rng(1).integers(0, 256, (8, 32, 32, 3), np.uint8)
    labels = np.eye(10, dtype=np.float32)[np.arange(8)]
    losses = [float(network.train_on_batch(images, labels)) for _ in range(8)]
    assert losses[-1] < losses[0]
    assert all(variable.dtype == "float32" for variable in network.variables if "seed" not in variable.path)


def test_only_what_is_slow_is_exchanged() -> None:
    kinds = [type(layer) for layer in faster(built("shufflenet")).layers]
    assert kinds.count(BlockDiagonalConv2D) == 4
    assert kinds.count(FusedBatchNormalization) == 7
    assert layers.Conv2D in kinds
    assert layers.BatchNormalization not in kinds


def test_a_norm_of_vectors_stays_as_it_is() -> None:
    kinds = [type(layer) for layer in faster(TASKS["digits"].networks["eff"]()).layers]
    assert layers.BatchNormalization in kinds
    assert FusedBatchNormalization not in kinds
