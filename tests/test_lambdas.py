"""A Lambda's code is never run: it is refused, or replaced by a named preprocessing."""

from __future__ import annotations

import base64
import json
import marshal
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from models.keras_files.lambdas import guess_normalisation
from models.loading import load_steering_model
from tests.model_files import answer, refusal, saved, small

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras' own saving
    pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file"),
]


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """A file that exists only once the payload has run."""
    return tmp_path / "the payload ran"


def payload(mark: Path) -> Any:
    """A function that normalises pixels and leaves a mark."""
    return eval(f"lambda x: (open({str(mark)!r}, 'w').close(), x / 127.5 - 1.0)[1]")


def lambda_file(kind: str, mark: Path, folder: Path) -> Path:
    """A 66 x 200 model whose first layer is the payload, in the forms of Keras 1, 2 and 3."""
    if kind.startswith("keras3"):
        model = small((66, 200, 3), layers.Lambda(payload(mark), output_shape=(66, 200, 3), name="lambda_1"))
        mark.unlink(missing_ok=True)
        return saved(model, folder / f"model{kind.removeprefix('keras3')}")
    code = marshal.dumps(payload(mark).__code__)
    text = code.decode("raw_unicode_escape") if kind == "keras1" else base64.encodebytes(code).decode("ascii")
    settings = {"name": "lambda_1", "function_type": "lambda", "function": [text, None, None]}
    path = saved(small((66, 200, 3)), folder / "model.h5")
    with h5py.File(path, "a") as file:
        model = json.loads(file.attrs["model_config"])
        model["config"]["layers"].insert(1, {"class_name": "Lambda", "config": settings})
        file.attrs["model_config"] = json.dumps(model)
    return path


LAMBDA_FILES = ["keras1", "keras2", "keras3.h5", "keras3.keras"]


class TestLambda:
    @pytest.mark.parametrize("kind", LAMBDA_FILES)
    def test_is_refused_with_a_hint_and_never_run(self, kind: str, mark: Path, tmp_path: Path) -> None:
        message = refusal(lambda_file(kind, mark, tmp_path))
        assert "'lambda_1'" in message
        assert "--preprocess pilotnet" in message
        assert "x/127.5 - 1" in message
        assert not mark.exists()

    @pytest.mark.parametrize("kind", LAMBDA_FILES)
    def test_is_replaced_by_a_named_preprocessing(self, kind: str, mark: Path, tmp_path: Path) -> None:
        loaded = load_steering_model(lambda_file(kind, mark, tmp_path), "pilotnet")
        without = load_steering_model(saved(small((66, 200, 3)), tmp_path / "plain.h5"))
        np.testing.assert_array_equal(answer(loaded.model), answer(without.model))
        assert any("'lambda_1' was not run" in note for note in loaded.notes)
        assert not mark.exists()

    @pytest.mark.parametrize("suffix", [".h5", ".keras"])
    def test_the_payload_is_live(self, suffix: str, mark: Path, tmp_path: Path) -> None:
        """Or the tests above would show nothing: Keras' own loader, told to trust the file, runs it."""
        path = lambda_file(f"keras3{suffix}", mark, tmp_path)
        keras.models.load_model(path, safe_mode=False, compile=False)(np.zeros((1, 66, 200, 3)))
        assert mark.exists()

    def test_behind_the_first_weights_nothing_stands_for_it(self, mark: Path, tmp_path: Path) -> None:
        before = [keras.Input((66, 200, 3)), *small((66, 200, 3)).layers]
        model = keras.Sequential([*before, layers.Lambda(payload(mark), output_shape=(1,))])
        mark.unlink(missing_ok=True)
        assert "never run" in refusal(saved(model, tmp_path / "model.keras"), "pilotnet")
        assert not mark.exists()

    @pytest.mark.parametrize(
        ("code", "formula"),
        [
            ("lambda x: x / 127.5 - 1.", "x/127.5 - 1"),
            ("lambda x: x / 255 - 0.5", "x/255 - 0.5"),
            ("lambda x: x / 255.", "x/255"),
            ("lambda x: x * 3.", None),
        ],
    )
    def test_its_constants_tell_the_formula(self, code: str, formula: str | None) -> None:
        text = base64.b64encode(marshal.dumps(eval(code).__code__)).decode("ascii")
        assert guess_normalisation({"function": [text, None, None]}) == formula
