"""Small model files for tests, and what loading them says."""

from __future__ import annotations

import contextlib
import functools
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from keras import layers

from models.convert import litert_bytes
from models.loading import ModelFileError, load_steering_model

FRAMES = np.random.default_rng(3).integers(0, 256, (2, 160, 320, 3), dtype=np.uint8)


def small(shape: tuple[int, ...], *before: Any, units: int = 1, activation: str = "tanh") -> keras.Model:
    """A convolution and a head on an input of `shape`, in training's random state."""
    keras.utils.set_random_seed(5)
    head = [layers.Conv2D(2, 5, strides=4, name="conv"), layers.Flatten(), layers.Dense(units, activation, name="out")]
    return keras.Sequential([keras.Input(shape), *before, *head])


def pilotnet(weight: float, bias: float, activation: str) -> keras.Model:
    """A network of 66 x 200 that answers `bias`, and `weight` times the mean of its pixels (-1..1) more."""
    x = keras.Input((66, 200, 3))
    head = layers.Dense(1, activation)
    model = keras.Model(x, head(layers.GlobalAveragePooling2D()(layers.Conv2D(1, 1, trainable=False)(x))))
    model.layers[1].set_weights([np.full((1, 1, 3, 1), 1 / 3, np.float32), np.zeros(1, np.float32)])
    head.set_weights([np.full((1, 1), weight, np.float32), np.full(1, bias, np.float32)])
    return model


def saved(model: keras.Model, path: Path) -> Path:
    model.save(path)
    return path


@functools.cache
def saved_bytes(suffix: str, build: Callable[..., keras.Model], *arguments: Any) -> bytes:
    """The file of the model that `build` makes of the arguments, made once for all tests."""
    with tempfile.TemporaryDirectory() as folder:
        return saved(build(*arguments), Path(folder) / f"model{suffix}").read_bytes()


def small_file(path: Path, shape: tuple[int, ...] = (128, 128, 3)) -> Path:
    """Write the file of `small(shape)`."""
    path.write_bytes(saved_bytes(path.suffix, small, shape))
    return path


@contextlib.contextmanager
def architecture_of(path: Path) -> Iterator[dict[str, Any]]:
    """The architecture of a .h5 file, which is written back as the `with` block leaves it."""
    with h5py.File(path, "a") as file:
        model = json.loads(file.attrs["model_config"])
        yield model
        file.attrs["model_config"] = json.dumps(model)


def layer_of(model: dict[str, Any], name: str) -> dict[str, Any]:
    """The layer of this name in an architecture."""
    return next(layer for layer in model["config"]["layers"] if layer["config"].get("name") == name)


def answer(model: keras.Model, x: Any = FRAMES) -> np.ndarray:
    return np.asarray(model(x, training=False))


def refusal(path: Path, preprocess: str | None = None) -> str:
    with pytest.raises(ModelFileError) as caught:
        load_steering_model(path, preprocess)
    message = str(caught.value)
    assert "\n" not in message
    return message


def raw_model(build: Callable[[Any], Any]) -> keras.Model:
    """A model of raw frames, uint8 -> one value; `build` gets them as floats 0..1. All its weights are random."""
    keras.utils.set_random_seed(5)
    frames = keras.Input((160, 320, 3), dtype="uint8")
    y = build(layers.Rescaling(1 / 255)(frames))
    y = layers.Flatten()(y) if len(y.shape) > 2 else y
    return scrambled(keras.Model(frames, layers.Dense(1)(y)))


def scrambled(model: keras.Model) -> keras.Model:
    """The model with gains, biases and statistics of chance, so that no two layers are alike."""
    rng = np.random.default_rng(1)
    model.set_weights([w + rng.uniform(0.1, 0.6, w.shape) if w.ndim == 1 else w for w in model.get_weights()])
    for layer in model._flatten_layers():
        if isinstance(layer, layers.Normalization):
            layer.finalize_state()
    return model


def assert_served(model: keras.Model, path: Path) -> keras.Model:
    """Save the model, load the file, and compare the answers with the model's; return the loaded model."""
    copy = load_steering_model(saved(model, path)).model
    frames = FRAMES // np.array([1, 4], np.uint8)[:, None, None, None]
    expected = answer(model, frames)
    assert np.ptp(expected) > 0, "an answer that does not depend on the frame shows nothing"
    np.testing.assert_allclose(answer(copy, frames), expected, rtol=1e-5, atol=1e-5)
    return copy


ALL = "all"
"""The layer that joins the branches of `side_by_side`."""


def side_by_side(branches: Mapping[str, Callable[[Any], Any]]) -> Callable[[Any], Any]:
    """What `raw_model` builds of several at once, because a model costs more than a branch."""

    def build(x: Any) -> Any:
        return layers.Concatenate(name=ALL)([layers.Flatten()(branch(x)) for branch in branches.values()])

    return build


def assert_all_served(branches: Mapping[str, Callable[[Any], Any]], path: Path) -> keras.Model:
    """As `assert_served`, with what each branch computes, so that a failure names its branch."""
    model = raw_model(side_by_side(branches))
    copy = load_steering_model(saved(model, path)).model
    frames = FRAMES // np.array([1, 4], np.uint8)[:, None, None, None]
    computed = (keras.Model(one.input, one.get_layer(ALL).input)(frames, training=False) for one in (model, copy))
    for name, expected, values in zip(branches, *computed, strict=True):
        assert np.ptp(expected, axis=0).max() > 0, f"{name} does not depend on the frame, which shows nothing"
        np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-5, err_msg=name)
    return copy


def assert_same_in_litert(branches: Mapping[str, Callable[[Any], Any]], path: Path) -> None:
    """Save the branches as one model, and compare what each computes as a LiteRT file with the loaded model's."""
    copy = assert_all_served(branches, path)
    joint = copy.get_layer(ALL)
    interpreter = Interpreter(model_content=litert_bytes(keras.Model(copy.input, joint.output)))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], FRAMES[:1])
    interpreter.invoke()
    values = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    start = 0
    for name, tensor in zip(branches, keras.Model(copy.input, joint.input)(FRAMES[:1], training=False), strict=True):
        expected = np.asarray(tensor)
        end = start + expected.shape[1]
        np.testing.assert_allclose(values[:, start:end], expected, rtol=1e-4, atol=1e-4, err_msg=name)
        start = end
    assert start == values.shape[1]
