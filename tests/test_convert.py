"""A converted model answers as the model does, lies wholly in XNNPACK, and is written whole or not at all."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from keras import layers

from inference.engine import open_engine
from models.card import read_card
from models.convert import AGREEMENT, ConversionError, convert, litert_bytes, litert_bytes_of, main
from models.converted import origin_path
from models.inference_graph import inference_function
from models.loading import load_steering_model
from models.preprocessing.named import named
from models.steering import BUILDERS
from tests.conftest import road_frame

EFF = Path(__file__).parent.parent / "models" / "eff.h5"
FRAMES = np.stack([road_frame(-0.4), np.random.default_rng(2).integers(0, 256, (160, 320, 3), dtype=np.uint8)])


@pytest.fixture(autouse=True)
def seeded() -> None:
    """The same untrained weights on each run: some draws answer both frames nearly alike, and show nothing."""
    keras.utils.set_random_seed(3)


def randomised(model: keras.Model) -> keras.Model:
    """As a trained model, with batch norms and biases that do something."""
    rng = np.random.default_rng(9)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    return model


def answers(interpreter: Any) -> np.ndarray:
    interpreter.allocate_tensors()
    (frame,), (answer,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert (tuple(frame["shape"]), frame["dtype"]) == ((1, 160, 320, 3), np.uint8)
    assert (tuple(answer["shape"]), answer["dtype"]) == ((1, 1), np.float32)
    steering = []
    for picture in FRAMES:
        interpreter.set_tensor(frame["index"], picture[None])
        interpreter.invoke()
        steering.append(interpreter.get_tensor(answer["index"])[0])
    return np.stack(steering)


def on_frames(network: Any) -> keras.Model:
    """A model of the whole frame that ends in one value."""
    frames = keras.Input((160, 320, 3), dtype="uint8")
    return keras.Model(frames, layers.Dense(1)(layers.Flatten()(network(named("origin")(frames)))))


def branching(x: Any) -> Any:
    a = layers.Conv2D(4, 3, strides=4, padding="same")(x)
    b = layers.Dropout(0.5)(layers.Conv2D(4, 1, strides=4, activation="relu")(x))
    return layers.Concatenate()([layers.Add()([a, b]), a])


def rewritten(width: int, step: int, use_bias: bool, padding: str) -> Any:
    """What the converter has a faster form for, in other sizes than ours."""

    def network(x: Any) -> Any:
        x = layers.DepthwiseConv2D((1, width), padding="same", use_bias=use_bias, bias_initializer="ones")(x)
        x = layers.LeakyReLU(negative_slope=0.1)(x)
        x = layers.MaxPooling2D((2, 1), strides=(2, step), padding=padding)(x)
        return layers.MaxPooling2D(2)(layers.ReLU()(x))

    return network


@pytest.mark.parametrize(
    "name",
    [
        "eff-small",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("baseline", "eff", "eff-1x2", "pilotnet")),
    ],
)
def test_our_networks_answer_the_same_and_run_in_one_piece(name: str) -> None:
    model = randomised(BUILDERS[name]())
    interpreter = Interpreter(model_content=litert_bytes(model), num_threads=1)
    expected = np.asarray(model(FRAMES, training=False))
    assert np.ptp(expected) > 1e-4
    np.testing.assert_allclose(answers(interpreter), expected, atol=1e-5)
    names = [operation["op_name"] for operation in interpreter._get_ops_details()]
    assert names.count("DELEGATE") == 1, "XNNPACK no longer takes the graph in one piece"
    assert names[0] == "CAST", "the crop of plain bytes runs outside XNNPACK"


@pytest.mark.slow
@pytest.mark.parametrize(("weights", "share"), [("float16", 0.54), ("int8", 0.31)])
def test_smaller_weights_answer_nearly_the_same_in_a_smaller_file(weights: str, share: float, tmp_path: Path) -> None:
    small = tmp_path / f"eff-{weights}.tflite"
    assert main([str(EFF), str(small), "--weights", weights]) == 0
    card = read_card(EFF)
    assert small.stat().st_size < share * 4 * card.parameters, "of weights of 32 bits"
    facts = json.loads(origin_path(small).read_text())
    assert facts["weights"] == weights
    assert 1e-6 < facts["difference"] <= AGREEMENT[weights]
    golden = card.golden
    assert open_engine(small).predict(golden.frame()[None])[0] == pytest.approx(golden.steering, abs=AGREEMENT[weights])


@pytest.mark.parametrize(
    "network",
    [
        branching,
        rewritten(3, 2, False, "same"),
        rewritten(5, 3, True, "same"),
        rewritten(3, 3, True, "valid"),
        lambda x: layers.MaxPooling2D(3)(layers.LeakyReLU(negative_slope=0.3)(layers.Conv2D(4, 3)(x))),
    ],
)
def test_every_rewriting_is_exact(network: Any) -> None:
    model = on_frames(network)
    content = litert_bytes(model)
    np.testing.assert_allclose(
        answers(Interpreter(model_content=content)), np.asarray(model(FRAMES, training=False)), atol=1e-4
    )


def test_an_activation_that_falls_is_not_moved_behind_the_pooling() -> None:
    model = on_frames(lambda x: layers.MaxPooling2D(2)(layers.LeakyReLU(negative_slope=0.2)(x)))
    falling = next(layer for layer in model.layers if isinstance(layer, layers.LeakyReLU))
    falling.negative_slope = -0.5
    expected = np.asarray(model(FRAMES[:1], training=False))
    np.testing.assert_allclose(np.asarray(inference_function(model)(FRAMES[:1])), expected, atol=1e-5)


def test_files_are_written_with_their_notes(tmp_path: Path) -> None:
    network = keras.Sequential([keras.Input((66, 200, 3)), layers.Flatten(), layers.Dense(1)])
    network.save(tmp_path / "model.h5")
    (tmp_path / "model.json").write_text("the card of the model")
    notes = convert(tmp_path / "model.h5", tmp_path / "model.tflite").notes
    facts = json.loads(origin_path(tmp_path / "model.tflite").read_text())
    assert facts["notes"] == list(notes)
    assert "course" in notes[0]
    assert (tmp_path / "model.json").read_text() == "the card of the model"
    names = {"model.h5", "model.json", "model.tflite", "model.tflite.json"}
    assert {path.name for path in tmp_path.iterdir()} == names


@pytest.mark.parametrize("name", ["out.tflite", pytest.param("out.onnx", marks=pytest.mark.slow)])
def test_the_command_says_what_it_wrote(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = keras.Sequential([keras.Input((66, 200, 3)), layers.Conv2D(4, 5, strides=4), layers.Flatten()])
    network.add(layers.Dense(1))
    network.save(tmp_path / "model.keras")
    assert main([str(tmp_path / "model.keras"), str(tmp_path / name)]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert re.fullmatch(
        rf"wrote .*{name}: 0\.\d\d MB; its answers differ by at most \d\.\de-0\d; "
        r"an answer takes \d+\.\d\d ms, and \d+\.\d\d ms in TensorFlow",
        last,
    )
    model = load_steering_model(tmp_path / "model.keras").model
    answers = open_engine(tmp_path / name).predict(FRAMES)
    np.testing.assert_allclose(answers, np.asarray(model(FRAMES, training=False)).ravel(), atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["eff", "baseline"])
def test_a_shipped_model_as_an_onnx_file_answers_its_golden_frame(name: str, tmp_path: Path) -> None:
    model = EFF.with_name(f"{name}.h5")
    assert main([str(model), str(tmp_path / "model.onnx")]) == 0
    golden = read_card(model).golden
    engine = open_engine(tmp_path / "model.onnx")
    assert engine.predict(golden.frame()[None])[0] == pytest.approx(golden.steering, abs=1e-4)


@pytest.mark.parametrize("arguments", [["out.pb"], ["out"], ["out.onnx", "--weights", "int8"]])
def test_a_file_of_another_kind_is_not_written(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(EFF), str(tmp_path / arguments[0]), *arguments[1:]]) == 2
    assert "must end in .tflite, or in .onnx for weights in float32" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_package_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("models.convert.importlib.util.find_spec", lambda _: None)
    assert main([str(EFF), str(tmp_path / "out.onnx")]) == 2
    assert "pip install tf2onnx onnxruntime" in capsys.readouterr().err


def test_the_command_refuses_in_one_line_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "model.h5").write_bytes(b"not a model")
    assert main([str(tmp_path / "model.h5"), str(tmp_path / "out.tflite")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["model.h5"]


def test_verbose_adds_the_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "no.h5"), str(tmp_path / "out.tflite"), "--verbose"]) == 2
    output = capsys.readouterr().err
    assert output.startswith("Traceback")
    assert "no.h5" in output.splitlines()[-1]


def test_the_command_names_a_folder_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = keras.Sequential([keras.Input((128, 128, 3)), layers.Flatten(), layers.Dense(1)])
    network.save(tmp_path / "model.keras")
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path / "model.keras"), str(tmp_path / "nowhere" / "out.tflite")])
    assert "nowhere" in capsys.readouterr().err


@pytest.mark.slow
def test_what_litert_cannot_compute_is_named() -> None:
    with pytest.raises(ConversionError, match="no operator for BitwiseAnd: run it with --engine tensorflow"):
        litert_bytes_of(lambda frame: tf.bitwise.bitwise_and(tf.cast(frame, tf.int32), 7))


def test_a_model_whose_answers_differ_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    network = keras.Sequential([keras.Input((128, 128, 3)), layers.Flatten(), layers.Dense(1)])
    network.save(tmp_path / "model.keras")
    other = litert_bytes(on_frames(branching))
    monkeypatch.setattr("models.convert.litert_bytes", lambda *_: other)
    assert main([str(tmp_path / "model.keras"), str(tmp_path / "out.tflite")]) == 2
    assert "differ by" in capsys.readouterr().err
    assert not (tmp_path / "out.tflite").exists()
