"""What a network looks at is shown where it lies in the frame, by a process that the server survives."""

import io
import os
import shutil
import signal
import threading
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from PIL import Image

from inference.conversion import UnconvertibleModelError, saliency_file
from inference.engine import Engine
from inference.saliency_network import COLOUR, SaliencyNetwork
from models.layer_grid import FRAME_GRID, Axis
from models.saliency import main, saliency_function
from models.steering import BUILDERS
from protocol.messages import Control, Telemetry
from server.core.observer import AnsweredFrame
from server.model.slot import LoadedModel
from server.web import saliency_service as explainer_module
from server.web.saliency_process import Watchdog
from server.web.saliency_service import SaliencyError, SaliencyPending, SaliencyService
from tests.conftest import jpeg_of, road_frame

EFF = Path(__file__).parent.parent / "models" / "eff.h5"


def ones(kind, *arguments, **settings):
    """A layer whose filters all add up what they see: it finds whatever is bright, wherever it is."""
    return kind(*arguments, activation="relu", use_bias=False, **ONES[kind], **settings)


ONES = {layers.Conv2D: {"kernel_initializer": "ones"}, layers.DepthwiseConv2D: {"depthwise_initializer": "ones"}}


def strided(x):
    for _ in range(3):
        x = ones(layers.Conv2D, 2, 3, 2, padding="same")(x)
    return x


def pilotnet_like(x):
    x = layers.Resizing(66, 200)(layers.Cropping2D(((60, 25), (0, 0)))(x))
    for size, step in ((5, 2), (5, 2), (5, 2), (3, 1), (3, 1)):
        x = ones(layers.Conv2D, 2, size, step)(x)
    return x


def effnet_like(x):
    x = layers.Resizing(128, 128)(layers.Cropping2D(((80, 20), (0, 0)))(x))
    for _ in range(3):
        x = layers.MaxPooling2D((2, 1), (2, 1))(ones(layers.DepthwiseConv2D, (1, 3), padding="same")(x))
        x = ones(layers.Conv2D, 2, (2, 1), (1, 2), padding="same")(
            ones(layers.DepthwiseConv2D, (3, 1), padding="same")(x)
        )
    return x


def branching(x):
    x = ones(layers.Conv2D, 2, 4, 2)(layers.ZeroPadding2D(((3, 5), (2, 6)))(x))
    return layers.AveragePooling2D(2)(layers.Add()([x, ones(layers.Conv2D, 2, 3, padding="same", dilation_rate=2)(x)]))


def squeezing(x):
    """A network whose channels are weighed by their means over the whole picture, as MobileNetV3 does."""
    x = ones(layers.Conv2D, 2, 3, 2, padding="same")(x)
    means = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = layers.Multiply()([layers.Conv2D(2, 1, kernel_initializer="ones")(means), x])
    x = ones(layers.Conv2D, 2, 3, 2, padding="same")(x)
    return layers.Conv2D(3, 1)(layers.GlobalMaxPooling2D(keepdims=True)(x))


@pytest.mark.parametrize("body", [strided, pilotnet_like, effnet_like, branching, squeezing])
def test_a_bright_spot_is_marked_where_it_is(body):
    frames = keras.Input((160, 320, 3), dtype="uint8")
    saliency_of = saliency_function(keras.Model(frames, layers.Flatten()(body(layers.Rescaling(1 / 255)(frames)))))
    for row, column in ((100, 160), (120, 41), (96, 270)):
        frame = np.zeros((1, 160, 320, 3), np.uint8)
        frame[0, row - 3 : row + 4, column - 3 : column + 4] = 255
        saliency = saliency_of(tf.constant(frame)).numpy()
        assert saliency.shape == (160, 320)
        total = saliency.sum()
        centre = (saliency.sum(1) @ np.arange(160) / total, saliency.sum(0) @ np.arange(320) / total)
        np.testing.assert_allclose(centre, (row, column), atol=2.0)
        above_and_below = saliency[np.abs(np.arange(160) - row) > 25].sum()
        beside = saliency[:, np.abs(np.arange(320) - column) > 25].sum()
        assert above_and_below + beside < 1e-3 * total


def test_resampling_interpolates_and_ends_where_the_cells_do():
    crop = Axis(3, 10.0, 2.0)  # cells at pixels 10, 12 and 14
    onto = Axis(8, 8.0, 1.0)
    np.testing.assert_allclose(crop.resampling(onto) @ [0.0, 4.0, 2.0], [0, 0, 0, 2, 4, 3, 2, 2])
    np.testing.assert_allclose(crop.resampling(onto, outside=True) @ [1.0, 1.0, 1.0], [0, 1, 1, 1, 1, 1, 1, 1])
    one = Axis(1, 5.0, 4.0).resampling(FRAME_GRID.rows, outside=True)
    assert np.flatnonzero(one[:, 0]).tolist() == [3, 4, 5, 6, 7]


QUICK = ("baseline", "eff", "pilotnet")
"""One network of each kind; the others are eff in other sizes."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in sorted(BUILDERS)]
)
def test_every_network_of_ours_can_be_looked_into(name):
    saliency = saliency_function(BUILDERS[name]())(tf.constant(road_frame(0.5)[None])).numpy()
    assert 0 < saliency.max() <= 1
    assert saliency[:60].max() == 0, "above the crop it sees nothing"


def test_what_cannot_be_looked_into_says_why(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("os.nice", lambda _: 0, raising=False)  # the command runs in this process here
    frames = keras.Input((160, 320, 3), dtype="uint8")
    flat = layers.Dense(1)(layers.Flatten()(layers.Cropping2D(((159, 0), (319, 0)))(layers.Rescaling(1.0)(frames))))
    with pytest.raises(ValueError, match="no convolution"):
        saliency_function(keras.Model(frames, flat))
    moved = layers.Reshape((80, 640, 2))(layers.Conv2D(2, 3, padding="same")(layers.Rescaling(1.0)(frames)))
    with pytest.raises(ValueError, match="Reshape"):
        saliency_function(keras.Model(frames, layers.Flatten()(moved)))
    (tmp_path / "eff.tflite").write_bytes(b"\x00\x00\x00\x00TFL3")
    with pytest.raises(UnconvertibleModelError, match=r"eff\.tflite shows only its answer.*\.h5"):
        saliency_file(tmp_path / "eff.tflite")
    (tmp_path / "bad.h5").write_bytes(b"no model")
    assert main([str(tmp_path / "bad.h5"), str(tmp_path / "out.tflite")]) == 2
    assert "bad.h5" in capsys.readouterr().err
    assert {file.name for file in tmp_path.iterdir()} == {"bad.h5", "eff.tflite"}


def test_the_watchdog_waits_for_silence_only(monkeypatch):
    ended = []
    monkeypatch.setattr(os, "_exit", ended.append)
    dog = Watchdog(0.05)
    for _ in range(6000):
        if ended:
            break
        dog._question_arrived.wait(0.01)
    assert ended == [0]


def answered(shift=0.0):
    frame = road_frame(shift)
    return AnsweredFrame(1, Telemetry(frame, jpeg_of(frame), 0.0, 0.2, 12.0), Control(0.0, 0.3), 1.0, 1.5)


def loaded(path, **facts):
    return LoadedModel(path, Engine("test", "CPU", (), lambda frames: np.zeros(len(frames), np.float32)), facts)


@pytest.fixture
def saliency_service():
    service = SaliencyService()
    yield service
    service.close()


def picture_of(saliency_service, answer, model):
    """Ask until it is prepared."""
    limit = threading.Event()
    for _ in range(3000):
        try:
            return saliency_service.picture(answer, model)
        except SaliencyPending:
            limit.wait(0.05)
    raise AssertionError("it is never prepared")


@pytest.mark.slow
def test_pictures_come_from_a_process_that_may_die(saliency_service):
    model, answer = loaded(EFF), answered()
    picture = picture_of(saliency_service, answer, model)
    painted = np.asarray(Image.open(io.BytesIO(picture))).astype(int)
    changed = np.abs(painted - answer.telemetry.frame).max(axis=2)
    assert painted.shape == (160, 320, 3)
    assert changed[:72].mean() < 3, "nothing is marked above the crop"
    strongest = np.unravel_index(changed.argmax(), changed.shape)
    np.testing.assert_allclose(painted[strongest], COLOUR, atol=70)
    process = saliency_service._process
    assert saliency_service.picture(answer, model) is picture, "the same frame is painted once"
    process.kill()
    process.wait()
    assert saliency_service.picture(answered(0.4), model) != picture
    assert saliency_service._process.pid != process.pid
    if os.name != "nt":
        saliency_service._process.send_signal(signal.SIGSTOP)
    saliency_service.close()  # also while it does not answer
    with pytest.raises(SaliencyError):
        saliency_service.picture(answered(0.1), model)


def test_a_model_that_cannot_be_shown_is_refused_once_and_for_all(saliency_service, tmp_path, monkeypatch):
    calls = []

    def refuses(path, preprocess):
        calls.append((path, preprocess))
        raise UnconvertibleModelError("no convolution")

    monkeypatch.setattr(explainer_module, "saliency_file", refuses)
    model = replace(loaded(EFF), preprocess="pilotnet")
    for _ in range(2):
        with pytest.raises(SaliencyError, match="no convolution"):
            picture_of(saliency_service, answered(), model)
    assert calls == [(EFF, "pilotnet")]
    changed = tmp_path / "model.h5"
    shutil.copy(EFF, changed)
    with pytest.raises(SaliencyError, match=r"model\.h5 has changed since it was loaded"):
        picture_of(saliency_service, answered(), loaded(changed, model_sha256="0" * 64))


def test_what_is_no_saliency_file_is_named(tmp_path):
    (tmp_path / "other.tflite").write_bytes(b"garbage")
    with pytest.raises(ValueError, match=r"other\.tflite is no LiteRT file"):
        SaliencyNetwork(tmp_path / "other.tflite")


def test_a_crash_in_preparing_is_told_to_whoever_asks(saliency_service, monkeypatch, caplog):
    def crashes(path, preprocess):
        raise RuntimeError("a bug")

    monkeypatch.setattr(explainer_module, "saliency_file", crashes)
    model = saliency_service._model = loaded(EFF)
    saliency_service._prepare(model)
    with pytest.raises(SaliencyError, match=r"eff\.h5 could not be prepared: RuntimeError"):
        saliency_service.picture(answered(), model)
    assert "preparing eff.h5 failed" in caplog.text
