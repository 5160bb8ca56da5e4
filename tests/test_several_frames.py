"""A network of several frames gets the last ones of its car, the oldest first, whatever file it comes from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from keras import layers, ops

from inference.driver import Driver
from inference.engine import Engine, EngineError, open_engine
from inference.network_files import network_file
from inference.observations import Motion, Observations
from models.convert import convert
from models.loading import load_bare_network, load_steering_model
from protocol.messages import Telemetry
from tests.frame_policy import ConstantThrottle
from tests.model_files import refusal, saved
from tests.network_files import answer_of, litert, onnx_model, saved_onnx
from tests.old_keras_files import write_model

PIXELS = "rows=60:126, columns=0:200"
FRAMES = np.random.default_rng(4).integers(0, 256, (6, 160, 320, 3), dtype=np.uint8)


def small_convolutions() -> list[Any]:
    return [layers.Rescaling(1 / 255), layers.Conv2D(4, 5, strides=4, activation="relu"), layers.BatchNormalization()]


def one_by_one() -> keras.Model:
    steps = [
        layers.TimeDistributed(layer) for layer in (*small_convolutions(), layers.MaxPooling2D(), layers.Flatten())
    ]
    return keras.Sequential([keras.Input((3, 66, 200, 3)), *steps, layers.GRU(5), layers.Dense(1)])


def a_network_for_each_frame() -> keras.Model:
    network = keras.Sequential([keras.Input((66, 200, 3)), *small_convolutions(), layers.Flatten(), layers.Dense(6)])
    return keras.Sequential(
        [keras.Input((3, 66, 200, 3)), layers.TimeDistributed(network), layers.LSTM(5), layers.Dense(1)]
    )


def a_branching_network_for_each_frame() -> keras.Model:
    image = keras.Input((66, 200, 3))
    x = layers.Conv2D(4, 5, strides=4)(image)
    x = layers.Flatten()(layers.Add()([layers.Conv2D(4, 1, activation="tanh")(x), x]))
    network = keras.Model(image, layers.Dense(6)(x / 255.0))
    stack = keras.Input((3, 66, 200, 3))
    return keras.Model(stack, layers.Dense(1)(layers.LSTM(5)(layers.TimeDistributed(network)(stack))))


def convolutions_over_time() -> keras.Model:
    """Every layer that takes a stack as a whole; donkeycar's 3D networks have most of them."""
    stack = keras.Input((3, 66, 200, 3))
    x = layers.Rescaling(1 / 255)(layers.Cropping3D(((0, 0), (20, 6), (0, 2)))(stack))
    x = layers.Conv3D(4, 3, strides=(1, 3, 3), padding="same", activation="relu")(x)
    x = layers.MaxPooling3D((2, 2, 3), strides=(1, 2, 2))(layers.BatchNormalization()(x))
    x = layers.AveragePooling3D((2, 3, 2), strides=(2, 3, 2), padding="same")(x)
    x = layers.SpatialDropout3D(0.5)(layers.ZeroPadding3D((1, 1, 0))(x))
    x = layers.MaxPooling3D(2, padding="same")(x)
    x = layers.Conv3D(5, (2, 1, 3), use_bias=False, activation="tanh")(x)
    pooled = [layers.GlobalMaxPooling3D()(x), layers.GlobalAveragePooling3D()(x), layers.Flatten()(x)]
    return keras.Model(stack, layers.Dense(1)(layers.Concatenate()(pooled)))


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
@pytest.mark.parametrize(
    "build", [one_by_one, a_network_for_each_frame, a_branching_network_for_each_frame, convolutions_over_time]
)
def test_a_stack_answers_as_in_keras(build: Callable[[], keras.Model], suffix: str, tmp_path: Path) -> None:
    keras.utils.set_random_seed(7)
    model = build()
    copy = load_steering_model(saved(model, tmp_path / f"model{suffix}"), PIXELS).model
    assert copy.input_shape == (None, 3, 160, 320, 3)
    stacks = np.stack([FRAMES[:3], FRAMES[3:]])
    expected = model(stacks[:, :, 60:126, :200].astype(np.float32), training=False)
    np.testing.assert_allclose(np.asarray(copy(stacks, training=False)), np.asarray(expected), atol=1e-5)
    assert np.ptp(expected) > 1e-3


@pytest.mark.parametrize("backend", ["tensorflow", "theano"])
def test_a_convolution_over_time_of_keras_1(backend: str, tmp_path: Path) -> None:
    kernel = np.random.default_rng(2).normal(size=(2, 3, 5, 3, 1)).astype(np.float32)
    settings = {"nb_filter": 1, "kernel_dim1": 2, "kernel_dim2": 3, "kernel_dim3": 5, "subsample": [1, 4, 4]}
    chain = [
        {
            "class_name": "Convolution3D",
            "config": {"name": "c", "batch_input_shape": [None, 3, 66, 200, 3], "dim_ordering": "tf", **settings},
        },
        {"class_name": "GlobalAveragePooling3D", "config": {"name": "mean", "dim_ordering": "tf"}},
    ]
    path = write_model(tmp_path / "model.h5", chain, {"c": {"c_W": kernel, "c_b": np.float32([0.5])}}, "1.2.2")
    with h5py.File(path, "a") as file:
        file.attrs["backend"] = backend.encode()
    copy = load_steering_model(path, PIXELS).model
    stack = FRAMES[None, :3, 60:126, :200].astype(np.float32)
    turned = kernel[::-1, ::-1, ::-1] if backend == "theano" else kernel
    expected = np.asarray(ops.conv(stack, turned, strides=(1, 4, 4), padding="valid")).mean() + 0.5
    assert np.asarray(copy(FRAMES[None, :3], training=False)) == pytest.approx(expected, rel=1e-4)


def test_the_engine_gives_the_last_frames_oldest_first(tmp_path: Path) -> None:
    """The network answers with the mean brightness of its first frame, plus ten times that of its last."""
    stack = keras.Input((3, 160, 320, 3))
    means = layers.TimeDistributed(layers.GlobalAveragePooling2D())(stack)
    head = layers.Dense(1, use_bias=False)
    model = keras.Model(stack, head(layers.Flatten()(means)))
    head.set_weights([np.float32([1, 0, 0, 0, 0, 0, 10, 0, 0])[:, None]])
    engine = open_engine(saved(model, tmp_path / "model.h5"), "tensorflow", "frame")
    observations = Observations()
    answers = []
    for level in (1, 2, 2, 3, 4):  # the simulator has sent one view twice
        observations.add(np.full((160, 320, 3), level, np.uint8))
        answers.append(engine.answer(observations).steering)
    assert answers == pytest.approx([1 + 10, 1 + 20, 1 + 20, 1 + 30, 2 + 40])
    assert engine.predict(FRAMES[:1])[0] == pytest.approx(11 * FRAMES[0, ..., 0].mean(), rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["out.tflite", "out.onnx"])
@pytest.mark.parametrize("build", [a_network_for_each_frame, convolutions_over_time])
def test_a_converted_file_answers_the_same(build: Callable[[], keras.Model], name: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    keras.utils.set_random_seed(7)
    path = saved(build(), tmp_path / "model.h5")
    converted = convert(path, tmp_path / name, PIXELS)
    assert converted.difference < 1e-4
    engines = [open_engine(path, preprocess=PIXELS), open_engine(tmp_path / name)]
    observations = Observations()
    for frame in FRAMES:
        observations.add(frame, Motion(10.0))
        first, second = (engine.answer(observations).steering for engine in engines)
        assert first == pytest.approx(second, abs=1e-4)


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_files_of_others_may_stack_frames(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is that of `answer_of` to the mean of the frames."""
    monkeypatch.setattr(network_file, "try_once", lambda *_: None)
    if kind == "onnx":
        pytest.importorskip("onnxruntime")
        onnx = onnx_model((1, 3, 4, 160, 320))
        onnx.graph.node[1].attribute[0].ints[:] = [1, 3, 4]
        onnx.graph.initializer[0].CopyFrom(onnx_model((1, 3, 160, 320)).graph.initializer[0])
        onnx.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 3
        file = saved_onnx(tmp_path / "model.onnx", onnx)
    else:
        stack = keras.Input((3, 160, 320, 3))
        mean = layers.GlobalAveragePooling3D()(stack)
        head = layers.Dense(1, use_bias=False)
        model = keras.Model(stack, head(mean))
        head.set_weights([np.float32([[0.5], [-0.25], [0.125]])])
        file = litert(tmp_path / "model.tflite", model)
    engine = open_engine(file, preprocess="scale=1/255")
    assert engine.stack == 3
    observations = Observations()
    for frame in FRAMES[:4]:
        observations.add(frame)
        steering = engine.answer(observations).steering
    assert steering == pytest.approx(np.mean([answer_of(frame / 255) for frame in FRAMES[1:4]]), rel=1e-4)


def test_stacks_without_a_length_or_too_long_are_refused(tmp_path: Path) -> None:
    for length, reason in ((None, "any number of images at a time"), (33, "33 images at a time")):
        stack = keras.Input((length, 66, 200, 3))
        x = layers.TimeDistributed(layers.GlobalAveragePooling2D())(stack)
        path = saved(keras.Model(stack, layers.Dense(1)(layers.LSTM(2)(x))), tmp_path / "model.h5")
        assert reason in refusal(path, PIXELS)


def test_single_frames_do_not_find_a_stacks_pixels(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="more than one frame"):
        load_bare_network(saved(one_by_one(), tmp_path / "model.h5"))


def test_a_stack_of_images_that_are_no_images_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr(network_file, "try_once", lambda *_: None)
    onnx = onnx_model((1, 3, 160, 320))
    onnx.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 2
    with pytest.raises(EngineError, match="one image at a time"):
        open_engine(saved_onnx(tmp_path / "model.onnx", onnx))


@pytest.mark.slow
def test_a_file_with_operators_of_the_whole_tensorflow_is_refused_with_a_way_out(tmp_path: Path) -> None:
    stack = keras.Input((3, 160, 320, 3))
    mean = layers.GlobalAveragePooling3D()(layers.MaxPooling3D((1, 2, 2))(stack))
    file = litert(tmp_path / "model.tflite", keras.Model(stack, layers.Dense(1)(mean)), flex=True)
    with pytest.raises(EngineError, match=r"needs FlexMaxPool3D, .* give the \.h5 or \.keras file"):
        open_engine(file, preprocess="frame")


def test_a_driver_that_begins_anew_forgets_the_frames_before() -> None:
    seen = []

    def run(frames: np.ndarray) -> np.ndarray:
        seen.append(frames[0, :, 0, 0, 0].tolist())
        return np.zeros((1, 1), np.float32)

    driver = Driver(Engine("test", "CPU", (), run, stack=2), lambda: ConstantThrottle(0.3))
    for level in (10, 20, 30):
        if level == 30:
            driver.reset()
        driver.drive(Telemetry(np.full((160, 320, 3), level, np.uint8), b"", 0.0, 0.0, 5.0))
    assert seen == [[10, 10], [10, 20], [30, 30]]
