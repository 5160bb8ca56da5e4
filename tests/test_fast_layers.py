"""The study's faster layers: the same answers, gradients and running statistics as Keras' own."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from models.classifiers import TASKS, Dropouts
from training.study.fast_layers import BlockDiagonalConv2D, FusedBatchNormalization, faster

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
