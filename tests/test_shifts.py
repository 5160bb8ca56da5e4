"""A network in a compiler's form answers as before: its layers as shifted copies, and only the rows that it sees."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers, ops

from models.loading import load_steering_model
from models.shifts.layers import ProductConv2D, ShiftedDepthwiseConv2D, ShiftedMaxPooling2D, shifted_layer
from models.shifts.network import compiler_form
from models.shifts.operations import convolution, depthwise_convolution, max_pooling
from tests.model_files import FRAMES, answer

IMAGES = np.random.default_rng(1).normal(size=(2, 7, 10, 4)).astype(np.float32)
WINDOWS = [((1, 3), (1, 1)), ((3, 1), (1, 1)), ((3, 3), (2, 2)), ((2, 1), (1, 2)), ((2, 2), (2, 1)), ((1, 1), (3, 2))]


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(("size", "strides"), WINDOWS)
def test_each_operation_gives_what_the_library_does(
    size: tuple[int, int], strides: tuple[int, int], padding: str
) -> None:
    random = np.random.default_rng(2)
    kernel = random.normal(size=(*size, 4, 5)).astype(np.float32)
    separate = random.normal(size=(*size, 4, 1)).astype(np.float32)
    for ours, theirs in (
        (convolution(IMAGES, kernel, strides, padding), ops.conv(IMAGES, kernel, strides, padding)),
        (max_pooling(IMAGES, size, strides, padding), ops.max_pool(IMAGES, size, strides, padding)),
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    expected = ops.concatenate(  # not `depthwise_conv`: TensorFlow's refuses unequal strides
        [ops.conv(IMAGES[..., i : i + 1], separate[:, :, i : i + 1], strides, padding) for i in range(4)], -1
    )
    np.testing.assert_allclose(depthwise_convolution(IMAGES, separate, strides, padding), expected, atol=1e-5)


@pytest.mark.parametrize("name", ["eff", pytest.param("baseline", marks=pytest.mark.slow)])
def test_a_network_of_ours_sees_its_rows_alone_and_answers_the_same(name: str) -> None:
    model = load_steering_model(Path(f"models/{name}.h5")).model
    expected = answer(model)
    form = compiler_form(model, shifts=True)
    assert form.view == (slice(80, 140), slice(0, 320))
    assert form.model.input_shape == (None, 60, 320, 3)
    assert not any(isinstance(layer, layers.DepthwiseConv2D | layers.MaxPooling2D) for layer in form.model.layers)
    np.testing.assert_allclose(answer(form.model, FRAMES[:, 80:140]), expected, atol=1e-5)
    assert np.ptp(expected) > 1e-4


def branches(x: keras.KerasTensor) -> keras.KerasTensor:
    """Layers that have a form and layers that have none, one of them called twice, and operations between them."""
    keras.utils.set_random_seed(7)
    twice = layers.DepthwiseConv2D((3, 1), padding="same", activation="relu", bias_initializer="ones")
    x = layers.Conv2D(4, 5, 4, activation="elu")(x)
    known = layers.Conv2D(4, (1, 2), padding="same", bias_initializer="ones")(twice(twice(x)))
    unknown = layers.SeparableConv2D(4, 3, padding="same")(
        layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2)(x)
    )
    dilated = layers.DepthwiseConv2D(3, padding="same", dilation_rate=2)(x)
    grouped = layers.Conv2D(4, 1, groups=2)(x)
    x = ops.maximum(known + unknown, dilated) * grouped
    return layers.Dense(1)(layers.GlobalAveragePooling2D()(layers.MaxPooling2D(4, 3, padding="same")(x)))


def test_a_strangers_network_keeps_the_layers_that_have_no_form() -> None:
    frames = keras.Input((160, 320, 3), dtype="uint8")
    model = keras.Model(frames, branches(layers.Rescaling(1 / 255)(layers.Cropping2D(((60, 20), (10, 30)))(frames))))
    expected = answer(model)
    form = compiler_form(model, shifts=True)
    kept = [type(layer).__name__ for layer in form.model.layers]
    assert kept.count("DepthwiseConv2D") == 2
    assert kept.count("Conv2D") == 2
    assert form.view == (slice(60, 140), slice(10, 290))
    np.testing.assert_allclose(answer(form.model, FRAMES[:, 60:140, 10:290]), expected, rtol=1e-4, atol=1e-5)


def test_frames_that_are_not_only_cropped_stay_whole() -> None:
    frames = keras.Input((160, 320, 3), dtype="uint8")
    brightness = layers.GlobalAveragePooling2D()(layers.Rescaling(1 / 255)(frames))
    sky = layers.GlobalAveragePooling2D()(layers.Cropping2D(((0, 100), (0, 0)))(frames))
    model = keras.Model(frames, layers.Dense(1)(layers.Concatenate()([brightness, sky])))
    expected = answer(model)
    form = compiler_form(model, shifts=False)
    assert form.view == (slice(None), slice(None))
    np.testing.assert_allclose(answer(form.model), expected, rtol=1e-5)


LEARNING = [
    (layers.Conv2D(5, (2, 1), strides=(1, 2), padding="same", activation="relu"), ProductConv2D),
    (layers.Conv2D(5, 1, use_bias=False), ProductConv2D),
    (layers.DepthwiseConv2D((1, 3), padding="same", use_bias=False), ShiftedDepthwiseConv2D),
    (layers.DepthwiseConv2D(3, strides=2), ShiftedDepthwiseConv2D),
    (layers.MaxPooling2D((2, 1), strides=(2, 2), padding="same"), ShiftedMaxPooling2D),
    (layers.Conv2D(5, 3), layers.Conv2D),
    (layers.Conv2D(4, 1, groups=2), layers.Conv2D),
    (layers.DepthwiseConv2D(2, depth_multiplier=2), layers.DepthwiseConv2D),
    (layers.DepthwiseConv2D(2, dilation_rate=2), layers.DepthwiseConv2D),
    (layers.Flatten(), layers.Flatten),
]


@pytest.mark.parametrize(("layer", "kind"), LEARNING)
def test_a_layer_that_learns_keeps_its_weights_and_answers(layer: layers.Layer, kind: type[layers.Layer]) -> None:
    expected = layer(IMAGES)
    copy = shifted_layer(layer)
    assert type(copy) is kind
    copy.build(IMAGES.shape)
    assert [weight.path.split("/")[-1] for weight in copy.weights] == [
        weight.path.split("/")[-1] for weight in layer.weights
    ]
    copy.set_weights(layer.get_weights())
    np.testing.assert_allclose(copy(IMAGES), expected, atol=1e-5)
