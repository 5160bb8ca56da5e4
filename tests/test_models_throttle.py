"""A model that answers with a throttle drives with it, if asked to."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from inference.driver import Driver
from inference.engine import Engine, open_engine
from inference.network_files import network_file
from inference.policy import Answer
from inference.speed_control import SpeedTarget, TargetSpeedControl
from models.adapter.text import ModelSource
from models.convert import litert_bytes
from models.loading import load_steering_model
from protocol.messages import Control, Telemetry
from server.config.options import parse_options
from server.model.loading import load_driving, speed_target
from tests.conftest import road_frame
from tests.model_files import saved
from tests.network_files import answer_of, litert, network

FRAME = road_frame()


def driver(target: SpeedTarget, *answer: float) -> Driver:
    engine = Engine(
        "test", "CPU", (), lambda frames: np.float32([answer]), answers=("steering", "throttle")[: len(answer)]
    )
    return Driver(engine, lambda: TargetSpeedControl(target))


def telemetry(speed_mph: float = 10.0) -> Telemetry:
    return Telemetry(FRAME, b"", 0.0, 0.0, speed_mph)


def test_it_drives_only_if_asked() -> None:
    target = SpeedTarget(10.0)
    car = driver(target, 0.25, 0.5)
    assert car.drive(telemetry()) == Control(0.25, 0.0), "the target speed is reached"
    target.models_throttle = True
    assert car.drive(telemetry()) == Control(0.25, 0.5)
    target.hold(10.0)
    assert car.drive(telemetry()) == Control(0.25, 0.0), "a speed from the page takes over"


def test_it_brakes_but_does_not_reverse() -> None:
    car = driver(SpeedTarget(10.0, models_throttle=True), 0.0, -0.75)
    assert car.drive(telemetry(10.0)).throttle == -0.75
    assert car.drive(telemetry(0.2)).throttle == 0.0


def test_a_throttle_beyond_its_range_is_limited_and_one_that_is_no_number_is_a_fault() -> None:
    assert driver(SpeedTarget(10.0, models_throttle=True), 0.0, 7.0).drive(telemetry()).throttle == 1.0
    with pytest.raises(ValueError, match="throttle must be a finite number"):
        driver(SpeedTarget(10.0, models_throttle=True), 0.0, np.nan).drive(telemetry())


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Two numbers in the output `controls`, and one in `gas`: the mean red, twice as much, three times as much."""
    frames = keras.Input((160, 320, 3))
    mean = layers.GlobalAveragePooling2D()(layers.Rescaling(1 / 255)(frames))
    controls, gas = layers.Dense(2, use_bias=False, name="controls"), layers.Dense(1, use_bias=False, name="gas")
    network = keras.Model(frames, [controls(mean), gas(mean)])
    controls.set_weights([np.float32([[1, 2], [0, 0], [0, 0]])])
    gas.set_weights([np.float32([[3], [0], [0]])])
    return saved(network, tmp_path / "model.keras")


@pytest.mark.parametrize(("text", "factor"), [("output=0, throttle=1", 2), ("output=0, throttle=gas", 3)])
def test_it_is_named_or_numbered(model: Path, text: str, factor: float) -> None:
    engine = open_engine(model, "tensorflow", text)
    red = float(FRAME[..., 0].mean() / 255)
    assert engine.throttles
    assert engine.run(FRAME[None])[0] == pytest.approx([red, factor * red], rel=1e-3)


def test_it_is_found_by_its_name_in_a_litert_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_file, "try_once", lambda *_: None)
    file = litert(tmp_path / "model.tflite", network((160, 320, 3), ("steering", "throttle")))
    engine = open_engine(file, preprocess="scale=1/255")
    steering = answer_of(FRAME / 255)
    assert engine.run(FRAME[None])[0] == pytest.approx([steering, 2 * steering], rel=1e-3)
    assert "the output throttle is the throttle, which drives with --throttle model" in engine.notes


@pytest.fixture
def classes(tmp_path: Path) -> keras.Model:
    """Three classes of steering and four of throttle, as donkeycar has them: the brightest channel is the class."""
    frames = keras.Input((160, 320, 3))
    mean = layers.GlobalAveragePooling2D()(frames)
    angle, gas = (layers.Dense(n, use_bias=False, name=name) for n, name in ((3, "angle_out"), (4, "throttle_out")))
    network = keras.Model(frames, {"angle_out": angle(mean), "throttle_out": gas(mean)})
    for head in (angle, gas):
        head.set_weights([np.eye(3, head.units, dtype=np.float32)])
    return network


@pytest.mark.parametrize(
    ("suffix", "engine_name"),
    [(".keras", "tensorflow"), pytest.param(".keras", "litert", marks=pytest.mark.slow), (".tflite", "litert")],
)
def test_it_may_be_of_classes_like_the_steering(
    classes: keras.Model, suffix: str, engine_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network_file, "try_once", lambda *_: None)
    file = (litert if suffix == ".tflite" else lambda path, model: saved(model, path))(tmp_path / f"m{suffix}", classes)
    with pytest.raises(ValueError, match=r"one (of their numbers|number) is the steering: add"):
        open_engine(file, engine_name, "frame")
    blue = np.full((1, 160, 320, 3), (10, 20, 30), np.uint8)
    for text, throttle in (("", 0.5), (", throttle=*0.5", 0.25), (", throttle=throttle_out*1/4", 0.125)):
        assert open_engine(file, engine_name, f"frame, bins{text}").run(blue)[0] == pytest.approx([1.0, throttle])


@pytest.mark.parametrize("suffix", [".keras", ".tflite"])
def test_donkeycar_s_linear_networks_need_no_names(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network_file, "try_once", lambda *_: None)
    model = network((160, 320, 3), ("n_outputs0", "n_outputs1"))
    file = litert(tmp_path / "m.tflite", model) if suffix == ".tflite" else saved(model, tmp_path / "m.keras")
    engine = open_engine(file, "auto" if suffix == ".tflite" else "tensorflow", "scale=1/255")
    steering = answer_of(FRAME / 255)
    assert engine.run(FRAME[None])[0] == pytest.approx([steering, 2 * steering], rel=1e-3)
    assert "the output n_outputs0 steers" in engine.notes


def test_a_throttle_of_several_numbers_is_no_throttle(model: Path) -> None:
    with pytest.raises(ValueError, match="one number is the throttle"):
        open_engine(model, "tensorflow", "output=gas, throttle=controls")


def test_a_converted_file_has_both(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_file, "try_once", lambda *_: None)
    file = tmp_path / "model.tflite"
    file.write_bytes(litert_bytes(load_steering_model(model, "output=0, throttle=gas").model))
    red = float(FRAME[..., 0].mean() / 255)
    assert open_engine(file).run(FRAME[None])[0] == pytest.approx([red, 3 * red], rel=1e-3)


def test_a_model_without_one_is_refused(model: Path) -> None:
    options = parse_options([str(model), "--throttle", "model", "--engine", "tensorflow"])
    assert speed_target(options) == SpeedTarget(15.0, models_throttle=True)
    with pytest.raises(ValueError, match=r"model\.keras answers with steering alone.*throttle=NAME"):
        load_driving(ModelSource(model, "output=0"), options)
    assert load_driving(ModelSource(model, "output=0, throttle=1"), options).engine.throttles


def test_a_constant_one_is_a_number() -> None:
    assert speed_target(parse_options(["models/eff.h5", "--throttle", "0.4"])) == SpeedTarget(15.0, 0.4)
    assert speed_target(parse_options(["models/eff.h5"])) == SpeedTarget(15.0)
    assert Answer(0.5).throttle is None
