"""Models inside models, and layers called twice, are flattened and answer as Keras does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from models.convert import litert_bytes
from models.loading import load_steering_model
from tests.model_files import answer, assert_served, raw_model
from tests.nested_models import block, called_twice, in_a_row, in_each_other
from tests.old_keras_files import write_model

SUFFIXES = (".keras", ".h5")


def frozen(x: Any) -> Any:
    """Keras writes the weights of layers that do not learn after all others."""
    model = block("base", (160, 320, 3), layers.Conv2D(2, 3, strides=2, name="last"))
    model.get_layer("conv").trainable = False
    return model(x, training=False)


def augmented(x: Any) -> Any:
    """Augmentation in models of its own, as Keras' tutorials write it, before and between the rest."""
    flips = keras.Sequential([layers.RandomFlip(), layers.RandomContrast(0.2)], name="flips")
    noise = keras.Sequential([layers.GaussianNoise(0.1)], name="noise")
    return noise(block("base", (160, 320, 3))(layers.RandomZoom(0.1)(flips(x))))


@pytest.mark.parametrize(
    ("build", "suffix"),
    [
        *((build, ".h5") for build in (in_a_row, in_each_other, frozen, augmented, called_twice)),
        *((build, ".keras") for build in (in_each_other, called_twice)),
        *(pytest.param(build, ".keras", marks=pytest.mark.slow) for build in (in_a_row, frozen, augmented)),
    ],
)
def test_a_nested_model_answers_as_in_keras(build: Callable[[Any], Any], suffix: str, tmp_path: Path) -> None:
    copy = assert_served(raw_model(build), tmp_path / f"model{suffix}")
    assert not any(isinstance(layer, keras.Model) for layer in copy.layers)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_sequential_that_begins_with_a_model(suffix: str, tmp_path: Path) -> None:
    frames = keras.Input((160, 320, 3), dtype="uint8")
    base = keras.Model(frames, layers.Conv2D(2, 5, strides=5)(layers.Rescaling(1 / 255)(frames)))
    assert_served(keras.Sequential([base, layers.Flatten(), layers.Dense(1)]), tmp_path / f"model{suffix}")


def application(name: str, **options: Any) -> Callable[[Any], Any]:
    def build(x: Any) -> Any:
        base = getattr(keras.applications, name)
        prepares_itself = name.startswith(("EfficientNet", "MobileNetV3", "ConvNeXt"))
        pixels = layers.Rescaling(255.0 if prepares_itself else 1.0)(x)
        features = base(input_shape=(160, 320, 3), include_top=False, weights=None, **options)(pixels, training=False)
        return layers.GlobalAveragePooling2D()(features)

    return build


@pytest.mark.slow
def test_mobilenet_inside_a_model(tmp_path: Path) -> None:
    assert_same_application("MobileNetV2", tmp_path, (".keras",), alpha=0.35)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "EfficientNetB0",
        "ResNet50",
        "MobileNetV3Small",
        "DenseNet121",
        "Xception",
        "NASNetMobile",
        "InceptionV3",
        "ConvNeXtTiny",
    ],
)
def test_applications_of_keras_inside_a_model(name: str, tmp_path: Path) -> None:
    assert_same_application(name, tmp_path, SUFFIXES)


def assert_same_application(name: str, folder: Path, suffixes: Sequence[str], **options: Any) -> None:
    """Compare answers, and weights too, because an untrained network hardly tells one frame from another."""
    model = raw_model(application(name, **options))
    if name.startswith("MobileNet"):  # its untrained kernels make every frame the same
        model.set_weights([2.5 * array if array.ndim > 1 else array for array in model.get_weights()])
    base = next(layer for layer in model.layers if isinstance(layer, keras.Model))
    for suffix in suffixes:
        flat_layers = {layer.name: layer for layer in assert_served(model, folder / f"model{suffix}").layers}
        compared = 0
        for layer in base.layers:
            twin = flat_layers.get(f"{base.name}_{layer.name}".replace(".", "_"))
            if twin and layer.weights and not isinstance(layer, layers.Normalization):
                for array, other in zip(layer.get_weights(), twin.get_weights(), strict=True):
                    np.testing.assert_array_equal(array, other)
                compared += 1
        assert compared > 50, suffix


@pytest.mark.slow
def test_a_nested_model_becomes_a_litert_file(tmp_path: Path) -> None:
    copy = assert_served(raw_model(in_each_other), tmp_path / "model.keras")
    assert len(litert_bytes(copy)) > 1000


class TestFilesOfKeras2:
    """Keras 2 counts a nested model's calls from 1, and writes its statistics after all its other weights."""

    RNG = np.random.default_rng(2)
    KERNELS = RNG.normal(0, 0.3, (2, 3, 3, 3, 3)).astype(np.float32)
    GAINS = RNG.uniform(0.5, 1.5, (2, 4, 3)).astype(np.float32)
    HEAD = RNG.normal(0, 0.1, (3, 1)).astype(np.float32)

    def inner(self, name: str) -> dict[str, Any]:
        convolution = {"name": "conv", "filters": 3, "kernel_size": [3, 3], "strides": [3, 3], "use_bias": False}
        chain = [
            ("InputLayer", {"name": "in", "batch_input_shape": [None, None, None, 3], "dtype": "float32"}, []),
            ("Conv2D", convolution, [[["in", 0, 0, {}]]]),
            ("BatchNormalization", {"name": "norm", "axis": [3]}, [[["conv", 0, 0, {}]]]),
        ]
        described = [
            {"class_name": kind, "name": config["name"], "config": config, "inbound_nodes": nodes}
            for kind, config, nodes in chain
        ]
        ends = {"input_layers": [["in", 0, 0]], "output_layers": [["norm", 0, 0]]}
        return {"name": name, "layers": described, **ends}

    def test_are_flattened_too(self, tmp_path: Path) -> None:
        shape = {"name": "frames", "batch_input_shape": [None, 160, 320, 3], "dtype": "uint8"}
        scale = {"name": "scale", "scale": 1 / 255, "offset": 0.0}
        chain: list[tuple[str, dict[str, Any], list[Any]]] = [
            ("InputLayer", shape, []),
            ("Rescaling", scale, [[["frames", 0, 0, {}]]]),
            ("Functional", self.inner("a"), [[["scale", 0, 0, {}]]]),
            ("Model", self.inner("b"), [[["a", 1, 0, {}]]]),
            ("GlobalAveragePooling2D", {"name": "pool"}, [[["b", 1, 0, {}]]]),
            ("Dense", {"name": "head", "units": 1, "use_bias": False}, [[["pool", 0, 0, {}]]]),
        ]
        described = [
            {"class_name": kind, "name": config["name"], "config": config, "inbound_nodes": nodes}
            for kind, config, nodes in chain
        ]
        config = {
            "name": "m",
            "layers": described,
            "input_layers": [["frames", 0, 0]],
            "output_layers": [["head", 0, 0]],
        }
        names = ["conv/kernel:0", "norm/gamma:0", "norm/beta:0", "norm/moving_mean:0", "norm/moving_variance:0"]
        weights = {
            name: dict(zip(names, [self.KERNELS[place], *self.GAINS[place]], strict=True))
            for place, name in enumerate("ab")
        }
        weights["head"] = {"head/kernel:0": self.HEAD}
        path = write_model(tmp_path / "model.h5", config, weights, "2.4.0", "Functional")
        twin = keras.Sequential([keras.Input((160, 320, 3), dtype="uint8"), layers.Rescaling(1 / 255)])
        for _ in "ab":
            twin.add(layers.Conv2D(3, 3, 3, use_bias=False))
            twin.add(layers.BatchNormalization())
        twin.add(layers.GlobalAveragePooling2D())
        twin.add(layers.Dense(1, use_bias=False))
        arrays = [array for place in (0, 1) for array in (self.KERNELS[place], *self.GAINS[place])]
        twin.set_weights([*arrays, self.HEAD])
        np.testing.assert_allclose(answer(load_steering_model(path).model), answer(twin), rtol=1e-5, atol=1e-5)
