"""The EffNet block: its cost as its docstring states it, and the same function as the study's own layers."""

import keras
import numpy as np
import pytest
from keras import layers

from models.blocks import depthwise_he_normal, effnet_block


def study_block(x, channels_in, channels_out, kernel):
    """The layers as the study lists them, the width halved by the last convolution's stride."""
    for layer in (
        layers.Conv2D(channels_in, 1, use_bias=False),
        layers.LeakyReLU(negative_slope=0.3),
        layers.DepthwiseConv2D((1, 3), padding="same", use_bias=False),
        layers.LeakyReLU(negative_slope=0.3),
        layers.MaxPooling2D((2, 1), strides=(2, 1), padding="same"),
        layers.DepthwiseConv2D((3, 1), padding="same", use_bias=False),
        layers.LeakyReLU(negative_slope=0.3),
        layers.Conv2D(channels_out, kernel, strides=(1, 2), padding="same", use_bias=False),
        layers.LeakyReLU(negative_slope=0.3),
        layers.Dropout(0.25),
    ):
        x = layer(x)
    return x


@pytest.mark.parametrize("kernel", [(2, 1), (1, 2)])
@pytest.mark.parametrize("size", [(16, 16), (8, 4), (7, 9)])
def test_block_is_the_study_block(size, kernel):
    image = keras.Input((*size, 5))
    ours = keras.Model(image, effnet_block(image, 6, 10, name="block", kernel=kernel))
    study = keras.Model(image, study_block(image, 6, 10, kernel))
    study.set_weights(ours.get_weights())
    x = np.random.default_rng(0).normal(size=(2, *size, 5)).astype(np.float32)
    np.testing.assert_allclose(ours(x), study(x), rtol=1e-5, atol=1e-6)
    assert ours.output_shape[1:] == ((size[0] + 1) // 2, (size[1] + 1) // 2, 10)


def test_another_kernel_is_refused():
    with pytest.raises(ValueError, match="got \\(3, 3\\)"):
        effnet_block(keras.Input((8, 8, 5)), 6, 10, name="block", kernel=(3, 3))


def test_block_has_the_stated_parameters():
    image = keras.Input((8, 8, 5))
    assert keras.Model(image, effnet_block(image, 6, 10, name="block")).count_params() == 6 * (5 + 6 + 20)


def test_untrained_block_keeps_the_size_of_its_signal():
    keras.utils.set_random_seed(1)
    image = keras.Input((32, 32, 32))
    x = effnet_block(image, 64, 64, name="block")
    model = keras.Model(image, effnet_block(x, 64, 64, name="next"))
    signal = np.random.default_rng(0).normal(size=(4, 32, 32, 32)).astype(np.float32)
    assert 0.1 < float(np.std(model(signal))) < 10


def test_depthwise_initialiser_counts_only_its_own_weights():
    keras.utils.set_random_seed(1)
    kernel = depthwise_he_normal((1, 3))((1, 3, 2000, 1))
    assert float(np.std(kernel)) == pytest.approx((2 / 3) ** 0.5 * 0.88, rel=0.05)
