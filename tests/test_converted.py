"""A .tflite file beside a model stands for it exactly where the hashes say that it was made from it."""

import dataclasses

import numpy as np
import pytest

from inference import engine as engines
from inference.engine import open_engine
from models.card import describes, golden_frame, read_card
from models.converted import EXACT, Origin, origin_path, repeats_a_model, source_sha256, stand_in
from models.keras_files.file_kinds import models_near
from models.whole_files import sha256
from tests.conftest import road_frame
from tests.server_process import ROOT

SHIPPED = sorted((ROOT / "models").glob("*.h5"))


@pytest.fixture
def model(tmp_path):
    """net.h5 and, beside it, the net.tflite that was made from it with the pixels `half`."""
    path, file = tmp_path / "net.h5", tmp_path / "net.tflite"
    path.write_bytes(b"weights")
    file.write_bytes(b"litert")
    write(file, sources={"net.h5": sha256(path)})
    return path


def write(file, **changes):
    origin = Origin(("a note",), "net.h5", {}, sha256(file), "half", EXACT, 0.0)
    dataclasses.replace(origin, **changes).write(file)


def test_it_stands_for_its_model_with_the_same_pixels(model):
    assert stand_in(model, "half") == model.with_suffix(".tflite")
    assert stand_in(model, "course") is None
    assert stand_in(model) is None


def test_a_changed_model_or_file_ends_it(model):
    file = model.with_suffix(".tflite")
    assert source_sha256(file) == sha256(model)
    model.write_bytes(b"trained again")
    assert stand_in(model, "half") is None
    model.write_bytes(b"weights")
    file.write_bytes(b"damaged")
    assert stand_in(model, "half") is None
    assert source_sha256(file) is None


@pytest.mark.parametrize("changes", [{"weights": "int8"}, {"version": 1}, {"sources": {}}, {"sources": {"b.h5": ""}}])
def test_another_conversion_is_not_taken(model, changes):
    file = model.with_suffix(".tflite")
    write(file, **{"sources": {"net.h5": sha256(model)}, **changes})
    assert stand_in(model, "half") is None


def test_each_half_of_a_pair_counts(model):
    file, other = model.with_suffix(".tflite"), model.with_name("net.json")
    other.write_text("{}")
    write(file, sources={"net.json": sha256(other), "net.h5": sha256(model)})
    assert stand_in(model, "half") == stand_in(other, "half") == file
    assert source_sha256(file) is None, "of two files"
    other.unlink()
    assert stand_in(model, "half") is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"sources": []}', "[" * 100_000, '{"sources": {"../net.h5": "x"}}', "x" * 200_000]
)
def test_an_origin_that_cannot_be_read_is_none(model, text):
    origin_path(model.with_suffix(".tflite")).write_text(text)
    assert stand_in(model, "half") is None
    assert source_sha256(model.with_suffix(".tflite")) is None


def test_a_list_of_models_names_it_once(model):
    assert repeats_a_model(model.with_suffix(".tflite"))
    assert models_near(model.parent) == ["net.h5"]
    model.unlink()
    assert models_near(model.parent) == ["net.tflite"]


def test_every_shipped_model_has_its_own():
    assert [stand_in(model) for model in SHIPPED] == [model.with_suffix(".tflite") for model in SHIPPED]


@pytest.mark.parametrize("model", SHIPPED, ids=lambda path: path.stem)
def test_the_shipped_file_answers_the_golden_frame_as_the_card_says(model):
    file, card = model.with_suffix(".tflite"), read_card(model)
    assert describes(card, file)
    engine = open_engine(file)
    assert card.golden.agrees(float(engine.predict(golden_frame()[None])[0]))


@pytest.mark.slow
@pytest.mark.parametrize("model", SHIPPED, ids=lambda path: path.stem)
def test_the_shipped_file_answers_as_tensorflow_does(model):
    frames = np.stack([golden_frame(), road_frame(-0.4), road_frame(0.3)])
    expected = open_engine(model, "tensorflow").predict(frames)
    np.testing.assert_allclose(open_engine(model.with_suffix(".tflite")).predict(frames), expected, atol=1e-5)


def test_the_cache_goes_before_it_and_it_goes_before_a_conversion(monkeypatch):
    model, answers = ROOT / "models" / "eff.h5", []
    monkeypatch.setattr(engines, "cpu_engine", lambda: "litert")
    monkeypatch.setattr(engines, "is_converted", lambda *_: False)
    monkeypatch.setattr(
        engines, "litert_file", lambda *_: answers.append("cache") or (model.with_suffix(".tflite"), ())
    )
    assert open_engine(model).notes == ("eff.tflite beside it drives, which was converted from it",)
    monkeypatch.setattr(engines, "is_converted", lambda *_: True)
    assert open_engine(model).notes == ()
    monkeypatch.setattr(engines, "is_converted", lambda *_: False)
    monkeypatch.setattr(engines, "stand_in", lambda *_: None)
    assert open_engine(model).notes == ()
    assert answers == ["cache"] * 2
