"""Layers of Keras beyond those of steering networks answer as in Keras, from .keras and .h5 files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from keras.src.applications import convnext

from models.loading import load_steering_model
from tests.model_files import (
    answer,
    assert_all_served,
    assert_same_in_litert,
    assert_served,
    raw_model,
    refusal,
    saved,
)

SUFFIXES = (".keras", ".h5")


def on_features(*chain: Any) -> Callable[[Any], Any]:
    """The layers on a map of 8 x 16 places with four features."""

    def build(x: Any) -> Any:
        x = layers.Conv2D(4, 20, strides=20, padding="same")(x)
        for layer in chain:
            x = layer(x)
        return x

    return build


def on_sequence(*chain: Any) -> Callable[[Any], Any]:
    """The layers on a sequence of 8 rows with 64 features."""
    return on_features(layers.Reshape((8, 64)), *chain)


IMAGE_LAYERS: dict[str, Callable[[], list[Any]]] = {
    "constant normalisation": lambda: [layers.Normalization(mean=[0.1, 0.2, 0.3, 0.4], variance=[1.0, 2.0, 3.0, 4.0])],
    "one mean for all": lambda: [layers.Normalization(axis=None, mean=0.2, variance=3.0)],
    "inverted normalisation": lambda: [layers.Normalization(mean=0.2, variance=3.0, invert=True)],
    "layer normalisation": lambda: [layers.LayerNormalization()],
    "without gains": lambda: [layers.LayerNormalization(center=False, scale=False), layers.LayerNormalization()],
    "group normalisation": lambda: [layers.GroupNormalization(2)],
    "instance normalisation": lambda: [layers.GroupNormalization(-1, scale=False)],
    "root mean square": lambda: [layers.RMSNormalization()],
    "unit length": lambda: [layers.UnitNormalization()],
    "transposed": lambda: [layers.Conv2DTranspose(3, 3, strides=2, padding="same", activation="relu")],
    "enlarged": lambda: [layers.UpSampling2D((2, 3)), layers.UpSampling2D(2, interpolation="bilinear")],
    "separable": lambda: [layers.SeparableConv2D(5, 3, depth_multiplier=2)],
    "kept axes": lambda: [layers.GlobalAveragePooling2D(keepdims=True)],
    "softmax": lambda: [layers.Softmax(axis=-1)],
    "repeated": lambda: [layers.Flatten(), layers.RepeatVector(3)],
    "scaled by learning": lambda: [convnext.LayerScale(0.3, 4), convnext.StochasticDepth(0.2)],
    "scaled by channel": lambda: [layers.Rescaling([1.0, 2.0, 3.0, 4.0], offset=[0.0, 0.1, 0.2, 0.3])],
}

SEQUENCE_LAYERS: dict[str, Callable[[], list[Any]]] = {
    "convolution": lambda: [layers.Conv1D(3, 3, padding="causal"), layers.MaxPooling1D(2), layers.AveragePooling1D(2)],
    "separable": lambda: [layers.SeparableConv1D(3, 3), layers.SpatialDropout1D(0.1), layers.GlobalMaxPooling1D()],
    "recurrent": lambda: [layers.SimpleRNN(3)],
    "memory": lambda: [layers.LSTM(4, return_sequences=True), layers.LSTM(3, go_backwards=True, use_bias=False)],
    "gates": lambda: [layers.GRU(4, return_sequences=True), layers.GRU(3, reset_after=False, activation="relu")],
    "both ways": lambda: [
        layers.Bidirectional(layers.LSTM(3, return_sequences=True)),
        layers.Bidirectional(layers.GRU(3), merge_mode="sum"),
    ],
    "stepwise": lambda: [
        layers.TimeDistributed(layers.Dense(5, activation="relu")),
        layers.TimeDistributed(layers.Activation("tanh")),
        layers.GlobalAveragePooling1D(),
    ],
}


def on_sequences() -> dict[str, Callable[[Any], Any]]:
    return {f"sequence: {name}": on_sequence(*make()) for name, make in SEQUENCE_LAYERS.items()}


@pytest.mark.parametrize("suffix", [pytest.param(".keras", marks=pytest.mark.slow), ".h5"])
def test_layers_on_images_and_on_sequences_made_from_the_frame(suffix: str, tmp_path: Path) -> None:
    images = {f"image: {name}": on_features(*make()) for name, make in IMAGE_LAYERS.items()}
    assert_all_served(images | on_sequences(), tmp_path / f"model{suffix}")


def attention(x: Any) -> Any:
    x = layers.LayerNormalization()(on_sequence()(x))
    x = layers.Add()([x, layers.MultiHeadAttention(2, 5, value_dim=3)(x, x)])
    return layers.Attention()([x, layers.Dense(64)(x)])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_attention_of_a_sequence_to_itself(suffix: str, tmp_path: Path) -> None:
    assert_served(raw_model(attention), tmp_path / f"model{suffix}")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("axis", [*(pytest.param(axis, marks=pytest.mark.slow) for axis in (-1, None)), (1, 3)])
def test_a_normalisation_adapted_to_data(axis: Any, suffix: str, tmp_path: Path) -> None:
    """Its mean and variance are weights, beside a count that is a whole number."""
    normalisation = layers.Normalization(axis=axis)
    model = raw_model(on_features(normalisation))
    normalisation.adapt(np.random.default_rng(4).normal(0.3, 2.0, (9, 8, 16, 4)))
    assert_served(model, tmp_path / f"model{suffix}")


def test_augmentation_is_left_out(tmp_path: Path) -> None:
    frames = keras.Input((160, 320, 3), dtype="uint8")
    x = layers.Rescaling(1 / 255)(frames)
    value_range = (0.0, 1.0)
    for layer in (
        layers.RandomBrightness(0.2, value_range),
        layers.RandomColorJitter(value_range, 0.2),
        layers.RandomContrast(0.2),
        layers.RandomErasing(),
        layers.RandomFlip(),
        layers.RandomGrayscale(),
        layers.RandomHue(0.2, value_range),
        layers.RandomRotation(0.1),
        layers.RandomShear(0.1),
        layers.RandomTranslation(0.1, 0.1),
        layers.RandomZoom(0.1),
        layers.AugMix(value_range),
        layers.Solarization(),
        layers.GaussianNoise(0.1),
        layers.AlphaDropout(0.1),
    ):
        x = layer(x)
    model = keras.Model(frames, layers.Dense(1)(layers.GlobalAveragePooling2D()(x)))
    copy = load_steering_model(saved(model, tmp_path / "model.keras")).model
    plain = layers.GlobalAveragePooling2D()(layers.Rescaling(1 / 255)(frames))
    twin = keras.Model(frames, layers.Dense(1)(plain))
    twin.set_weights([weight for weight in model.get_weights() if weight.dtype == np.float32])
    np.testing.assert_allclose(answer(copy), answer(twin), atol=1e-6)


@pytest.mark.slow
def test_sequences_become_a_litert_file(tmp_path: Path) -> None:
    assert_same_in_litert({"attention": attention, **on_sequences()}, tmp_path / "model.keras")


@pytest.mark.parametrize(
    ("chain", "reason"),
    [
        (lambda: [layers.LSTM(3, stateful=True)], "keeps a state from one answer to the next"),
        (lambda: [layers.Reshape((512, 1)), layers.LSTM(3)], "at most 128 steps"),
        (lambda: [layers.Reshape((512, 1)), layers.TimeDistributed(layers.Reshape((1, 1)))], "at most 128 steps"),
        (lambda: [layers.RNN(layers.LSTMCell(3))], "not a layer that can be loaded"),
        (lambda: [layers.MultiHeadAttention(2, 3, output_shape=5)], "output_shape is not supported"),
    ],
)
def test_what_cannot_be_done_is_said(chain: Callable[[], list[Any]], reason: str, tmp_path: Path) -> None:
    def build(x: Any) -> Any:
        x = on_sequence()(x)
        for layer in chain():
            x = layer(x, x) if isinstance(layer, layers.MultiHeadAttention) else layer(x)
        return x

    frames = keras.Input((160, 320, 3), dtype="uint8", batch_size=1)
    y = layers.Flatten()(build(layers.Rescaling(1 / 255)(frames)))
    assert reason in refusal(saved(keras.Model(frames, layers.Dense(1)(y)), tmp_path / "model.keras"))


def test_attention_between_two_tensors_is_refused(tmp_path: Path) -> None:
    def build(x: Any) -> Any:
        x = on_sequence()(x)
        return layers.MultiHeadAttention(2, 3)(x, layers.Dense(64)(x))

    assert "from one tensor to another" in refusal(saved(raw_model(build), tmp_path / "model.keras"))


def test_a_crop_at_random_places_is_refused(tmp_path: Path) -> None:
    """It crops the middle when driving, so that it must not be left out."""
    path = saved(raw_model(lambda x: layers.Conv2D(2, 9, 9)(layers.RandomCrop(60, 320)(x))), tmp_path / "model.keras")
    assert "RandomCrop" in refusal(path)
