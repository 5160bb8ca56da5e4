"""The blocks: each costs what its docstring states, and is the function that it is drawn as."""

import re
from functools import partial

import keras
import numpy as np
import pytest
from keras import layers

from models import blocks
from models.blocks import (
    conv_block,
    depthwise_separable_block,
    effnet_block,
    shufflenet_block,
    spatially_separable_block,
)
from models.convolutions import depthwise_he_normal, shuffle_channels
from models.cost import cost

FORMULAS = re.compile(r"Parameters: (.+?)\. Multiply-accumulates: (.+?)[.;] ")

BUILT = {
    "conv_block": (partial(conv_block, channels_out=12, kernel=3), {"k": 3, "out": 12}),
    "spatially_separable_block": (partial(spatially_separable_block, channels_out=12, kernel=5), {"k": 5, "out": 12}),
    "depthwise_separable_block": (
        partial(depthwise_separable_block, channels_out=12, kernel=5, strides=2),
        {"k": 5, "s": 2, "out": 12},
    ),
    "shufflenet_block": (
        partial(shufflenet_block, channels_in=16, channels_out=12, groups=4),
        {"inside": 16, "g": 4, "out": 12},
    ),
    "effnet_block": (partial(effnet_block, channels_in=16, channels_out=12), {"inside": 16, "out": 12}),
}
"""Each block at sizes of its own, and what its formulas call them."""


def formula(text: str, sizes: dict[str, int]) -> float:
    """The value of a docstring's formula, in which `in` is a size."""
    return eval(re.sub(r"\bin\b", "inside", text), {}, sizes)


def test_every_block_is_tried():
    assert set(BUILT) == {name for name in blocks.__all__ if name.endswith("_block")}


@pytest.mark.parametrize("name", BUILT)
@pytest.mark.parametrize("c", [4, 8])
def test_a_block_costs_what_its_docstring_says(name, c):
    build, sizes = BUILT[name]
    h, w = 16, 24
    image = keras.Input((h, w, c))
    block_cost = cost(keras.Model(image, build(image, name="block")))
    parameters, multiplications = FORMULAS.search(" ".join(getattr(blocks, name).__doc__.split()) + " ").groups()
    sizes = {**sizes, "h": h, "w": w, "c": c}
    assert block_cost.parameters == formula(parameters, sizes)
    assert block_cost.multiply_accumulates == formula(multiplications, sizes)


def test_the_other_reading_of_effnet_costs_the_second_formula():
    image = keras.Input((16, 24, 4))
    block_cost = cost(keras.Model(image, effnet_block(image, 8, 12, name="block", kernel=(1, 2))))
    assert "3/2 in place of 3/4" in effnet_block.__doc__
    assert block_cost.multiply_accumulates == 16 * 24 * 8 * (4 + 3 + 3 / 2 + 12 / 2)


@pytest.mark.parametrize("name", BUILT)
def test_a_block_halves_the_image_or_keeps_it(name):
    image = keras.Input((16, 24, 4))
    step = 1 if name == "spatially_separable_block" else 2
    assert BUILT[name][0](image, name="block").shape == (None, 16 // step, 24 // step, 12)


def test_batch_norm_stands_in_every_block_before_its_activation():
    image = keras.Input((16, 24, 4))
    for name in set(BUILT) - {"spatially_separable_block"}:
        model = keras.Model(image, BUILT[name][0](image, name="block", batch_norm=True))
        kernels = [layer for layer in model.layers if isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D)]
        for kernel in kernels:
            assert isinstance(model.layers[model.layers.index(kernel) + 1], layers.BatchNormalization), name
            assert not kernel.use_bias
            assert kernel.activation is keras.activations.linear


def test_a_spatially_separable_block_is_one_convolution_with_the_product_of_its_kernels():
    image = keras.Input((9, 11, 1))
    model = keras.Model(image, spatially_separable_block(image, 1, 3, name="block"))
    row, column = np.array([[1.0, -2, 3]]), np.array([[2.0], [0.5], [-1]])
    model.set_weights([row[..., None, None], column[..., None, None]])
    whole = layers.Conv2D(1, 3, padding="same", use_bias=False, activation="relu")
    whole.build(image.shape)
    whole.set_weights([(column * row)[..., None, None]])
    x = np.random.default_rng(0).normal(size=(2, 9, 11, 1)).astype(np.float32)
    np.testing.assert_allclose(model(x), whole(x), rtol=1e-5, atol=1e-5)


def test_shuffling_deals_each_groups_channels_out():
    image = keras.Input((1, 2, 6))
    model = keras.Model(image, shuffle_channels(image, 2, name="shuffle"))
    x = np.arange(12, dtype=np.float32).reshape(1, 1, 2, 6)
    assert np.asarray(model(x)).ravel().tolist() == [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]


def test_a_shufflenet_unit_mixes_all_groups():
    """Each channel that goes in moves each that comes out: without the shuffle a quarter would."""
    image = keras.Input((4, 4, 8))
    model = keras.Model(image, shufflenet_block(image, 16, 8, name="block"))
    model.set_weights([np.ones_like(w) for w in model.get_weights()])
    still = np.asarray(model(np.zeros((1, 4, 4, 8))))
    for channel in range(8):
        x = np.zeros((1, 4, 4, 8), np.float32)
        x[..., channel] = 1
        assert (np.asarray(model(x)) != still).any(axis=(0, 1, 2)).all()


def test_channels_that_do_not_divide_into_groups_are_refused():
    with pytest.raises(ValueError, match="6, 8 and 8 channels"):
        shufflenet_block(keras.Input((8, 8, 6)), 8, 8, name="block")


def test_valid_pooling_drops_the_last_odd_row():
    image = keras.Input((7, 7, 4))
    assert effnet_block(image, 4, 4, name="block", pool_padding="valid").shape[1:] == (3, 4, 4)


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
