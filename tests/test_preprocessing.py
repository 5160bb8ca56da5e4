"""Each preprocessing gives what OpenCV gives, or an independent numpy computation, and loads with Keras alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

from models.convert import litert_bytes
from models.preprocessing.likely import advice
from models.preprocessing.named import SHORT_FORMS, named, read_preprocessing, short_form_lines
from models.preprocessing.written import Preprocessing, PreprocessingError, read_written
from tests.conftest import road_frame

NOISE = np.random.default_rng(0).integers(0, 256, (160, 320, 3), dtype=np.uint8)
FRAMES = np.stack([road_frame(0.5), NOISE, cv2.GaussianBlur(NOISE, (9, 9), 0)])

OPENCV_COLOURS = {
    "bgr": cv2.COLOR_RGB2BGR,
    "yuv": cv2.COLOR_RGB2YUV,
    "ycrcb": cv2.COLOR_RGB2YCrCb,
    "hsv": cv2.COLOR_RGB2HSV,
    "hls": cv2.COLOR_RGB2HLS,
    "lab": cv2.COLOR_RGB2LAB,
    "grey": cv2.COLOR_RGB2GRAY,
}


def opencv(text: str, image: np.ndarray) -> np.ndarray:
    """What OpenCV makes of a byte image by the parts of `text`; scale and offset as in numpy."""
    for part in text.split(", "):
        key, _, value = part.partition("=")
        if key == "rows":
            image = image[slice(*map(int, value.split(":")))]
        elif key == "columns":
            image = image[:, slice(*map(int, value.split(":")))]
        elif key in ("size", "area"):
            rows, columns = map(int, value.split("x"))
            image = cv2.resize(image, (columns, rows), interpolation=getattr(cv2, f"INTER_{WAYS[key]}"))
        elif key == "blur":
            image = cv2.GaussianBlur(image, (int(value), int(value)), 0)
        elif key == "colour":
            image = opencv_colour(value, image)
        elif key == "scale":
            image = image * np.float64(eval(value))
        elif key == "offset":
            image = image + float(value)
    return image if image.ndim == 3 else image[..., None]


INTEGER_STEPS = ("colour=yuv", "colour=ycrcb", "colour=lab", "colour=l-of-lab", "blur=9", "size=", "rows=60:135, size=")
"""OpenCV computes these with whole numbers, and so rounds some pixels to the other side."""

WAYS = {"size": "LINEAR", "area": "AREA"}


def opencv_colour(name: str, image: np.ndarray) -> np.ndarray:
    channel, _, space = name.rpartition("-of-")
    if space == "yuv-bgr":
        space, image = "yuv", np.ascontiguousarray(image[..., ::-1])
    converted = cv2.cvtColor(image, OPENCV_COLOURS[space])
    return converted[..., space.index(channel)] if channel else converted


def graph(preprocessing: Preprocessing) -> keras.Model:
    frames = keras.Input((160, 320, 3), dtype="uint8")
    return keras.Model(frames, preprocessing(frames))


def levels_apart(text: str) -> np.ndarray:
    """By how many grey levels our pixels differ from OpenCV's; a hue of 179 is one from 0."""
    ours = np.asarray(graph(read_written(text))(FRAMES), np.float64)
    difference = np.abs(ours - np.stack([opencv(text, frame) for frame in FRAMES]))
    if "colour=h" in text:
        difference[..., 0] = np.minimum(difference[..., 0], 180 - difference[..., 0])
    return difference


@pytest.mark.parametrize(
    "text",
    [
        *(f"colour={name}" for name in OPENCV_COLOURS),
        *(f"colour={name}" for name in ("yuv-bgr", "s-of-hsv", "v-of-hsv", "y-of-yuv", "l-of-lab", "s-of-hls")),
        *(f"blur={size}" for size in (3, 5, 7, 9)),
        "rows=60:135, size=66x200",
        "size=80x160",
        "rows=60:140, area=64x64",
        "size=200x400",
        "columns=40:280, rows=20:100, area=32x32",
    ],
)
def test_a_step_is_within_one_grey_level_of_opencv(text: str) -> None:
    apart = levels_apart(text)
    assert (apart > 1.01).mean() < 2e-4, f"{apart.max()} levels at most"
    assert (apart > 0.01).mean() < (0.15 if text.startswith(INTEGER_STEPS) else 0.03)


@pytest.mark.parametrize(
    "text",
    [
        "rows=60:135, colour=yuv, blur=3, size=66x200",
        "colour=hls, rows=50:140, area=64x64",
        "size=80x160, rows=30:70, colour=s-of-hsv",
    ],
)
def test_steps_follow_each_other_as_written(text: str) -> None:
    apart = levels_apart(text)
    assert np.mean(apart) < 0.25
    assert (apart > 2.01).mean() < 2e-3


def test_after_scaling_nothing_is_rounded() -> None:
    scaled = np.asarray(graph(read_written("rows=60:135, scale=1/255, size=66x200"))(FRAMES))
    expected = [cv2.resize(frame[60:135] / 255.0, (200, 66)) for frame in FRAMES]
    np.testing.assert_allclose(scaled, expected, atol=1e-4)


def test_linear_colours_may_follow_a_scaling() -> None:
    before, after = "colour=yuv-bgr, scale=1/127.5, offset=-1", "scale=1/127.5, offset=-1, colour=yuv-bgr"
    apart = np.abs(np.asarray(graph(read_written(before))(FRAMES)) - np.asarray(graph(read_written(after))(FRAMES)))
    assert np.median(apart) * 127.5 < 0.5


@pytest.mark.parametrize("name", SHORT_FORMS)
def test_a_short_form_is_what_its_text_says(name: str) -> None:
    form = named(name)
    pixels = np.asarray(graph(form)(FRAMES[:2]))
    expected = np.stack([opencv(_bytes_first(SHORT_FORMS[name].text), frame) for frame in FRAMES[:2]])
    assert pixels.dtype == np.float32
    assert pixels.shape[1:] == form.output_shape
    one_level = max(np.ptp(expected) / 255, 1e-9)
    assert np.mean(np.abs(pixels - expected)) < 0.6 * one_level


def _bytes_first(text: str) -> str:
    """The same steps in OpenCV's usual order: scaling last."""
    parts = text.split(", ")
    scalings = [part for part in parts if part.startswith(("scale", "offset"))]
    return ", ".join([*(part for part in parts if part not in scalings), *scalings])


def test_each_image_is_standardised_by_itself() -> None:
    pixels = np.asarray(graph(read_written("rows=60:140, standardise"))(FRAMES))
    np.testing.assert_allclose(pixels.mean(axis=(1, 2, 3)), 0, atol=1e-4)
    np.testing.assert_allclose(pixels.std(axis=(1, 2, 3)), 1, atol=1e-3)
    flat = np.full((1, 160, 320, 3), 90, np.uint8)
    np.testing.assert_allclose(np.asarray(graph(read_written("standardise"))(flat)), 0, atol=1e-4)


def test_each_channel_may_have_a_scale_and_an_offset() -> None:
    pixels = np.asarray(graph(read_written("offset=-103.9:-116.8:-123.7, scale=1:1/2:1/4"))(FRAMES))
    np.testing.assert_allclose(pixels, (FRAMES + np.array([-103.9, -116.8, -123.7])) / [1, 2, 4], rtol=1e-5, atol=1e-4)


def test_ends_may_be_left_out_or_negative() -> None:
    assert read_written("rows=60:, columns=:-20").text == "rows=60:160, columns=0:300"
    assert read_written("size=80x160, rows=30:-10").output_shape == (40, 160, 3)


@pytest.mark.parametrize(
    ("text", "suffix"),
    [("origin", ".h5"), ("origin", ".keras"), ("pilotnet", ".h5"), ("pilotnet", ".keras"), ("colour=hsv", ".keras")],
)
def test_a_saved_graph_loads_with_keras_alone(text: str, suffix: str, tmp_path: Path) -> None:
    model = graph(read_preprocessing(text))
    model.save(tmp_path / f"model{suffix}")
    copy = keras.models.load_model(tmp_path / f"model{suffix}", custom_objects={}, safe_mode=True, compile=False)
    np.testing.assert_array_equal(np.asarray(copy(FRAMES)), np.asarray(model(FRAMES)))


@pytest.mark.parametrize(
    "text", ["course", "colour=lab, area=40x80, standardise", "rows=60:140, colour=s-of-hsv, blur=5, size=32x64"]
)
def test_litert_computes_the_same_pixels(text: str) -> None:
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 - prints a line when it is loaded

    model = graph(read_preprocessing(text))
    interpreter = Interpreter(model_content=litert_bytes(model))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], FRAMES[:1])
    interpreter.invoke()
    pixels = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    expected = np.asarray(model(FRAMES[:1]))
    assert np.mean(np.abs(pixels - expected)) < 1e-3 * np.ptp(expected)


@pytest.mark.parametrize("name", ["origin", "pilotnet"])
def test_pixels_stay_float32_where_a_network_trains_in_half_precision(name: str) -> None:
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    try:
        answer = np.asarray(graph(named(name))(FRAMES))
    finally:
        keras.mixed_precision.set_dtype_policy(before)
    np.testing.assert_array_equal(answer, np.asarray(graph(named(name))(FRAMES)))


def test_a_batch_norm_after_it_does_not_train_when_the_model_is_only_called() -> None:
    frames = keras.Input((160, 320, 3), dtype="uint8")
    normalise = keras.layers.BatchNormalization()
    model = keras.Model(frames, normalise(named("origin")(frames)))
    model(FRAMES)
    np.testing.assert_array_equal(np.asarray(normalise.moving_mean), np.zeros(3))


def test_its_layers_are_not_trained() -> None:
    assert graph(named("pilotnet")).count_params() == 3 * 3 + 3
    assert graph(named("course")).trainable_weights == []


def test_the_short_forms_are_read_without_keras() -> None:
    command = "import sys, models.preprocessing.named as n; n.named('course'); sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", command], check=False).returncode == 0


def test_help_names_every_short_form_once_a_line() -> None:
    assert [line.split()[0] for line in short_form_lines().splitlines()] == list(SHORT_FORMS)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("nvidia", "no preprocessing 'nvidia'; the short forms are origin, course"),
        ("course, foo=1", "'course' is no part"),
        ("rows=100:80", "rows=100:80 is no part of the image's 160 rows"),
        ("size=80x160, rows=60:140", "rows=60:140 is no part of the image's 80 rows"),
        ("rows=6", "not a first and an end, as in rows=60:140"),
        ("colour=red", "the colours are rgb, bgr"),
        ("colour=q-of-hsv", "single channels such as s-of-hsv"),
        ("colour=grey, colour=yuv", "needs three channels; the step before it leaves 1"),
        ("scale=1/0", "'1/0' is not a number"),
        ("scale=nan", "'nan' is not a number"),
        ("scale=1:2", "has 2 numbers for 3 channels"),
        ("scale=1/255, colour=hsv", "needs pixels of 0 to 255"),
        ("blur=4", "not an odd size"),
        ("size=99999x2", "not rows x columns up to 1024"),
        ("size=66", "as in size=66x200"),
        ("area=320x640", "would enlarge"),
        ("standardise=1", "takes no value"),
        ("blur=3, " * 30, "steps; at most 20"),
        ("x" * 501, "501 characters"),
    ],
)
def test_what_cannot_be_read_is_told_with_what_can(text: str, complaint: str) -> None:
    with pytest.raises(PreprocessingError, match=complaint.replace("(", r"\(")):
        read_preprocessing(text)


def test_the_advice_names_the_short_forms_that_fit() -> None:
    assert ", course, pilotnet, pilotnet-bgr, pilotnet-rgb, or let" in advice((66, 200, 3))
    assert '"rows=60:140, size=48x96, colour=grey, scale=1/255", or let' in advice((48, 96, 1))
