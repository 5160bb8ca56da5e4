"""The text that says how a model is used: read, kept in a card beside the file, and given with the file's name."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from inference.engine import open_engine
from models.adapter import ModelSource, adapter_text, model_source, read_adapter, syntax
from models.loading import load_steering_model
from models.pixel_card import pixel_card_path, pixels_of, write_pixel_card
from models.preprocessing.named import SHORT_FORMS
from models.preprocessing.written import PreprocessingError
from tests.model_files import FRAMES, answer, saved, small_file

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras' own saving
    pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file"),
]


def test_pixels_and_answer_stand_in_one_text() -> None:
    adapter = read_adapter("rows=60:140, size=64x64, steer=-1/25, scale=1/255, output=steering")
    assert adapter.preprocessing is not None
    assert adapter.preprocessing.text == "rows=60:140, size=64x64, scale=1/255"
    assert (adapter.output, adapter.steer) == ("steering", -1 / 25)


@pytest.mark.parametrize("text", [None, "", " , "])
def test_no_text_leaves_every_choice(text: str | None) -> None:
    assert read_adapter(text) == read_adapter("steer=1")


@pytest.mark.parametrize(
    ("text", "complaint"), [("steer=0", "always steer straight"), ("steer=x", "not a number"), ("output=", "needs the")]
)
def test_a_part_that_cannot_be_read_is_told(text: str, complaint: str) -> None:
    with pytest.raises(PreprocessingError, match=complaint):
        adapter_text(text)


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("models/a.h5", ModelSource(Path("models/a.h5"))),
        ("models/a.h5:course", ModelSource(Path("models/a.h5"), "course")),
        ("C:\\nets\\a.keras", ModelSource(Path("C:\\nets\\a.keras"))),
        ("C:\\nets\\a.keras:rows=60:140, size=8x8", ModelSource(Path("C:\\nets\\a.keras"), "rows=60:140, size=8x8")),
        ("recordings/lake", ModelSource(Path("recordings/lake"))),
    ],
)
def test_a_text_may_follow_the_name_of_a_file(text: str, source: ModelSource) -> None:
    assert model_source(text) == source
    assert str(source) == text


def test_help_shows_every_part_and_short_form() -> None:
    for name in ("rows=", "size=", "colour=", "steer=", "output=", "standardise", *SHORT_FORMS):
        assert name in syntax()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return small_file(tmp_path / "model.h5", (66, 200, 3))


def test_a_card_is_obeyed_by_whatever_loads_the_model(model: Path) -> None:
    default = answer(load_steering_model(model).model)
    write_pixel_card(model, "pilotnet-rgb", {"correlation": 0.9})
    obeyed = answer(load_steering_model(model).model)
    assert np.abs(obeyed - default).max() > 1e-3
    np.testing.assert_array_equal(obeyed, answer(load_steering_model(model, "pilotnet-rgb").model))
    assert np.abs(answer(load_steering_model(model, "course").model) - default).max() < 1e-6, "the user goes first"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "pilotnet-rgb, steer=-1, output=1"),
        ("", "pilotnet-rgb, steer=-1, output=1"),
        ("steer=1/25", "pilotnet-rgb, steer=1/25, output=1"),
        (" output = 0 , bins", "pilotnet-rgb, steer=-1, output = 0, bins"),
        ("course", "course"),
        ("course, steer=1/25", "course, steer=1/25"),
    ],
)
def test_what_the_user_leaves_open_is_the_card_s(model: Path, text: str | None, expected: str) -> None:
    write_pixel_card(model, "pilotnet-rgb, steer=-1, output=1", {})
    assert pixels_of(model, text) == expected
    read_adapter(expected)


def test_an_answer_without_a_card_stays_as_it_is(model: Path) -> None:
    assert pixels_of(model, "steer=1/25") == "steer=1/25"


def test_a_factor_alone_keeps_the_card_s_pixels(model: Path) -> None:
    write_pixel_card(model, "pilotnet-rgb", {"correlation": 0.9})
    plain = answer(load_steering_model(model).model)
    np.testing.assert_allclose(answer(load_steering_model(model, "steer=-1").model), -plain, rtol=1e-6)


@pytest.mark.slow
def test_a_card_is_obeyed_by_the_engine_that_converts_the_model(model: Path) -> None:
    write_pixel_card(model, "pilotnet-rgb", {"correlation": 0.9})
    obeyed = answer(load_steering_model(model).model)
    np.testing.assert_allclose(open_engine(model).predict(FRAMES), obeyed.ravel(), atol=1e-3)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"{", "is not used: "),
        (b"[]", "not a pixel card"),
        (b'{"format": 7}', "not a pixel card"),
        (b" " * 100_001, "larger than"),
        (b"[" * 90_000, "is not used"),
    ],
)
def test_a_broken_card_is_left_with_a_warning(model: Path, content: bytes, complaint: str, caplog) -> None:
    pixel_card_path(model).write_bytes(content)
    assert pixels_of(model) is None
    assert complaint in caplog.text


def test_a_broken_card_is_no_matter_where_the_user_says_the_pixels(model: Path, caplog) -> None:
    pixel_card_path(model).write_bytes(b"{")
    assert pixels_of(model, "course") == "course"
    assert not caplog.text


@pytest.mark.parametrize("text", [7, "colour=red"])
def test_a_card_with_a_wrong_text_is_left_with_a_warning(model: Path, text: object, caplog) -> None:
    path = write_pixel_card(model, "course", {})
    path.write_text(json.dumps({**json.loads(path.read_text()), "preprocess": text}))
    assert pixels_of(model) is None
    assert "is not used" in caplog.text


def test_the_card_of_another_file_is_not_used(model: Path, caplog) -> None:
    write_pixel_card(model, "pilotnet", {})
    keras.utils.set_random_seed(1)
    saved(keras.Sequential([keras.Input((66, 200, 3)), keras.layers.Flatten(), keras.layers.Dense(1)]), model)
    assert pixels_of(model) is None
    assert "the card of another model file" in caplog.text
