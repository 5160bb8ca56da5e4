"""A Lambda's bytes are read for what they compute, in the dialects of Python 2.7 and 3.4 to 3.14, and never run."""

from __future__ import annotations

import base64
import json
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest

from models.keras_files.lambdas.image_steps import LambdaCrop, LambdaResize, Step
from models.keras_files.lambdas.layers import apply_steps
from models.keras_files.lambdas.reading import LambdaReading, read_lambda
from tests.lambda_bytes import CASES, COMPILED, bytes_of, compiled, read_case, reading
from tests.lambda_sources import SOURCES, function_of

FORMULAS = {
    "one": "x / 127.5 - 1",
    "half": "x / 255 - 0.5",
    "unit": "x / 255",
    "doubled": "x / 127.5 - 1",
    "other constants": "x / 1275 - 0.1",
    "centred": "x / 128 - 1",
    "reversed": "1 - x / 255",
    "negative": "1 - x / 255",
    "folded": "x / 127.5 - 1",
    "integers": "x / 2 + 3",
    "power": "x / 256",
    "in place": "x / 127.5 - 1",
    "identity": "x",
    "many constants": "x - 559701.3077",
    "channels": "x * 0.003921568627 + [-0.4076039216, -0.4579568627, -0.4850196078]",
    "rows": "x[:, 60:134]",
    "rows from the end": "x[:, 60:-25]",
    "crop and scale": "x[:, 50:140, 10:-10] / 255 - 0.5",
    "scale and crop": "(x / 255 - 0.5)[:, 70:]",
    "exchanged": "x[..., ::-1]",
    "red": "x[..., 0:1] / 255",
    "resize": "resize(x, 66, 200)",
    "resize by name": "resize(x, 66, 200) / 255",
    "old resize": "resize_images(x, 32, 64) / 127.5 - 1",
    "oldest resize": "resize_images(x, 32, 64)",
    "imported": "resize_images(x, 66, 200)",
    "resize and normalise": "resize_images(x, 32, 64) / 255 - 0.5",
    "unpacked": "resize_images(x, 66, 200)",
    "submodule": "x / 255",
    "cast": "x / 255",
    "backend cast": "x / 127.5 - 1",
    "grey": "grey(x) / 255",
    "standardised": "standardise(x)",
    "functions": "x / 127.5 - 1",
    "box": "x[:, 60:134, 0:320]",
    "defaults": "x / 127.5 - 1",
}
"""What is read of the functions that are understood. In Python 2, the product of "integers" is zero."""

REASONS = {
    "contrast": "it computes x[:, 60:134], then it calls tf.image.adjust_contrast",
    "unknown name": "it computes with SCALE, whose value is not in the file",
    "branch": "it does more",
    "loop": "it ",
    "exception": "it ",
    "whole division": "it computes images // a number",
    "square": "it computes images * images",
    "payload": "it calls open",
    "attribute": "it uses .astype of images",
    "inner function": "it does more",
    "one row": "it has an index that is no plain slice",
    "all arguments": "it is not a plain function",
    "comparison": "it does more",
    "constant": "it ",
}


def interpolated(images: Any, size: tuple[int, int], centred: bool) -> Any:
    """Bilinear resizing by numpy's interpolation, axis by axis."""
    for axis, result in zip((1, 2), size, strict=True):
        length = images.shape[axis]
        places = np.arange(result) * length / result
        if centred:
            places += length / result / 2 - 0.5
        images = np.apply_along_axis(lambda line, at=places: np.interp(at, np.arange(len(line)), line), axis, images)
    return images


def standardised(image: Any) -> Any:
    mean = image.mean((1, 2, 3), keepdims=True)
    return (image - mean) / np.maximum(image.std((1, 2, 3), keepdims=True), 1 / np.sqrt(image[0].size))


def old_size(images: Any, *size: Any) -> Any:
    return interpolated(images, size if len(size) == 2 else size[0], centred=False)


FAKE_TF = SimpleNamespace(
    float32="float32",
    cast=lambda x, dtype: x.astype(dtype),
    divide=np.divide,
    subtract=np.subtract,
    image=SimpleNamespace(
        resize=lambda x, size, method="bilinear": interpolated(x, size, centred=True),
        resize_images=old_size,
        rgb_to_grayscale=lambda x: x @ np.array([[0.2989], [0.587], [0.114]]),
        per_image_standardization=standardised,
        crop_to_bounding_box=lambda x, top, left, rows, columns: x[:, top : top + rows, left : left + columns],
    ),
)
FAKE_BACKEND = SimpleNamespace(tf=FAKE_TF, cast=FAKE_TF.cast)


def run_source(name: str, images: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the test's own source returns, with TensorFlow 1 and Keras' backend in numpy, also for its imports."""
    module = ModuleType("keras")
    module.backend = FAKE_BACKEND  # type: ignore[attr-defined]
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "keras", module)
        patch.setitem(sys.modules, "keras.backend", FAKE_BACKEND)
        patch.setitem(sys.modules, "tensorflow", FAKE_TF)
        return function_of(SOURCES[name], {"tf": FAKE_TF, "K": FAKE_BACKEND})(images.copy())


def computed_by_layers(steps: tuple[Step, ...], images: Any) -> Any:
    x = keras.Input(images.shape[1:])
    return np.asarray(keras.Model(x, apply_steps(x, steps, "lambda_1"))(images, training=False)) if steps else images


class TestUnderstood:
    @pytest.mark.parametrize(("version", "name"), [case for case in CASES if case[1] in FORMULAS])
    def test_every_version_means_the_same(self, version: str, name: str) -> None:
        expected = "x * 0 + 3" if (version, name) == ("2.7", "integers") else FORMULAS[name]
        result = read_case(version, name)
        assert result.steps is not None
        assert result.text == expected
        assert result.resizes == any(isinstance(step, LambdaCrop | LambdaResize) for step in result.steps)

    @pytest.mark.parametrize("name", FORMULAS)
    def test_layers_compute_what_the_source_computes(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        images = np.random.default_rng(1).uniform(0, 255, (2, 160, 320, 3)).astype(np.float32)
        version = [version for version in COMPILED if name in COMPILED[version]][-1]
        steps = read_case(version, name).steps
        assert steps is not None
        expected = run_source(name, images, monkeypatch)
        result = computed_by_layers(steps, images)
        assert result.shape == expected.shape
        tolerance = 1e-2 if "resize" in name else 2e-4
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=tolerance)

    def test_all_versions_are_there(self) -> None:
        assert list(COMPILED) == ["2.7", *(f"3.{minor}" for minor in range(4, 15))]
        assert all("payload" in parts and len(parts) >= 15 for parts in COMPILED.values())

    def test_this_python_compiles_to_the_same(self) -> None:
        """The table's part for the running version, if it has one, is what this interpreter makes."""
        parts = COMPILED.get(f"{sys.version_info[0]}.{sys.version_info[1]}", {})
        for name in parts:
            assert reading(compiled(SOURCES[name])).text == reading(bytes_of("3.11", name)).text

    @pytest.mark.parametrize(
        ("source", "text"),
        [
            ("lambda x: tf.image.resize(x, (66, 200), antialias=True)", None),
            ("lambda x: tf.image.resize(x, (66, 200), method='nearest')", None),
            ("lambda x: tf.image.resize(x, (66, 200), tf.image.ResizeMethod.BILINEAR)", "resize(x, 66, 200)"),
            ("lambda x: tf.image.resize(x, (66, 10**6))", None),
            ("lambda x: tf.compat.v1.image.resize(x, (66, 200))", "resize_images(x, 66, 200)"),
            ("lambda x: tf.compat.v1.image.resize_bilinear(x, (66, 200))", "resize_images(x, 66, 200)"),
            ("lambda x: keras.ops.image.resize(x, (66, 200))", "resize(x, 66, 200)"),
            ("lambda x: tf.math.multiply(tf.reverse(x, axis=[-1]), 2.)", "x[..., ::-1] * 2"),
            ("lambda x: tf.image.rgb_to_yuv(x / 255)", "yuv(x / 255)"),
            ("lambda x: tf.cast(x, tf.uint8)", None),
            ("lambda x: x - np.array([1., 2., 3.])", "x * 1 + [-1, -2, -3]"),
            ("lambda x: x - [1., 2.] - [1., 2., 3.]", None),
            ("lambda x: 255 / x", None),
            ("lambda x: x / 0", None),
            ("lambda x: x ** 2", None),
            ("lambda x: x * 1e300", None),
            ("lambda x: x * 9 ** 99", None),
            ("lambda x: x[60:134]", None),
            ("lambda x: x[:, ::2]", None),
            ("lambda x: x[:, 60:134] + x[:, 61:135]", None),
            ("lambda x: x[:, :, :, 5:]", None),
            ("lambda x: x[..., 1:, ...]", None),
            ("lambda x, y: x / y", None),
            ("lambda x, *, y=3: x / y", None),
            ("lambda x, *rest: x / 255", None),
            ("lambda x: x" + "[:, 1:]" * 20, "x" + "[:, 1:]" * 20),
            ("lambda x: x" + "[:, 1:]" * 21, None),
            ("lambda: 3", None),
            ("lambda x: (yield x)", None),
            ("lambda x: [y / 255 for y in x]", None),
            ("lambda x: x and x / 255", None),
            ("lambda x: f'{x}'", None),
            ("lambda x: __import__('os').system('true')", None),
            ("def f(x):\n    x = x / 255\n", None),
            ("def f(x):\n    y = x / 255\n    return y - 0.5\n", "x / 255 - 0.5"),
            ("def f(x):\n    return x / y\n    y = 3\n", None),
        ],
    )
    def test_this_pythons_functions(self, source: str, text: str | None) -> None:
        result = reading(compiled(source))
        assert (result.text if result.steps is not None else None) == text


class TestNotUnderstood:
    @pytest.mark.parametrize(("version", "name"), [case for case in CASES if case[1] in REASONS])
    def test_the_reason_is_said(self, version: str, name: str) -> None:
        result = read_case(version, name)
        assert result.steps is None
        assert result.text.startswith(REASONS[name])
        assert result.resizes == (name == "contrast")

    def test_missing_default_arguments(self) -> None:
        result = reading(bytes_of("3.6", "defaults"), [1.0])
        assert result == LambdaReading(None, "it needs 'a', which has no value in the file")

    def test_steps_that_do_not_fit_the_images(self) -> None:
        steps = (LambdaCrop((170, None), (None, None)),)
        with pytest.raises(ValueError, match="leaves nothing"):
            apply_steps(keras.Input((160, 320, 3)), steps, "lambda_1")
        with pytest.raises(ValueError, match="expects images"):
            apply_steps(keras.Input((3,)), steps, "lambda_1")


class TestStoredForms:
    """Keras 1 stores characters, Keras 2 base64 in a list, Keras 3 an object."""

    def test_characters(self) -> None:
        text = bytes_of("3.5", "one").decode("raw_unicode_escape")
        assert read_lambda({"function": [text, None, None]}).text == "x / 127.5 - 1"

    def test_lines_of_base64(self) -> None:
        text = base64.encodebytes(bytes_of("3.5", "resize and normalise")).decode("ascii")
        assert read_lambda({"function": [text, None, None], "function_type": "lambda"}).steps is not None

    def test_keras_3_with_closure_and_arguments(self) -> None:
        scale, offset = 255.0, [1.0, 2.0, 3.0]
        layer = keras.layers.Lambda(lambda x, half: x / scale - half + offset, arguments={"half": 0.5})
        config = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)["config"]))
        assert read_lambda(config).text == "x * 0.003921568627 + [0.5, 1.5, 2.5]"

    @pytest.mark.parametrize(
        "function",
        [
            None,
            3,
            "",
            "resize",
            [],
            [None],
            [[]],
            {},
            {"config": None},
            {"config": {"code": 3}},
            [["x"], 3, 3],
            "é" * 9,
        ],
    )
    def test_anything_else_is_no_function(self, function: object) -> None:
        assert read_lambda({"function": function}).steps is None
