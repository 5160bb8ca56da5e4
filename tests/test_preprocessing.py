"""Each preprocessing gives what an independent numpy computation gives, and loads with Keras alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from models.preprocessing import PREPROCESSINGS, describe_preprocessings, names_for
from tests.conftest import road_frame

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras' own saving

FRAMES = np.stack([road_frame(0.5), np.random.default_rng(0).integers(0, 256, (160, 320, 3), dtype=np.uint8)])


def resized(image: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Bilinear with half-pixel centres and clamped edges, written out: OpenCV's INTER_LINEAR."""

    def positions(size: int, new_size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        centre = (np.arange(new_size) + 0.5) * size / new_size - 0.5
        low = np.floor(centre).astype(int)
        return np.clip(low, 0, size - 1), np.clip(low + 1, 0, size - 1), centre - low

    above, below, down = positions(image.shape[0], rows)
    left, right, across = positions(image.shape[1], columns)
    down, across = down[:, None, None], across[None, :, None]
    image = image[above] * (1 - down) + image[below] * down
    return image[:, left] * (1 - across) + image[:, right] * across


def opencv_yuv(rgb: np.ndarray) -> np.ndarray:
    """COLOR_RGB2YUV's formula, without its rounding to bytes."""
    red, green, blue = np.moveaxis(rgb, -1, 0)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return np.stack([luma, 0.492 * (blue - luma) + 128, 0.877 * (red - luma) + 128], axis=-1)


def old_opencv_yuv(rgb: np.ndarray) -> np.ndarray:
    """The same before OpenCV 3.2, as opencv/opencv issue 4946 writes it down."""
    red, green, blue = np.moveaxis(rgb, -1, 0)
    luma = 0.114 * red + 0.587 * green + 0.299 * blue
    return np.stack([luma, 0.492 * (red - luma) + 128, 0.877 * (blue - luma) + 128], axis=-1)


EXPECTED = {
    "origin": lambda f: resized(f[80:140], 128, 128) / 255 - 0.5,
    "pilotnet": lambda f: opencv_yuv(resized(f[60:135], 66, 200)) / 127.5 - 1,
    "pilotnet-bgr": lambda f: old_opencv_yuv(resized(f[60:135], 66, 200)) / 127.5 - 1,
    "frame": lambda f: f,
    "frame-unit": lambda f: f / 255,
    "frame-half": lambda f: f / 255 - 0.5,
    "frame-one": lambda f: f / 127.5 - 1,
}


def graph(name: str) -> keras.Model:
    frames = keras.Input((160, 320, 3), dtype="uint8")
    return keras.Model(frames, PREPROCESSINGS[name](frames))


@pytest.mark.parametrize("name", PREPROCESSINGS)
def test_the_graph_computes_what_the_description_says(name: str) -> None:
    answer = np.asarray(graph(name)(FRAMES))
    wanted = np.stack([EXPECTED[name](frame.astype(np.float64)) for frame in FRAMES])
    assert answer.dtype == np.float32
    assert answer.shape[1:] == PREPROCESSINGS[name].output_shape
    one_grey_level = np.ptp(wanted) / 255
    np.testing.assert_allclose(answer, wanted, atol=0.01 * one_grey_level)


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
@pytest.mark.parametrize("name", PREPROCESSINGS)
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_a_saved_graph_loads_with_keras_alone(name: str, suffix: str, tmp_path: Path) -> None:
    model = graph(name)
    model.save(tmp_path / f"model{suffix}")
    loaded = keras.models.load_model(tmp_path / f"model{suffix}", custom_objects={}, safe_mode=True, compile=False)
    np.testing.assert_array_equal(np.asarray(loaded(FRAMES)), np.asarray(model(FRAMES)))


@pytest.mark.parametrize("name", ["origin", "pilotnet"])
def test_pixels_stay_float32_where_a_network_trains_in_half_precision(name: str) -> None:
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    try:
        answer = np.asarray(graph(name)(FRAMES))
    finally:
        keras.mixed_precision.set_dtype_policy(before)
    np.testing.assert_array_equal(answer, np.asarray(graph(name)(FRAMES)))


def test_a_batch_norm_after_it_does_not_train_when_the_model_is_only_called() -> None:
    frames = keras.Input((160, 320, 3), dtype="uint8")
    normalise = keras.layers.BatchNormalization()
    model = keras.Model(frames, normalise(PREPROCESSINGS["origin"](frames)))
    model(FRAMES)
    np.testing.assert_array_equal(np.asarray(normalise.moving_mean), np.zeros(3))


def test_the_colour_layer_is_not_trained() -> None:
    model = graph("pilotnet")
    assert model.trainable_weights == []
    assert model.count_params() == 3 * 3 + 3


def test_the_table_is_read_without_keras() -> None:
    command = "import sys, models.preprocessing; sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", command], check=False).returncode == 0


def test_help_names_every_preprocessing_once_a_line() -> None:
    lines = describe_preprocessings().splitlines()
    assert [line.split()[0] for line in lines] == list(PREPROCESSINGS)


def test_an_error_message_names_those_that_fit() -> None:
    assert names_for((66, 200, 3)) == "--preprocess pilotnet or pilotnet-bgr"
    assert "origin (128x128)" in names_for((64, 64, 3))
