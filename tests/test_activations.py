"""Activations of Keras' own, as names, as functions and as layers, answer as in Keras; others are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from models.keras_files.layers.activations import ACTIVATIONS, old_hard_sigmoid
from models.loading import load_steering_model
from tests.model_files import answer, architecture_of, assert_all_served, assert_served, raw_model, refusal, saved_bytes


def network(*activations: Any) -> Callable[[Any], Any]:
    """A dense layer of five values around zero with each of the activations, on the frame's mean colours."""

    def build(x: Any) -> Any:
        x = layers.GlobalAveragePooling2D()(layers.Rescaling(8.0, -4.0)(layers.Conv2D(3, 9, strides=9)(x)))
        dense = [layers.Dense(5, activation=activation)(x) for activation in activations]
        return layers.Concatenate()(dense) if len(dense) > 1 else dense[0]

    return build


def test_every_function_of_keras_by_its_name(tmp_path: Path) -> None:
    names = sorted(ACTIVATIONS - {"old_hard_sigmoid"})
    assert_served(raw_model(network(*names)), tmp_path / "model.keras")


def test_no_function_of_keras_is_missing() -> None:
    """Besides those that need parameters or change the shape."""
    others = {"get", "serialize", "deserialize", "glu", "threshold"}
    assert {name for name in dir(keras.activations) if not name.startswith("_")} - others <= ACTIVATIONS


LAYERS_AND_FUNCTIONS = [
    layers.LeakyReLU(negative_slope=0.1),
    layers.ReLU(max_value=6.0, negative_slope=0.2, threshold=0.1),
    layers.ELU(alpha=0.7),
    layers.Softmax(),
    keras.activations.leaky_relu,
]


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_layers_and_functions_as_activations(suffix: str, tmp_path: Path) -> None:
    branches = {str(activation): network(activation) for activation in LAYERS_AND_FUNCTIONS}
    assert_all_served(branches, tmp_path / f"model{suffix}")


def linear() -> keras.Model:
    return raw_model(network("linear"))


def with_activation(path: Path, activation: Any, version: str = "3.15.0") -> Path:
    """A .h5 file with another activation in its architecture than the model that was saved."""
    path.write_bytes(saved_bytes(".h5", linear))
    with architecture_of(path) as model:
        layer = next(layer for layer in model["config"]["layers"] if layer["class_name"] == "Dense")
        layer["config"]["activation"] = activation
        model.pop("keras_version", None)
    with h5py.File(path, "a") as file:
        file.attrs["keras_version"] = version
    return path


@pytest.mark.parametrize(
    ("activation", "same"),
    [
        ({"class_name": "LeakyReLU", "config": {"alpha": 0.1}}, layers.LeakyReLU(0.1)),
        ({"class_name": "ReLU", "config": {"max_value": 6.0}}, "relu6"),
        ({"class_name": "ThresholdedReLU", "config": {"theta": 0.5}}, layers.ReLU(threshold=0.5)),
        ({"class_name": "function", "config": "relu6"}, "relu6"),
        ({"module": "builtins", "class_name": "function", "config": "silu", "registered_name": "function"}, "silu"),
        ({"module": "tensorflow", "class_name": "function", "config": "elu", "registered_name": "elu"}, "elu"),
        ("softmax_v2", "softmax"),
        ("swish", "silu"),
        ("hard_sigmoid", old_hard_sigmoid),
    ],
)
def test_activations_in_the_words_of_keras_2(activation: Any, same: Any, tmp_path: Path) -> None:
    model = load_steering_model(with_activation(tmp_path / "model.h5", activation, "2.9.0")).model
    np.testing.assert_allclose(answer(model), answer(raw_model(network(same))), atol=1e-6)


def test_hard_sigmoid_was_another_function() -> None:
    x = np.array([-3.0, -2.0, 0.0, 1.0, 3.0], np.float32)
    np.testing.assert_allclose(old_hard_sigmoid(x), [0, 0.1, 0.5, 0.7, 1], atol=1e-6)


@pytest.mark.parametrize(
    "activation",
    [
        "os.system",
        {"class_name": "function", "config": "os.system"},
        {"module": "__main__", "class_name": "function", "config": "relu", "registered_name": "relu"},
        {"module": "keras.layers", "class_name": "LeakyReLU", "config": {}, "registered_name": "evil>LeakyReLU"},
        {"module": "keras.layers", "class_name": "Lambda", "config": {"function": "x"}, "registered_name": None},
        {"module": "keras.layers", "class_name": "PReLU", "config": {}, "registered_name": None},
        {"module": "evil", "class_name": "ReLU", "config": {}, "registered_name": None},
        {"class_name": "ReLU", "config": "x"},
        {"class_name": "ReLU", "config": {"max_value": "x"}},
        {"class_name": "__lambda__", "config": {"value": "4wEAAAAAAAAA"}},
        {"class_name": ["ReLU"], "config": {}},
        ["relu"],
        5,
    ],
)
def test_an_activation_of_the_author_is_refused(activation: Any, tmp_path: Path) -> None:
    assert "dense" in refusal(with_activation(tmp_path / "model.h5", activation))


def test_activations_nested_without_end_are_refused(tmp_path: Path) -> None:
    activation: dict[str, Any] = {"class_name": "ReLU", "config": {}}
    for _ in range(50):
        activation = {"class_name": "ReLU", "config": {"activation": activation}}
    assert "deep" in refusal(with_activation(tmp_path / "model.h5", activation))
