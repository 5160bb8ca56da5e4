"""Which pixels a .tflite or .onnx file wants is found like those of a Keras file, after the same checks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import tensorflow as tf
from onnx import TensorProto, helper, numpy_helper

from inference.engine import EngineError, open_engine
from inference.pixel_network import PixelNetworkFile
from models.adapter.pixel_card import pixels_of
from models.identify.__main__ import main
from models.identify.candidates import SCALES
from models.identify.evidence import Evidence, correlation, read_evidence
from models.identify.search import Search, Try
from tests.network_files import WEIGHTS, answer_of, litert, onnx_model, saved_onnx
from tests.steered_by_red import balancing_network, steered_recording

pytestmark = pytest.mark.filterwarnings("ignore:Statistics for quantized inputs:UserWarning")  # TensorFlow's own

STRETCHES = 15


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return steered_recording(tmp_path_factory.mktemp("recording"))


@pytest.fixture(scope="module")
def evidence(recording: Path) -> Evidence:
    return read_evidence([recording], STRETCHES)


def best_for(file: Path, evidence: Evidence) -> tuple[Search, Try]:
    search = Search(PixelNetworkFile(file, "onnx" if file.suffix == ".onnx" else "litert"), evidence, lambda: None)
    return search, search.run()


def balancing_onnx(path: Path) -> Path:
    """Channels first; the second of two outputs is the mirrored balance of the last channel, which is red in BGR."""
    throttle, steering = np.zeros((6, 1), np.float32), np.array([[0], [0], [0], [0], [-2], [2]], np.float32)
    nodes = [
        helper.make_node("AveragePool", ["image"], ["halves"], kernel_shape=[66, 100], strides=[66, 100]),
        helper.make_node("Flatten", ["halves"], ["six"]),
        helper.make_node("MatMul", ["six", "none"], ["throttle"]),
        helper.make_node("MatMul", ["six", "red"], ["steering"]),
    ]
    weights = [numpy_helper.from_array(throttle, "none"), numpy_helper.from_array(steering, "red")]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1]) for name in ("throttle", "steering")]
    return saved_onnx(path, onnx_model(nodes=nodes, initializers=weights, outputs=outputs))


def steering_of_drive(file: Path, text: str | None, evidence: Evidence) -> np.ndarray:
    """What the server answers to the evidence's frames with a text, or with the card beside the file."""
    return open_engine(file, preprocess=text).predict(evidence.frames).astype(np.float64)


@pytest.mark.slow
def test_an_onnx_file_with_channels_first_and_two_outputs(evidence: Evidence, tmp_path: Path) -> None:
    file = balancing_onnx(tmp_path / "two.onnx")
    search, best = best_for(file, evidence)
    assert best.candidate.colour == "bgr"
    assert best.text(search.outputs).endswith("scale=1/255, steer=-1, output=1")
    assert correlation(steering_of_drive(file, best.text(search.outputs), evidence), evidence.human) > 0.99


@pytest.mark.slow
@pytest.mark.parametrize("number", [None, tf.int8, tf.uint8])
def test_a_tflite_file_of_each_number_format(number, evidence: Evidence, tmp_path: Path) -> None:
    """A quantised file says the range of its pixels, so no other scaling is tried."""
    pictures = [frame[60:126, :200] / 255 for frame in evidence.frames]
    file = litert(tmp_path / "model.tflite", balancing_network(2), number, pictures)
    search, best = best_for(file, evidence)
    assert (best.candidate.colour, best.candidate.scale, best.factor) == ("bgr", "scale=1/255", "")
    assert {one.candidate.scale for one in search.tries} == ({"scale=1/255"} if number else set(SCALES))
    assert correlation(steering_of_drive(file, best.text(search.outputs), evidence), evidence.human) > 0.98


@pytest.mark.slow
def test_the_command_writes_a_card_that_the_server_obeys(recording: Path, evidence: Evidence, tmp_path: Path) -> None:
    file = balancing_onnx(tmp_path / "two.onnx")
    assert main([str(file), str(recording), "--write"]) == 0
    assert "output=1" in (pixels_of(file) or "")
    assert correlation(steering_of_drive(file, None, evidence), evidence.human) > 0.99


@pytest.mark.parametrize("shape", [(1, 3, 20, 30), (1, 20, 30, 3), (1, 20, 30, 1), (1, 3, "rows", "columns")])
def test_images_reach_the_network_in_its_layout(shape: tuple[int | str, ...], tmp_path: Path) -> None:
    file = PixelNetworkFile(saved_onnx(tmp_path / "model.onnx", onnx_model(shape)), "onnx")
    assert file.shape == ((160, 320, 3) if "rows" in shape else (20, 30, 1 if shape[-1] == 1 else 3))
    pixels = np.random.default_rng(1).random((3, *file.shape), np.float32)
    expected = [[answer_of(image)] for image in pixels]
    np.testing.assert_allclose(file.answers(pixels), expected, rtol=1e-4)
    assert file.scales == SCALES


def test_bytes_smaller_than_a_frame_are_not_scaled(tmp_path: Path) -> None:
    model = onnx_model((1, 66, 200, 3), TensorProto.UINT8)
    file = PixelNetworkFile(saved_onnx(tmp_path / "model.onnx", model), "onnx")
    assert file.scales == ("",)
    image = np.full((1, 66, 200, 3), 100.4, np.float32)
    assert file.answers(image)[0, 0] == pytest.approx(100 * WEIGHTS.sum())


def test_an_output_that_cannot_steer_is_passed_over(tmp_path: Path) -> None:
    """Its numbers keep their places, so `output=1` means the same here and in a drive."""
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("ArgMax", ["mean"], ["class"], axis=1),
        helper.make_node("MatMul", ["mean", "weights"], ["steering"]),
    ]
    outputs = [
        helper.make_tensor_value_info("class", TensorProto.INT64, [1, 1]),
        helper.make_tensor_value_info("steering", TensorProto.FLOAT, [1, 1]),
    ]
    file = saved_onnx(tmp_path / "model.onnx", onnx_model(nodes=nodes, outputs=outputs))
    answers = PixelNetworkFile(file, "onnx").answers(np.ones((2, 66, 200, 3), np.float32))
    np.testing.assert_allclose(answers, [[np.nan, WEIGHTS.sum()]] * 2, rtol=1e-6)
    useless = onnx_model(nodes=nodes[:2], outputs=outputs[:1])
    with pytest.raises(EngineError, match=r"class .*none of its numbers can steer"):
        PixelNetworkFile(saved_onnx(tmp_path / "useless.onnx", useless), "onnx")


def test_a_file_of_whole_frames_leaves_nothing_to_find(tmp_path: Path) -> None:
    model = onnx_model((1, 160, 320, 3), TensorProto.UINT8)
    with pytest.raises(EngineError, match="there is nothing to find"):
        PixelNetworkFile(saved_onnx(tmp_path / "model.onnx", model), "onnx")


def test_a_hostile_file_is_refused_before_it_is_opened(recording: Path, tmp_path: Path, capsys) -> None:
    model: onnx.ModelProto = onnx_model()
    model.graph.node[1].domain = "com.example"
    assert main([str(saved_onnx(tmp_path / "model.onnx", model)), str(recording)]) == 2
    assert "only those of the ONNX standard are run" in capsys.readouterr().err
    damaged = tmp_path / "model.tflite"
    damaged.write_bytes(b"\x1c\x00\x00\x00TFL3" + bytes(100))
    assert main([str(damaged), str(recording)]) == 2
    assert "model.tflite" in capsys.readouterr().err.splitlines()[-1]
