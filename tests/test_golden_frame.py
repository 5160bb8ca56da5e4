"""A model that no longer answers its golden frame is not let drive."""

import json
from dataclasses import replace

import numpy as np
import pytest

from inference.engine import Engine, EngineError
from inference.golden_frame import check_golden_frame
from models.card import FORMAT, Card, Golden, card_path, golden_frame, png_base64
from models.whole_files import sha256


def engine(steering):
    def run(frames):
        np.testing.assert_array_equal(frames[0], golden_frame())
        return np.float32([[steering]])

    return Engine("test", "CPU", (), run)


@pytest.fixture
def model(tmp_path):
    file = tmp_path / "net.h5"
    file.write_bytes(b"weights")
    golden = Golden(png_base64(golden_frame()), 0.125, 1e-3)
    empty = {"data": (), "recipe": {}, "metrics": {}, "driving": {}, "versions": {}}
    empty |= dict.fromkeys(("commit", "created", "held_out"), "")
    card = Card(format=FORMAT, model="net", description="", parameters=1, sha256=sha256(file), seed=0, epochs=1,
                samples=1, golden=golden, **empty)  # fmt: skip
    card.write(file)
    return file, card


def test_the_right_answer_passes(model):
    check_golden_frame(model[0], engine(0.1255))


@pytest.mark.parametrize("steering", [0.13, -0.125, float("nan")])
def test_another_answer_is_refused(model, steering):
    with pytest.raises(EngineError, match="answers its golden frame with"):
        check_golden_frame(model[0], engine(steering))


def test_a_card_of_another_file_or_none_is_said_and_not_used(model, caplog):
    file, card = model
    replace(card, sha256="0" * 64).write(file)
    check_golden_frame(file, engine(0.9))
    assert "card of another model file" in caplog.text
    card_path(file).write_text('{"format": 1}')
    check_golden_frame(file, engine(0.9))
    assert "card is not used" in caplog.text
    card_path(file).unlink()
    check_golden_frame(file, engine(0.9))


@pytest.mark.parametrize("text", ['{"class_name": "Model", "config": {}}', json.dumps('{"class_name": "Model"}')])
def test_the_architecture_that_keras_writes_beside_a_model_is_no_card_and_is_passed_over(model, text, caplog):
    card_path(model[0]).write_text(text)
    check_golden_frame(model[0], engine(0.9))
    assert not caplog.records
