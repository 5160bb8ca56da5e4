"""A Lambda's code is never run: it is built as layers, refused, or replaced by a written preprocessing."""

from __future__ import annotations

import base64
import marshal
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from models.loading import load_steering_model
from tests.model_files import answer, architecture_of, refusal, saved, small, small_file


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
    path = small_file(folder / "model.h5", (66, 200, 3))
    with architecture_of(path) as model:
        model["config"]["layers"].insert(1, {"class_name": "Lambda", "config": settings})
    return path


LAMBDA_FILES = ["keras1", "keras2", "keras3.h5", "keras3.keras"]


class TestLambda:
    @pytest.mark.parametrize("kind", LAMBDA_FILES)
    def test_that_is_not_understood_is_refused_and_never_run(self, kind: str, mark: Path, tmp_path: Path) -> None:
        message = refusal(lambda_file(kind, mark, tmp_path))
        assert "'lambda_1'" in message
        assert "--preprocess" in message
        assert "pilotnet" in message
        assert "it calls open" in message
        assert not mark.exists()

    @pytest.mark.parametrize("kind", LAMBDA_FILES)
    def test_that_is_not_understood_is_replaced_by_a_named_preprocessing(
        self, kind: str, mark: Path, tmp_path: Path
    ) -> None:
        network = load_steering_model(lambda_file(kind, mark, tmp_path), "pilotnet")
        without = load_steering_model(small_file(tmp_path / "plain.h5", (66, 200, 3)), "pilotnet")
        np.testing.assert_array_equal(answer(network.model), answer(without.model))
        assert any("'lambda_1' was not run" in note for note in network.notes)
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


def with_lambda(source: str, shape: tuple[int, ...], path: Path, *after: Any) -> Path:
    """A model whose first layer is the Lambda, in Keras 3's form. after: layers that follow it."""
    function = layers.Lambda(eval(source), name="lambda_1")
    return saved(small(shape, function, *after), path)


def built_in(shape: tuple[int, ...], path: Path, *before: Any) -> Path:
    return saved(small(shape, *before), path)


class TestUnderstood:
    @pytest.mark.parametrize("kind", LAMBDA_FILES)
    def test_is_built_as_layers_from_every_form(
        self, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tests.test_lambdas.payload", lambda _: lambda x: x / 255.0 - 0.5)
        network = load_steering_model(lambda_file(kind, tmp_path / "mark", tmp_path))
        expected = load_steering_model(
            built_in((66, 200, 3), tmp_path / "plain.h5", layers.Rescaling(1 / 255, -0.5)), "pilotnet"
        )
        np.testing.assert_allclose(answer(network.model), answer(expected.model), atol=1e-6)
        assert "Lambda 'lambda_1' is x / 255 - 0.5, and was built as layers; its code was not run" in network.notes

    def test_the_pixels_are_not_scaled_twice(self, tmp_path: Path) -> None:
        path = with_lambda("lambda x: x / 127.5 - 1", (160, 320, 3), tmp_path / "model.h5")
        whole, scaled = load_steering_model(path), load_steering_model(path, "frame-one")
        np.testing.assert_array_equal(answer(whole.model), answer(scaled.model))
        assert any("scales its pixels itself, so they are not scaled before" in note for note in scaled.notes)
        network = load_steering_model(path, "scale=1/255")
        assert any("scaled before as well, as written" in note for note in network.notes)
        assert not np.allclose(answer(network.model), answer(whole.model))

    def test_crops(self, tmp_path: Path) -> None:
        path = with_lambda(
            "lambda x: x[:, 60:134]",
            (160, 320, 3),
            tmp_path / "m.h5",
            layers.Lambda(lambda x: x / 127.5 - 1, name="scale"),
        )
        crop = layers.Cropping2D(((60, 26), (0, 0)))
        expected = built_in((160, 320, 3), tmp_path / "plain.h5", crop, layers.Rescaling(1 / 127.5, -1))
        network = load_steering_model(path)
        np.testing.assert_allclose(
            answer(network.model), answer(load_steering_model(expected).model), rtol=1e-5, atol=1e-6
        )
        assert any("is x[:, 60:134]" in note for note in network.notes)

    def test_several_steps_have_names_that_no_other_layer_has(self, tmp_path: Path) -> None:
        others = [layers.Rescaling(1.0, name=name) for name in ("lambda_1-1", "lambda_1_1", "lambda_1-2")]
        path = with_lambda("lambda x: x[:, 60:] / 255 - 0.5", (160, 320, 3), tmp_path / "m.h5", *others)
        names = [layer.name for layer in load_steering_model(path).model.layers]
        assert len(set(names)) == len(names)
        assert {"lambda_1-1", "lambda_1-2"} <= set(names)

    def test_of_any_size_leaves_only_the_size_open(self, tmp_path: Path) -> None:
        path = with_lambda("lambda x: x / 127.5 - 1", (64, 64, 3), tmp_path / "model.h5")
        message = refusal(path)
        assert "--preprocess" in message
        assert "scale=" not in message
        network = load_steering_model(path, "rows=60:140, size=64x64")
        rescaling = built_in((64, 64, 3), tmp_path / "plain.h5", layers.Rescaling(1 / 127.5, -1))
        expected = load_steering_model(rescaling, "rows=60:140, size=64x64")
        np.testing.assert_allclose(answer(network.model), answer(expected.model), atol=1e-6)

    def test_behind_the_weights_is_built_too(self, tmp_path: Path) -> None:
        before = [keras.Input((160, 320, 3)), *small((160, 320, 3)).layers]
        model = keras.Sequential([*before, layers.Lambda(lambda x: x * 2, output_shape=(1,))])
        doubled = load_steering_model(saved(model, tmp_path / "m.keras"))
        single = load_steering_model(built_in((160, 320, 3), tmp_path / "plain.h5"))
        np.testing.assert_allclose(answer(doubled.model), 2 * answer(single.model), rtol=1e-6)

    def test_that_does_not_fit_its_input_is_refused(self, tmp_path: Path) -> None:
        before = [keras.Input((160, 320, 3)), *small((160, 320, 3)).layers]
        function = layers.Lambda(lambda x: x[:, :1, :], output_shape=(1,), name="lambda_1")
        message = refusal(saved(keras.Sequential([*before, function]), tmp_path / "m.keras"))
        assert "'lambda_1'" in message
        assert "it expects images" in message

    def test_on_bytes_is_refused(self, tmp_path: Path) -> None:
        frames = keras.Input((160, 320, 3), dtype="uint8")
        x = layers.Flatten()(layers.AveragePooling2D(8)(layers.Lambda(lambda x: x / 255, name="lambda_1")(frames)))
        path = saved(keras.Model(frames, layers.Dense(1)(x)), tmp_path / "m.keras")
        assert "one input of floats" in refusal(path)


def test_one_that_crops_is_never_replaced(tmp_path: Path) -> None:
    """A preprocessing in its place would give the network other rows, in silence where it takes any size."""
    source = "lambda x: abs(x[:, 60:134])"
    function = layers.Lambda(eval(source), output_shape=(74, 320, 3), name="lambda_1")
    path = saved(small((160, 320, 3), function), tmp_path / "model.h5")
    for preprocess in (None, "frame-one"):
        message = refusal(path, preprocess)
        assert "it computes x[:, 60:134], then it calls abs" in message
