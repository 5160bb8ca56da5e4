"""Inputs besides the image get the car's speed, steering or throttle, by their names or as the user writes."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from onnx import TensorProto, helper

from inference.driver import Driver
from inference.engine import Engine, open_engine
from inference.network_files import network_file
from inference.observations import Motion, Observations
from models.adapter.measurements import Column, columns_of
from models.adapter.text import read_adapter
from models.preprocessing.written import PreprocessingError
from protocol.messages import Telemetry
from tests.conftest import road_frame
from tests.frame_policy import ConstantThrottle
from tests.model_files import refusal, saved
from tests.network_files import answer_of, onnx_model, saved_onnx

MOTION = Motion(speed_mph=12.0, steering=-0.5, throttle=0.25)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("speed", (Column(0),)),
        ("speed/30", (Column(0, 1 / 30),)),
        ("speed*0.1", (Column(0, 0.1),)),
        ("speed*1/30", (Column(0, 1 / 30),)),
        ("steering : throttle : speed/30", (Column(1), Column(2), Column(0, 1 / 30))),
    ],
)
def test_what_an_input_gets_is_written(text: str, columns: tuple[Column, ...]) -> None:
    assert read_adapter(f"rows=60:140, input=tele:{text}").inputs == {"tele": columns}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("input=speed", "input=NAME:speed/30"),
        ("input=x:brake", "'brake' is no measurement; they are speed, steering, throttle"),
        ("input=x:speed/0", "divides by 0"),
        ("input=x:speed/fast", "not a number"),
        ("input=x:" + ":".join(["speed"] * 17), "at most 16"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, reason: str) -> None:
    with pytest.raises(PreprocessingError, match=reason):
        read_adapter(text)


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("speed", (Column(0),)),
        ("Velocity_in", (Column(0),)),
        ("steering_angle", (Column(1),)),
        ("throttle", (Column(2),)),
    ],
)
def test_a_name_says_what_the_input_gets(name: str, columns: tuple[Column, ...]) -> None:
    assert columns_of(name, 1, {}) == columns


@pytest.mark.parametrize(("name", "size"), [("input_2", 1), ("speed_throttle", 2), ("speed", 2)])
def test_a_name_that_says_too_little_is_asked_about(name: str, size: int) -> None:
    with pytest.raises(PreprocessingError, match=rf'add "input={name}:speed'):
        columns_of(name, size, {})


@pytest.fixture
def model() -> keras.Model:
    """Answers with 1 x speed / 30 + 10 x steering + 100 x throttle + 1000 x speed; the image counts nothing."""
    image, speed = keras.Input((66, 200, 3), name="image"), keras.Input((1,), name="speed_in")
    telemetry = keras.Input((3,), name="telemetry")
    mean = layers.GlobalAveragePooling2D()(image)
    head = layers.Dense(1, use_bias=False)
    network = keras.Model([speed, image, telemetry], head(layers.Concatenate()([mean, telemetry, speed])))
    head.set_weights([np.float32([0, 0, 0, 10, 100, 1, 1000])[:, None]])
    return network


TEXT = "rows=60:126, columns=0:200, input=telemetry:steering:throttle:speed/30"
EXPECTED = 12 / 30 - 0.5 * 10 + 0.25 * 100 + 12000


@pytest.mark.parametrize("engine", ["tensorflow", pytest.param("litert", marks=pytest.mark.slow)])
def test_a_keras_model_gets_them(model: keras.Model, engine: str, tmp_path: Path) -> None:
    opened = open_engine(saved(model, tmp_path / "model.keras"), engine, TEXT)
    assert {"input speed_in: speed", "input telemetry: steering, throttle, speed * 0.0333333"} <= set(opened.notes)
    observations = Observations()
    observations.add(road_frame(), MOTION)
    assert opened.answer(observations).steering == pytest.approx(EXPECTED, rel=1e-5)
    assert opened.predict(road_frame()[np.newaxis])[0] == 0.0, "a car that stands"


def test_what_is_not_said_is_asked_for(model: keras.Model, tmp_path: Path) -> None:
    path = saved(model, tmp_path / "model.keras")
    assert "'telemetry' takes 3 numbers besides the image (nothing in its name" in refusal(path, "size=66x200")
    assert 'add "input=telemetry:speed:steering:throttle"' in refusal(path, "size=66x200")


def test_an_onnx_file_gets_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr(network_file, "try_once", lambda *_: None)
    speed = helper.make_tensor_value_info("speed", TensorProto.FLOAT, [1, 1])
    onnx = onnx_model((1, 160, 320, 3), inputs=[speed])
    onnx.graph.node[2].output[0] = "by_image"
    onnx.graph.node.append(helper.make_node("Add", ["by_image", "speed"], ["steering"]))
    engine = open_engine(saved_onnx(tmp_path / "model.onnx", onnx), preprocess="scale=1/255, input=speed:speed/30")
    assert "input speed: speed * 0.0333333" in engine.notes
    observations = Observations()
    observations.add(road_frame(), MOTION)
    assert engine.answer(observations).steering == pytest.approx(answer_of(road_frame() / 255) + 0.4, rel=1e-4)


def test_the_driver_takes_them_from_the_telemetry() -> None:
    seen = []

    def run(frames: np.ndarray, measurements: np.ndarray) -> np.ndarray:
        seen.append(measurements.tolist())
        return np.zeros((1, 1), np.float32)

    driver = Driver(Engine("test", "CPU", (), run, measures=True), lambda: ConstantThrottle(0.3))
    driver.drive(Telemetry(road_frame(), b"", steering_angle_deg=-12.5, throttle=0.25, speed_mph=12.0))
    assert seen == [[[12.0, -0.5, 0.25]]]
