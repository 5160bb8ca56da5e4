"""Arithmetic in a functional model is data: it becomes layers that answer as Keras and TensorFlow compute."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from models.keras_files.layers.calculations import Calculation
from models.loading import load_steering_model
from tests.model_files import (
    FRAMES,
    answer,
    architecture_of,
    assert_all_served,
    assert_same_in_litert,
    assert_served,
    raw_model,
    refusal,
    saved,
)
from tests.old_keras_files import write_model

CHANNELS = np.array([0.2, 0.5, 0.9], np.float32)

EXPRESSIONS: dict[str, Callable[[Any], Any]] = {
    "normalised": lambda x: x * 255 / 127.5 - 1.0,
    "from the left": lambda x: 1 - 2.0 * (0.5 + x),
    "whole constants": lambda x: 3 * x + 1 - 2,
    "by channel": lambda x: (x - CHANNELS) / CHANNELS + ops.multiply(CHANNELS, x),
    "minus": lambda x: -x,
    "reciprocal": lambda x: 2 / (x + 1),
    "powers": lambda x: x**2 + x**3 + ops.square(x) + ops.sqrt(x + 1) + (x + 1) ** -2,
    "bounds": lambda x: ops.maximum(0.3, ops.minimum(x, 0.7)) + ops.clip(x, 0.2, 0.8) + abs(x - 0.5),
    "two tensors": lambda x: (x + x * x - ops.exp(x)) / (x + 1.0) * ops.maximum(x, x * x),
    "crop": lambda x: x[:, 60:135],
    "crop of both": lambda x: x[:, 10:-20, 5:300, :],
    "channels reversed": lambda x: x[..., ::-1] * CHANNELS,
    "one channel": lambda x: x[..., 0:1] - x[:, :, :, 2:],
    "a channel without its axis": lambda x: ops.expand_dims(x[..., 1], -1) + ops.expand_dims(x[:, :, :, -1], 3),
    "every second pixel": lambda x: x[:, ::2, ::2],
    "resized": lambda x: ops.image.resize(x, (66, 200)),
    "means": lambda x: x - ops.mean(x, axis=(1, 2), keepdims=True) + ops.max(x, axis=-1, keepdims=True),
    "sums": lambda x: ops.sum(x, axis=[-1], keepdims=True) / 3 + ops.min(x, axis=3, keepdims=True),
    "no cast": lambda x: ops.cast(x, "float32") + ops.stop_gradient(x),
    "shapes": lambda x: ops.reshape(ops.transpose(x, (0, 2, 1, 3)), (-1, 320, 160, 3)),
    "joined": lambda x: ops.concatenate([x, x * x], axis=-1),
    "functions": lambda x: ops.relu(x - 0.5) + ops.sigmoid(x) + ops.tanh(x) + ops.gelu(x) + ops.leaky_relu(x - 1, 0.3),
    "hard swish": lambda x: x * ops.relu6(x + 3.0) * (1.0 / 6.0),
}


def followed(expression: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The expression before a small network."""
    return lambda x: layers.Flatten()(layers.AveragePooling2D(15)(layers.Conv2D(2, 5)(expression(x))))


FOLLOWED = {name: followed(expression) for name, expression in EXPRESSIONS.items()}


def test_expressions_answer_as_in_keras(tmp_path: Path) -> None:
    assert_all_served(FOLLOWED, tmp_path / "model.keras")


def test_a_file_without_modules_is_read_too(tmp_path: Path) -> None:
    """A .h5 file of Keras 3 does not tell its operation Add from its layer Add."""
    assert_served(raw_model(followed(lambda x: layers.Add()([x, x + 1.0]) - CHANNELS)), tmp_path / "model.h5")


def test_scaling_and_cropping_become_built_in_layers(tmp_path: Path) -> None:
    model = assert_served(raw_model(followed(lambda x: 1 - x[:, 60:135] / 2)), tmp_path / "model.keras")
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds[2:5] == ["Cropping2D", "Rescaling", "Rescaling"]


def test_bytes_divided_by_a_number_are_floats(tmp_path: Path) -> None:
    frames = keras.Input((160, 320, 3), dtype="uint8")
    x = layers.GlobalAveragePooling2D()(frames / 127.5 - 1.0)
    assert_served(keras.Model(frames, layers.Dense(1)(x)), tmp_path / "model.keras")


@pytest.mark.slow
def test_expressions_become_a_litert_file(tmp_path: Path) -> None:
    assert_same_in_litert(FOLLOWED, tmp_path / "model.keras")


def keras_2_file(path: Path, steps: list[tuple[str, Any, dict[str, Any]]], head: tuple[int, int] = (3, 1)) -> Path:
    """A .h5 file as tf.keras 2 writes it: float frames, `steps`, the mean over rows and columns, a dense layer.

    steps: function, first input (None: the step before), further arguments.
    """

    def layer(kind: str, config: dict[str, Any], nodes: list[Any]) -> dict[str, Any]:
        return {"class_name": kind, "name": config["name"], "config": config, "inbound_nodes": nodes}

    shape = {"name": "frames", "batch_input_shape": [None, 160, 320, 3], "dtype": "float32"}
    described = [layer("InputLayer", shape, [])]
    for number, (function, source, arguments) in enumerate(steps):
        kind = "SlicingOpLambda" if function.endswith("getitem") else "TFOpLambda"
        config = {"name": f"step{number}", "trainable": True, "dtype": "float32", "function": function}
        first = [described[-1]["name"], 0, 0] if source is None else source
        described.append(layer(kind, config, [[*first, arguments]]))
    pool = layer("GlobalAveragePooling2D", {"name": "pool"}, [[[described[-1]["name"], 0, 0, {}]]])
    dense = layer("Dense", {"name": "dense", "units": 1, "use_bias": False}, [[["pool", 0, 0, {}]]])
    ends = {"input_layers": [["frames", 0, 0]], "output_layers": [["dense", 0, 0]]}
    config = {"name": "m", "layers": [*described, pool, dense], **ends}
    weights = {"dense": {"dense/kernel:0": np.arange(1, 1 + np.prod(head), dtype=np.float32).reshape(head)}}
    return write_model(path, config, weights, "2.15.0", "Functional")


EVERYTHING = {"start": None, "stop": None, "step": None}


class TestFilesOfKeras2:
    @pytest.mark.parametrize(
        ("steps", "expected"),
        [
            (
                [("math.truediv", None, {"y": 127.5, "name": None}), ("math.subtract", None, {"y": 1.0, "name": None})],
                lambda x: x / 127.5 - 1,
            ),
            ([("math.subtract", ["_CONSTANT_VALUE", -1, 255.0], {"y": ["frames", 0, 0]})], lambda x: 255 - x),
            (
                [
                    (
                        "__operators__.getitem",
                        None,
                        {"slice_spec": [EVERYTHING, {"start": 60, "stop": 135, "step": None}]},
                    )
                ],
                lambda x: x[:, 60:135],
            ),
            (
                [
                    (
                        "__operators__.getitem",
                        None,
                        {"slice_spec": [{"class_name": "__ellipsis__"}, {"start": None, "stop": None, "step": -1}]},
                    )
                ],
                lambda x: x[..., ::-1],
            ),
            (
                [
                    ("cast", None, {"dtype": "float32"}),
                    ("math.multiply", None, {"y": [0.5, 1.0, 2.0], "name": None}),
                    ("__operators__.add", None, {"y": ["frames", 0, 0], "name": None}),
                    ("math.pow", None, {"y": 2, "name": None}),
                ],
                lambda x: (x * np.array([0.5, 1, 2]) + x) ** 2,
            ),
            (
                [
                    ("clip_by_value", None, {"clip_value_min": 50, "clip_value_max": 200}),
                    ("math.reduce_max", None, {"axis": -1, "keepdims": True}),
                    ("concat", None, {"axis": -1}),
                ],
                None,
            ),
            ([("math.maximum", None, {"y": 100.0}), ("math.negative", None, {})], lambda x: -np.maximum(x, 100)),
        ],
    )
    def test_answer_as_numpy_computes(self, steps: list[Any], expected: Any, tmp_path: Path) -> None:
        if expected is None:
            steps, expected = steps[:-1], lambda x: x.clip(50, 200).max(axis=-1, keepdims=True)
            kernel = np.ones((1, 1))
        else:
            kernel = np.arange(1.0, 4).reshape(3, 1)
        path = keras_2_file(tmp_path / "model.h5", steps, kernel.shape)
        x = expected(FRAMES.astype(np.float64)).mean(axis=(1, 2)) @ kernel
        np.testing.assert_allclose(answer(load_steering_model(path, "frame").model), x, rtol=1e-4, atol=1e-5)

    def test_resize_as_tensorflow_does(self, tmp_path: Path) -> None:
        steps = [("image.resize", None, {"size": [66, 200]})]
        path = keras_2_file(tmp_path / "model.h5", steps)
        x = np.asarray(ops.image.resize(FRAMES.astype(np.float32), (66, 200))).mean(axis=(1, 2))
        model = load_steering_model(path, "frame").model
        np.testing.assert_allclose(answer(model), x @ np.arange(1.0, 4)[:, None], rtol=1e-5)


class TestArithmeticMadeToDoHarm:
    @pytest.mark.parametrize(
        ("step", "reason"),
        [
            (("io.read_file", None, {"filename": "/etc/passwd"}), "not among the known operations"),
            (("py_function", None, {"func": "os.system"}), "not among the known operations"),
            (("math.truediv", None, {"y": 0.0}), "divides by zero"),
            (("math.truediv", None, {"y": "2"}), "neither a number"),
            (("math.multiply", None, {"y": float("nan")}), "not a number from"),
            (("math.multiply", None, {"y": [1.0, 2.0]}), "2 numbers, its input 3 channels"),
            (("math.add", None, {"y": [[[[[[1.0]]]]]]}), "neither a layer's output nor a constant"),
            (("math.add", None, {"y": {"class_name": "os.system", "config": {}}}), "neither a layer's output"),
            (("math.add", ["_CONSTANT_VALUE", -1, 1.0], {"y": 1.0}), "none of its operands"),
            (("math.pow", None, {"y": 1e9}), "exponent"),
            (("math.pow", None, {"y": 0.1}), "not a whole number"),
            (("cast", None, {"dtype": "uint8"}), "rounds to 'uint8'"),
            (("image.resize", None, {"size": [10**6, 10**6]}), "height"),
            (("image.resize", None, {"size": [66, 200], "antialias": True}), "antialias"),
            (("math.reduce_mean", None, {"axis": [0, 1]}), "combines frames"),
            (("math.reduce_mean", None, {"axis": None}), "axes"),
            (("reshape", None, {"shape": [1, 153600]}), "does not begin with -1"),
            (("transpose", None, {"perm": [1, 0, 2, 3]}), "frames' axis"),
            (("__operators__.getitem", None, {"slice_spec": [0]}), "some of the frames"),
            (("__operators__.getitem", None, {"slice_spec": [EVERYTHING, 999]}), "outside its input"),
            (
                ("__operators__.getitem", None, {"slice_spec": [EVERYTHING, {"start": 9, "stop": 3, "step": None}]}),
                "nothing is left",
            ),
            (
                ("__operators__.getitem", None, {"slice_spec": [EVERYTHING, {"start": 0, "stop": 9, "step": 0}]}),
                "step of 0",
            ),
            (("__operators__.getitem", None, {"slice_spec": [EVERYTHING] * 6}), "bounds"),
            (("__operators__.getitem", None, {"slice_spec": ["x"]}), "not plain numbers"),
        ],
    )
    def test_is_refused_and_named(self, step: Any, reason: str, tmp_path: Path) -> None:
        message = refusal(keras_2_file(tmp_path / "model.h5", [step]), "frame")
        assert reason in message

    def test_whole_numbers_on_bytes_would_wrap_around(self, tmp_path: Path) -> None:
        frames = keras.Input((160, 320, 3), dtype="uint8")
        x = layers.GlobalAveragePooling2D()(layers.Rescaling(1.0)(frames - 128))
        model = keras.Model(frames, layers.Dense(1)(x))
        assert "whole numbers" in refusal(saved(model, tmp_path / "model.keras"))

    def test_a_class_of_the_loader_itself_is_checked_too(self, tmp_path: Path) -> None:
        """The names that the loader gives calculations select only its own functions, even if a file uses them."""
        for kind, config in (("Calculation", {"function": "eval"}), ("Elementwise", {}), ("Slice", {"bounds": "x"})):
            path = saved(raw_model(followed(lambda x: x)), tmp_path / "model.h5")
            with architecture_of(path) as model:
                layer = next(layer for layer in model["config"]["layers"] if layer["class_name"] == "AveragePooling2D")
                layer["class_name"], layer["config"] = kind, {"name": layer["name"], **config}
            assert "layer 'average_pooling2d" in refusal(path)

    def test_no_calculation_keeps_the_code_of_a_file(self, tmp_path: Path) -> None:
        model = assert_served(raw_model(followed(EXPRESSIONS["channels reversed"])), tmp_path / "model.keras")
        (layer,) = (layer for layer in model.layers if isinstance(layer, Calculation))
        assert layer._function.__module__ == "models.keras_files.layers.calculations"
