"""Networks in the files of Keras 1 and 2 answer as numpy computes them, layer by layer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from models.loading import ModelFileError, load_steering_model
from tests.old_keras_files import write_model, write_weights

RNG = np.random.default_rng(7)
FRAMES = RNG.integers(0, 256, (2, 160, 320, 3), dtype=np.uint8)

KERNEL = RNG.normal(0, 0.2, (5, 5, 3, 4)).astype(np.float32)
BIAS = RNG.normal(0, 0.1, 4).astype(np.float32)
GAMMA, BETA, MEAN = (RNG.normal(0.5, 0.2, 4).astype(np.float32) for _ in range(3))
VARIANCE = RNG.uniform(0.5, 2, 4).astype(np.float32)
HEAD = RNG.normal(0, 0.02, (13 * 39 * 4, 1)).astype(np.float32)
HEAD_BIAS = np.array([0.25], np.float32)

CONVOLUTION, NORMALISATION, DENSE = [KERNEL, BIAS], [GAMMA, BETA, MEAN, VARIANCE], [HEAD, HEAD_BIAS]


def convolved(x: np.ndarray, kernel: np.ndarray, stride: int) -> np.ndarray:
    """'valid' cross-correlation: (n, h, w, c) with (k, k, c, f)."""
    windows = sliding_window_view(x, kernel.shape[:2], axis=(1, 2))[:, ::stride, ::stride]
    return np.einsum("nhwcij,ijcf->nhwf", windows, kernel, optimize=True)


def numpy_answer(x: np.ndarray) -> np.ndarray:
    """The network of both generations: convolution, ELU, batch norm, 3 x 3 max pooling in steps of 2 x 2, ..."""
    x = convolved(x.astype(np.float64), KERNEL, 2) + BIAS
    x = np.where(x > 0, x, np.expm1(np.minimum(x, 0)))
    x = (x - MEAN) / np.sqrt(VARIANCE + 1e-3) * GAMMA + BETA
    x = sliding_window_view(x, (7, 22), axis=(1, 2))[:, ::2, ::2].max(axis=(-1, -2))
    x = np.where(x > 0, x, 0.2 * x)
    return np.tanh(x.reshape(len(x), -1) @ HEAD + HEAD_BIAS)


KERAS_1: list[dict[str, Any]] = [
    {
        "class_name": "Convolution2D",
        "config": {
            "name": "convolution2d_1",
            "batch_input_shape": [None, 66, 200, 3],
            "input_dtype": "float32",
            "nb_filter": 4,
            "nb_row": 5,
            "nb_col": 5,
            "subsample": [2, 2],
            "border_mode": "valid",
            "dim_ordering": "tf",
            "activation": "elu",
            "bias": True,
            "init": "glorot_uniform",
            "W_regularizer": {"name": "L1L2Regularizer", "l1": 0.0, "l2": 0.001},
            "W_constraint": None,
            "trainable": True,
        },
    },
    {
        "class_name": "BatchNormalization",
        "config": {"name": "batchnormalization_1", "mode": 0, "axis": -1, "epsilon": 0.001, "momentum": 0.99},
    },
    {
        "class_name": "MaxPooling2D",
        "config": {
            "name": "maxpooling2d_1",
            "pool_size": [7.0, 22.0],
            "strides": [2, 2],
            "border_mode": "valid",
            "dim_ordering": "tf",
        },
    },
    {"class_name": "LeakyReLU", "config": {"name": "leakyrelu_1", "alpha": 0.2}},
    {"class_name": "SpatialDropout2D", "config": {"name": "sd", "p": 0.2, "dim_ordering": "tf"}},
    {"class_name": "GaussianNoise", "config": {"name": "noise", "sigma": 0.1}},
    {"class_name": "Flatten", "config": {"name": "flatten_1"}},
    {"class_name": "Dropout", "config": {"name": "dropout_1", "p": 0.5}},
    {
        "class_name": "Dense",
        "config": {"name": "dense_1", "output_dim": 1, "input_dim": 2028, "activation": "tanh", "bias": True},
    },
]

KERAS_2: list[dict[str, Any]] = [
    {
        "class_name": "Conv2D",
        "config": {
            "name": "conv2d_1",
            "batch_input_shape": [None, 66, 200, 3],
            "dtype": "float32",
            "filters": 4,
            "kernel_size": [5, 5],
            "strides": [2, 2],
            "padding": "valid",
            "data_format": "channels_last",
            "dilation_rate": [1, 1],
            "groups": 1,
            "activation": "linear",
            "use_bias": True,
            "kernel_initializer": {"class_name": "VarianceScaling", "config": {"scale": 1.0}},
        },
    },
    {"class_name": "ELU", "config": {"name": "elu_1", "alpha": 1.0}},
    {
        "class_name": "BatchNormalization",
        "config": {"name": "bn_1", "axis": [3], "epsilon": 0.001, "center": True, "scale": True},
    },
    {
        "class_name": "MaxPooling2D",
        "config": {"name": "max_pooling2d_1", "pool_size": [7, 22], "strides": [2, 2], "padding": "valid"},
    },
    {"class_name": "LeakyReLU", "config": {"name": "leaky_re_lu_1", "alpha": 0.2}},
    {"class_name": "Flatten", "config": {"name": "flatten_1", "data_format": "channels_last"}},
    {"class_name": "Dropout", "config": {"name": "dropout_1", "rate": 0.5, "seed": None}},
    {"class_name": "Dense", "config": {"name": "dense_1", "units": 1, "activation": "tanh", "use_bias": True}},
]

WEIGHTS_1 = {
    "convolution2d_1": dict(zip(["convolution2d_1_W:0", "convolution2d_1_b:0"], CONVOLUTION, strict=True)),
    "batchnormalization_1": dict(
        zip(["b_gamma:0", "b_beta:0", "b_running_mean:0", "b_std:0"], NORMALISATION, strict=True)
    ),
    "maxpooling2d_1": {},
    "dense_1": dict(zip(["dense_1_W:0", "dense_1_b:0"], DENSE, strict=True)),
}

WEIGHTS_2 = {
    "conv2d_1": dict(zip(["conv2d_1/kernel:0", "conv2d_1/bias:0"], CONVOLUTION, strict=True)),
    "bn_1": dict(
        zip([f"bn_1/{w}:0" for w in ("gamma", "beta", "moving_mean", "moving_variance")], NORMALISATION, strict=True)
    ),
    "flatten_1": {},
    "dense_1": dict(zip(["dense_1/kernel:0", "dense_1/bias:0"], DENSE, strict=True)),
}


def own_input_answer(path: Path, name: str = "pilotnet") -> tuple[np.ndarray, np.ndarray]:
    """The loaded model's answers to FRAMES, and numpy's to the same network input."""
    model = load_steering_model(path, name).model
    network_input = next(layer for layer in model.layers if layer.name == "preprocess_yuv").output
    x = np.asarray(keras.Model(model.input, network_input)(FRAMES))
    return np.asarray(model(FRAMES)), numpy_answer(x)


def test_a_keras_1_network_answers_as_numpy_computes_it(tmp_path: Path) -> None:
    answer, expected = own_input_answer(write_model(tmp_path / "model.h5", KERAS_1, WEIGHTS_1, "1.2.1"))
    assert np.ptp(expected) > 1e-3
    np.testing.assert_allclose(answer, expected, atol=1e-5)


def test_a_keras_2_network_answers_as_numpy_computes_it(tmp_path: Path) -> None:
    config = {"name": "sequential_1", "layers": KERAS_2}
    answer, expected = own_input_answer(write_model(tmp_path / "model.h5", config, WEIGHTS_2, "2.3.1"))
    np.testing.assert_allclose(answer, expected, atol=1e-5)


@pytest.mark.parametrize("half", ["model.json", "model.h5"])
def test_a_keras_1_pair_loads_from_either_half(half: str, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "model.h5", "w") as file:
        write_weights(file, WEIGHTS_1)
    text = json.dumps({"class_name": "Sequential", "keras_version": "1.1.0", "config": KERAS_1})
    (tmp_path / "model.json").write_text(json.dumps(text))  # json.dump(model.to_json()): a string in a string
    answer, expected = own_input_answer(tmp_path / half)
    np.testing.assert_allclose(answer, expected, atol=1e-5)


def test_weights_without_names_are_taken_in_order(tmp_path: Path) -> None:
    """The layout of the first releases: layer_0/param_0."""
    with h5py.File(tmp_path / "model.h5", "w") as file:
        layers = [*WEIGHTS_1.values()]
        file.attrs["nb_layers"] = len(layers)
        for number, arrays in enumerate(layers):
            group = file.create_group(f"layer_{number}")
            group.attrs["nb_params"] = len(arrays)
            for place, array in enumerate(arrays.values()):
                group.create_dataset(f"param_{place}", data=array)
    (tmp_path / "model.json").write_text(json.dumps({"class_name": "Sequential", "config": KERAS_1}))
    answer, expected = own_input_answer(tmp_path / "model.h5")
    np.testing.assert_allclose(answer, expected, atol=1e-5)


def test_weights_of_other_names_are_taken_in_order(tmp_path: Path) -> None:
    """A .json and a .h5 of two runs: Keras counts names on, conv2d_1 has become conv2d_7."""
    renamed = {f"{name}7": arrays for name, arrays in WEIGHTS_2.items()}
    config = {"name": "sequential_1", "layers": KERAS_2}
    answer, expected = own_input_answer(write_model(tmp_path / "model.h5", config, renamed, "2.3.1"))
    np.testing.assert_allclose(answer, expected, atol=1e-5)


def test_kernels_trained_with_theano_are_turned(tmp_path: Path) -> None:
    turned = {**WEIGHTS_2, "conv2d_1": {"kernel": KERNEL[::-1, ::-1], "bias": BIAS}}
    path = write_model(tmp_path / "model.h5", KERAS_2, turned, "2.0.6")
    with h5py.File(path, "a") as file:
        file.attrs["backend"] = b"theano"
    answer, expected = own_input_answer(path)
    np.testing.assert_allclose(answer, expected, atol=1e-5)


def test_a_depthwise_layer_of_keras_2_loads_despite_its_groups(tmp_path: Path) -> None:
    kernel = RNG.normal(size=(1, 3, 3, 2)).astype(np.float32)
    dense = RNG.normal(0, 0.01, (66 * 200 * 6, 1)).astype(np.float32)
    depthwise = {
        "name": "dw",
        "batch_input_shape": [None, 66, 200, 3],
        "kernel_size": [1, 3],
        "depth_multiplier": 2,
        "groups": 1,
        "padding": "same",
        "use_bias": False,
        "depthwise_initializer": {"class_name": "GlorotUniform", "config": {}},
    }
    layers = [
        {"class_name": "DepthwiseConv2D", "config": depthwise},
        {"class_name": "Flatten", "config": {"name": "flatten"}},
        {"class_name": "Dense", "config": {"name": "dense", "units": 1, "use_bias": False}},
    ]
    weights = {"dw": {"dw/depthwise_kernel:0": kernel}, "dense": {"dense/kernel:0": dense}}
    model = load_steering_model(write_model(tmp_path / "m.h5", {"layers": layers}, weights, "2.4.0"), "pilotnet").model
    yuv = next(layer for layer in model.layers if layer.name == "preprocess_yuv").output
    x = np.pad(np.asarray(keras.Model(model.input, yuv)(FRAMES)), ((0, 0), (0, 0), (1, 1), (0, 0)))
    filtered = np.einsum("nhwcj,jcm->nhwcm", sliding_window_view(x, 3, axis=2), kernel[0])
    np.testing.assert_allclose(np.asarray(model(FRAMES)), filtered.reshape(2, -1) @ dense, atol=1e-4)


def test_a_keras_1_graph_with_a_merge(tmp_path: Path) -> None:
    def node(*names: str) -> list[Any]:
        return [[[name, 0, 0] for name in names]]

    shape = {"batch_input_shape": [None, 66, 200, 3], "input_dtype": "float32"}
    dense = {"output_dim": 1, "activation": "linear", "bias": True}
    layers = [
        {"class_name": "InputLayer", "name": "in", "config": {"name": "in", **shape}, "inbound_nodes": []},
        {"class_name": "Flatten", "name": "f", "config": {"name": "f"}, "inbound_nodes": node("in")},
        {"class_name": "Dense", "name": "a", "config": {"name": "a", **dense}, "inbound_nodes": node("f")},
        {"class_name": "Dense", "name": "b", "config": {"name": "b", **dense}, "inbound_nodes": node("f")},
        {"class_name": "Merge", "name": "+1", "config": {"name": "+1", "mode": "mul"}, "inbound_nodes": node("a", "b")},
    ]
    config = {"name": "m", "layers": layers, "input_layers": [["in", 0, 0]], "output_layers": [["+1", 0, 0]]}
    zeros = np.zeros((39600, 1), np.float32)
    weights = {
        "a": {"a_W:0": zeros, "a_b:0": np.array([3.0], np.float32)},
        "b": {"b_W:0": zeros, "b_b:0": np.array([0.5], np.float32)},
    }
    path = write_model(tmp_path / "m.h5", config, weights, "1.2.0")
    with h5py.File(path, "a") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Model", "config": config})
    np.testing.assert_allclose(np.asarray(load_steering_model(path, "pilotnet").model(FRAMES)), 1.5)


def test_a_wrong_weight_names_its_layer(tmp_path: Path) -> None:
    weights = {**WEIGHTS_1, "dense_1": {"dense_1_W:0": HEAD[:-1], "dense_1_b:0": HEAD_BIAS}}
    with pytest.raises(ModelFileError, match=r"layer 'dense_1' needs weights of shapes \(2028, 1\)"):
        load_steering_model(write_model(tmp_path / "model.h5", KERAS_1, weights, "1.2.1"), "pilotnet")


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    weights = {name: arrays for name, arrays in WEIGHTS_1.items() if name != "batchnormalization_1"}
    with pytest.raises(ModelFileError, match="weights for 2 layers, the architecture has 3"):
        load_steering_model(write_model(tmp_path / "model.h5", KERAS_1, weights, "1.2.1"), "pilotnet")
