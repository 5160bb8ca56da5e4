"""The model card: written whole, read strictly, and independent of Keras."""

import base64
import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.card import (
    FORMAT,
    MAX_CARD_BYTES,
    Card,
    CardError,
    Data,
    Golden,
    card_path,
    describes,
    golden_frame,
    png_base64,
    read_card,
    sha256,
)

ROOT = Path(__file__).parent.parent


@pytest.fixture
def model(tmp_path) -> Path:
    path = tmp_path / "eff.h5"
    path.write_bytes(b"weights")
    return path


def a_card(model: Path) -> Card:
    return Card(
        format=FORMAT,
        model="eff",
        description="steering",
        parameters=630_433,
        sha256=sha256(model),
        data=(Data("lake", 100, 70, 20),),
        held_out="110 to 180 m",
        recipe={"batch": 64, "held_out_starts_m": [1.0, 2.0], "lap_m": None},
        seed=1,
        epochs=2,
        samples=1280,
        metrics={"all": {"mae": 0.05, "correlation": None}},
        driving={"lake, 15 mph": {"off_road_events": 0.0, "jerk_mps3": None}},
        versions={"keras": "3"},
        commit="",
        created="2026-01-01T00:00:00+00:00",
        golden=Golden(png_base64(golden_frame()), 0.125, 0.002),
    )


def test_a_card_is_read_as_it_was_written(model):
    card = a_card(model)
    path = card.write(model)
    assert path == card_path(model) == model.with_suffix(".json")
    assert read_card(model) == card
    assert describes(card, model)
    assert [p.name for p in sorted(model.parent.iterdir())] == ["eff.h5", "eff.json"]


def test_a_card_from_before_confidences_and_licences_is_read(model):
    card = replace(a_card(model), licence="of the weights", intended_use="driving")
    values = json.loads(card.write(model).read_text())
    for name in ("confidence", "licence", "intended_use"):
        del values[name]
    card_path(model).write_text(json.dumps(values))
    assert read_card(model) == a_card(model)


def test_a_card_does_not_describe_another_file(model):
    card = a_card(model)
    model.write_bytes(b"other weights")
    assert not describes(card, model)


def test_an_undefined_figure_becomes_null(model):
    card = replace(a_card(model), metrics={"all": {"correlation": float("nan")}})
    card.write(model)
    assert read_card(model).metrics["all"]["correlation"] is None


def test_the_golden_frame_survives_and_judges_answers(model):
    golden = a_card(model).golden
    np.testing.assert_array_equal(golden.frame(), golden_frame())
    assert golden.agrees(0.1265)
    assert not golden.agrees(0.128)
    assert not golden.agrees(float("nan"))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"format": 1}, "format"),
        ({"parameters": "many"}, "parameters"),
        ({"parameters": True}, "parameters"),
        ({"seed": 1.5}, "seed"),
        ({"surprise": 1}, "surprise"),
        ({"data": [{"recording": "lake"}]}, "Data"),
        ({"data": "lake"}, "list"),
        ({"metrics": {"all": {"mae": "small"}}}, "mae"),
        ({"golden": {"png": "@@", "steering": 0.0, "tolerance": 0.1}}, "golden"),
        ({"golden": {"png": "", "steering": 0.0, "tolerance": 0.1}}, "golden"),
        ({"golden": {"png": "", "steering": 1e999, "tolerance": 0.1}}, "steering"),
        ({"golden": None}, "object"),
    ],
)
def test_a_card_with_a_wrong_field_is_refused(model, change, word):
    path = a_card(model).write(model)
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, **change}))
    with pytest.raises(CardError, match=word):
        read_card(model)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "{", '"card"', "[" * 100_000, "\xff\xfe", "1"])
def test_what_is_no_card_is_refused(model, text):
    card_path(model).write_text(text, encoding="latin-1")
    with pytest.raises(CardError):
        read_card(model)


def test_a_missing_field_is_named(model):
    path = a_card(model).write(model)
    content = json.loads(path.read_text())
    del content["seed"]
    path.write_text(json.dumps(content))
    with pytest.raises(CardError, match="seed"):
        read_card(model)


def test_a_huge_card_is_refused_unread(model):
    card_path(model).write_bytes(b" " * (MAX_CARD_BYTES + 1))
    with pytest.raises(CardError, match="larger"):
        read_card(model)


def test_a_missing_card_is_named(tmp_path):
    with pytest.raises(CardError, match=r"eff\.json"):
        read_card(tmp_path / "eff.h5")


def test_a_golden_frame_of_another_size_is_refused_before_it_is_decoded(model):
    file = io.BytesIO()
    Image.new("RGB", (4000, 4000)).save(file, "PNG")
    png = base64.b64encode(file.getvalue()).decode()
    replace(a_card(model), golden=Golden(png, 0.0, 0.1)).write(model)
    with pytest.raises(CardError, match="4000"):
        read_card(model)


def test_reading_a_card_imports_no_keras():
    code = "import sys, models.card; assert not {'keras', 'tensorflow'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.parametrize("name", ["baseline", "eff", "eff-small"])
def test_the_shipped_models_have_cards_that_describe_them(name):
    model = ROOT / "models" / f"{name}.h5"
    card = read_card(model)
    assert describes(card, model)
    assert card.model == name
    assert card.parameters == {"baseline": 865_921, "eff": 630_433, "eff-small": 89_905}[name]
    np.testing.assert_array_equal(card.golden.frame(), golden_frame())
