"""Network files of others, .tflite and .onnx: their numbers, sizes, layouts and outputs are understood or refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from onnx import TensorProto, helper

from inference import engine as engine_module
from inference.engine import EngineError, open_engine
from inference.network_files import frame_input, network_file
from models.keras_files.model_file import open_model_file
from models.keras_files.weights import ModelFileError
from models.preprocessing.preparation import convert_preparation
from tests.conftest import road_frame
from tests.network_files import answer_of, litert, network, onnx_model, saved_onnx

pytestmark = pytest.mark.filterwarnings("ignore:Statistics for quantized inputs were expected")  # TensorFlow's own

NOISE = np.random.default_rng(1).integers(0, 256, (160, 320, 3), dtype=np.uint8)
FRAMES = np.stack([road_frame(0.3), NOISE, np.full_like(NOISE, 255), np.zeros_like(NOISE)])


@pytest.fixture(autouse=True)
def in_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials and preparations without processes of their own, which take seconds; other tests start them."""

    def preparation_file(text: str) -> Path:
        convert_preparation(text, tmp_path / "preparation.tflite")
        return tmp_path / "preparation.tflite"

    monkeypatch.setattr(frame_input, "preparation_file", preparation_file)
    monkeypatch.setattr(network_file, "try_once", lambda *_: None)


def cropped(frame: np.ndarray) -> np.ndarray:
    """As "rows=60:126, columns=100:300, scale=1/255"."""
    return frame[60:126, 100:300] / 255


CROP = "rows=60:126, columns=100:300, scale=1/255"


class TestLiteRt:
    @pytest.mark.parametrize(
        ("number", "low", "high"),
        [
            *((number, -1, 1) for number in (tf.uint8, tf.int8, tf.int16)),
            (tf.uint8, 0, 255),
            *(pytest.param(number, 0, 255, marks=pytest.mark.slow) for number in (tf.int8, tf.int16)),
            *(
                pytest.param(number, *bounds, marks=pytest.mark.slow)
                for number in (tf.uint8, tf.int8, tf.int16)
                for bounds in ((0, 1), (-0.5, 0.5))
            ),
        ],
    )
    def test_quantised_numbers_stand_for_real_ones(self, number: tf.DType, low: int, high: int, tmp_path: Path) -> None:
        pictures = [frame / 255 * (high - low) + low for frame in FRAMES]
        file = litert(tmp_path / "model.tflite", network((160, 320, 3)), number, pictures)
        references = [answer_of(picture) for picture in pictures]
        scaling = f"scale={high - low}/255, offset={low}"
        for preprocess in (scaling,) if number == tf.int16 else (scaling, None):
            engine = open_engine(file, preprocess=preprocess)
            np.testing.assert_allclose(engine.predict(FRAMES), references, atol=0.02 * np.ptp(references))
        assert number == tf.int16 or any(f"{number.name} numbers" in note for note in engine.notes)

    def test_a_range_that_no_usual_scaling_makes_is_asked_for(self, tmp_path: Path) -> None:
        file = litert(tmp_path / "m.tflite", network((160, 320, 3)), tf.uint8, [FRAMES[1] * 9.0, FRAMES[2] * 9.0])
        with pytest.raises(EngineError, match="takes values from 0 to 2295"):
            open_engine(file)
        assert open_engine(file, preprocess="scale=9").predict(FRAMES[1:2]) == pytest.approx(
            answer_of(FRAMES[1] * 9.0), abs=20
        )

    @pytest.mark.parametrize("preprocess", [CROP, f"{CROP}, colour=grey"])
    def test_floats_of_any_size_pass_the_preprocessing(self, preprocess: str, tmp_path: Path) -> None:
        grey = "grey" in preprocess
        file = litert(tmp_path / "model.tflite", network((66, 200, 1 if grey else 3)))
        pixels = [cropped(frame) for frame in FRAMES]
        if grey:
            pixels = [image @ np.array([[0.299], [0.587], [0.114]]) for image in pixels]
        answers = open_engine(file, preprocess=preprocess).predict(FRAMES)
        np.testing.assert_allclose(answers, [answer_of(image) for image in pixels], atol=1e-3)

    def test_a_size_that_nothing_is_known_of_is_asked_for(self, tmp_path: Path) -> None:
        file = litert(tmp_path / "model.tflite", network((110, 150, 3)))
        with pytest.raises(EngineError, match="110x150 pixels, as in --preprocess"):
            open_engine(file)
        with pytest.raises(EngineError, match=r"makes 66x200x3, .* takes 110x150x3"):
            open_engine(file, preprocess="size=66x200")

    def test_the_output_that_steers_is_asked_for_and_chosen(self, tmp_path: Path) -> None:
        file = litert(tmp_path / "model.tflite", network((160, 320, 3), ("a", "b")))
        with pytest.raises(EngineError, match=r"a \(float32, 1 x 1\).* add output=NAME or output=0"):
            open_engine(file)
        with pytest.raises(EngineError, match="output=brake is none of them"):
            open_engine(file, preprocess="output=brake")
        with pytest.raises(EngineError, match="output=2 is none of them"):
            open_engine(file, preprocess="output=2")
        first = answer_of(FRAMES[0])
        assert open_engine(file, preprocess="output=a").predict(FRAMES[:1]) == pytest.approx(first, rel=1e-4)
        doubled = open_engine(file, preprocess="scale=1/255, output=b, steer=-1").predict(FRAMES[:1])
        assert doubled == pytest.approx(-2 * first / 255, rel=1e-3)

    def test_the_likeliest_of_several_classes_steers(self, tmp_path: Path) -> None:
        image = keras.Input((160, 320, 3))
        head = keras.layers.Dense(5, use_bias=False, activation="softmax")
        model = keras.Model(image, head(keras.layers.GlobalAveragePooling2D()(image)))
        head.set_weights([np.eye(3, 5, dtype=np.float32)])  # the brightest channel's number is the class
        file = litert(tmp_path / "model.tflite", model)
        frames = np.zeros((3, 160, 320, 3), np.uint8)
        frames[[0, 1, 2], :, :, [0, 1, 2]] = 200
        np.testing.assert_allclose(open_engine(file, preprocess="bins").predict(frames), [-1, -0.5, 0], atol=1e-6)
        flipped = open_engine(file, preprocess="output=0, bins, steer=-1").predict(frames)
        np.testing.assert_allclose(flipped, [1, 0.5, 0], atol=1e-6)
        with pytest.raises(EngineError, match="or bins for classes"):
            open_engine(file)
        single = litert(tmp_path / "single.tflite", network((160, 320, 3)))
        with pytest.raises(EngineError, match="bins needs 2 to 100 classes"):
            open_engine(single, preprocess="bins")

    def test_bytes_of_whole_frames_are_left_alone(self, tmp_path: Path) -> None:
        convert_preparation("rows=0:1, columns=0:1, colour=grey", tmp_path / "model.tflite")
        assert open_engine(tmp_path / "model.tflite").predict(FRAMES[2:]) == pytest.approx([255, 0], abs=1)
        with pytest.raises(EngineError, match="omit --preprocess"):
            open_engine(tmp_path / "model.tflite", preprocess="frame")

    def test_it_has_no_layers(self, tmp_path: Path) -> None:
        (tmp_path / "m.tflite").write_bytes(bytes(4) + b"TFL3")
        with pytest.raises(ModelFileError, match="layer by layer"), open_model_file(tmp_path / "m.tflite"):
            pass


class TestOnnx:
    @pytest.mark.parametrize("shape", [(1, 3, 66, 200), (1, 66, 200, 3), ("batch", 3, "rows", "columns")])
    def test_channels_first_last_and_open_sizes(self, shape: tuple[int | str, ...], tmp_path: Path) -> None:
        engine = open_engine(saved_onnx(tmp_path / "model.onnx", onnx_model(shape)), preprocess=CROP)
        assert engine.name == "onnx"
        np.testing.assert_allclose(engine.predict(FRAMES), [answer_of(cropped(f)) for f in FRAMES], atol=1e-4)

    @pytest.mark.parametrize("shape", [(1, 3, 160, 320), (1, 160, 320, 3), (1, 3, "rows", "columns")])
    @pytest.mark.parametrize("number", [TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.UINT8])
    def test_whole_frames_in_every_number_format(
        self, shape: tuple[int | str, ...], number: int, tmp_path: Path
    ) -> None:
        engine = open_engine(saved_onnx(tmp_path / "model.onnx", onnx_model(shape, number)))
        np.testing.assert_allclose(engine.predict(FRAMES), [answer_of(frame) for frame in FRAMES], rtol=1e-4, atol=1e-3)

    def test_bytes_of_another_size_stay_bytes(self, tmp_path: Path) -> None:
        file = saved_onnx(tmp_path / "model.onnx", onnx_model((1, 66, 200, 3), TensorProto.UINT8))
        answers = open_engine(file, preprocess="rows=60:126, columns=100:300").predict(FRAMES)
        np.testing.assert_allclose(answers, [answer_of(frame[60:126, 100:300]) for frame in FRAMES], atol=1e-3)

    @pytest.mark.parametrize(
        ("shape", "number", "reason"),
        [
            ((8, 3, 66, 200), TensorProto.FLOAT, "one image at a time"),
            ((1, 4, 66, 200), TensorProto.FLOAT, "one or three channels"),
            ((1, 3, 66, 200), TensorProto.INT64, "images of float32"),
            ((1, 3, 66, 200), TensorProto.INT8, "without a scale"),
        ],
    )
    def test_other_inputs_are_refused(self, shape: tuple[int, ...], number: int, reason: str, tmp_path: Path) -> None:
        file = saved_onnx(tmp_path / "model.onnx", onnx_model(shape, number))
        with pytest.raises(EngineError, match=reason):
            open_engine(file)

    def test_a_second_image_is_refused_by_name(self, tmp_path: Path) -> None:
        left = helper.make_tensor_value_info("left", TensorProto.FLOAT, [1, 3, 160, 320])
        file = saved_onnx(tmp_path / "model.onnx", onnx_model(inputs=[left]))
        with pytest.raises(EngineError, match=r"takes 2 inputs, image \(float32.* and left \(float32, 1 x 3 x 160"):
            open_engine(file)

    def test_each_file_has_its_engine(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        file = saved_onnx(tmp_path / "model.onnx", onnx_model())
        with pytest.raises(EngineError, match="runs on --engine onnx only"):
            open_engine(file, "litert")
        with pytest.raises(EngineError, match=r"python -m models\.convert .*eff\.h5 eff\.onnx"):
            open_engine(Path(__file__).parent.parent / "models" / "eff.h5", "onnx")
        monkeypatch.setattr(engine_module, "_installed", lambda _: False)
        with pytest.raises(EngineError, match="needs the package onnxruntime: pip install it"):
            open_engine(file)

    def test_requests_that_overlap_get_their_own_answers(self, tmp_path: Path) -> None:
        engine = open_engine(saved_onnx(tmp_path / "model.onnx", onnx_model((1, 160, 320, 3))))
        references = [answer_of(frame) for frame in FRAMES]
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda i: engine.predict(FRAMES[i % 4 : i % 4 + 1])[0], range(40)))
        np.testing.assert_allclose(answers, np.tile(references, 10), rtol=1e-4, atol=1e-3)
