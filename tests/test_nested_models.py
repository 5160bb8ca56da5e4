"""Models inside models, and layers called twice, are flattened and answer as Keras does."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from models.convert import litert_bytes
from models.keras_files import building
from models.loading import load_steering_model
from tests.model_files import answer, architecture_of, assert_served, layer_of, raw_model, refusal, saved_bytes
from tests.old_keras_files import write_model

SUFFIXES = (".keras", ".h5")


def block(name: str, shape: tuple[int, ...], *more: Any) -> keras.Model:
    """A Sequential whose layers have the same names in every block."""
    inner = [layers.Conv2D(3, 3, strides=2, name="conv"), layers.BatchNormalization(name="norm"), *more]
    return keras.Sequential([keras.Input(shape), *inner], name=name)


def functional(name: str, shape: tuple[int, ...]) -> keras.Model:
    """A functional model with a branch, whose layers have the names of `block`."""
    x = keras.Input(shape)
    y = layers.BatchNormalization(name="norm")(layers.Conv2D(3, 3, padding="same", name="conv")(x))
    return keras.Model(x, layers.Add()([x, y]), name=name)


def in_a_row(x: Any) -> Any:
    return functional("second", (79, 159, 3))(block("first", (160, 320, 3))(x))


def in_each_other(x: Any) -> Any:
    """Three deep, with the same names on every level and a Sequential built from the outside."""
    deepest = keras.Sequential([layers.Conv2D(2, 3, strides=3, name="conv"), layers.ReLU()], name="deepest")
    middle = block("middle", (79, 159, 3), functional("inside", (39, 79, 3)), deepest)
    return block("outer", (160, 320, 3), middle)(x)


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


def called_twice(x: Any) -> Any:
    """A model and a layer with the same weights for both halves of the frame."""
    tower = block("tower", (80, 320, 3), layers.GlobalAveragePooling2D())
    head = layers.Dense(4, activation="tanh", name="head")
    halves = [layers.Cropping2D(((0, 80), (0, 0)))(x), layers.Cropping2D(((80, 0), (0, 0)))(x)]
    return layers.Subtract()([head(tower(half)) for half in halves])


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


def nested_file(path: Path, edit: Callable[[dict[str, Any]], None]) -> Path:
    """A .h5 file of two nested models, with its architecture changed by `edit`."""
    path.write_bytes(saved_bytes(".h5", raw_model, in_a_row))
    with architecture_of(path) as model:
        edit(model)
    return path


def halves_of_frames(x: Any) -> Any:
    """Before the last layer come slices, nested models and layers that join."""
    tower = block("tower", (80, 320, 3), layers.GlobalAveragePooling2D())
    whole = layers.GlobalMaxPooling2D()(functional("whole", (160, 320, 3))(x))
    return layers.Concatenate()([tower(x[:, :80]), tower(x[:, 80:]), whole])


@pytest.mark.parametrize("build", [in_each_other, called_twice, halves_of_frames])
def test_wrong_weights_of_the_last_layer_are_refused_before_any_layer_is_built(
    build: Callable[[Any], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.h5"
    raw_model(build).save(path)
    with h5py.File(path, "a") as file:
        group = next(group for name, group in file["model_weights"].items() if name.startswith("dense"))
        name = next(name for name in group.attrs["weight_names"] if name.endswith("kernel"))
        kernel = group[name][()]
        del group[name]
        group[name] = kernel[:-1]
    monkeypatch.setattr(building, "_apply", None)
    rows = len(kernel)
    assert f"needs weights of shapes ({rows}, 1), (1,), the file has ({rows - 1}, 1), (1,)" in refusal(path)


class TestNestedModelsMadeToDoHarm:
    def refused(self, tmp_path: Path, edit: Callable[[dict[str, Any]], None]) -> str:
        path = nested_file(tmp_path / "model.h5", edit)
        start_s = time.process_time()
        message = refusal(path)
        assert time.process_time() - start_s < 1.0
        return message

    def test_a_tower_of_models_is_refused(self, tmp_path: Path) -> None:
        def edit(model: dict[str, Any]) -> None:
            inner = layer_of(model, "first")
            for depth in range(50):
                inner["config"]["layers"] = [
                    {"class_name": "Sequential", "config": {"name": f"s{depth}", "layers": inner["config"]["layers"]}}
                ]

        assert "deep" in self.refused(tmp_path, edit)

    def test_models_that_multiply_with_each_level_are_refused(self, tmp_path: Path) -> None:
        """Seven levels of models that each call the next ten times would make ten million layers."""

        def edit(model: dict[str, Any]) -> None:
            layer = {"class_name": "ReLU", "config": {"name": "x"}}
            for level in range(7):
                first = 1 if level else 0  # Keras 2 counts a nested model's calls from 1
                calls = [[["in", 0, 0, {}]], *([["x", first + call, 0, {}]] for call in range(9))]
                inner = [{"class_name": "InputLayer", "config": {"name": "in"}}, {**layer, "inbound_nodes": calls}]
                config = {"name": "x", "layers": inner, "output_layers": [["x", first + 9, 0]]}
                layer = {"class_name": "Functional", "config": config}
            layer_of(model, "first")["config"]["layers"] = [layer]

        assert "more layers than the 1000" in self.refused(tmp_path, edit)

    def test_a_model_that_feeds_itself_is_refused(self, tmp_path: Path) -> None:
        def edit(model: dict[str, Any]) -> None:
            layer = layer_of(model, "first")
            layer["inbound_nodes"][0]["args"][0]["config"]["keras_history"][0] = "second"

        assert "missing layer" in self.refused(tmp_path, edit)

    def test_a_nested_class_of_the_author_is_refused(self, tmp_path: Path) -> None:
        def edit(model: dict[str, Any]) -> None:
            layer = layer_of(model, "second")["config"]["layers"][1]
            layer["module"], layer["registered_name"] = "evil", "evil>Conv2D"

        assert "custom class" in self.refused(tmp_path, edit)

    def test_a_nested_layer_out_of_the_catalogue_is_named_with_its_models(self, tmp_path: Path) -> None:
        def edit(model: dict[str, Any]) -> None:
            layer_of(model, "second")["config"]["layers"][1]["class_name"] = "TFSMLayer"

        assert "'second/conv'" in self.refused(tmp_path, edit)

    def test_a_nested_model_in_training_mode_is_refused(self, tmp_path: Path) -> None:
        def edit(model: dict[str, Any]) -> None:
            layer_of(model, "first")["inbound_nodes"][0]["kwargs"]["training"] = True

        assert "'first' is called with training=True" in self.refused(tmp_path, edit)

    def test_a_nested_model_of_two_inputs_is_refused(self, tmp_path: Path) -> None:
        def edit(model: dict[str, Any]) -> None:
            inner = layer_of(model, "second")["config"]["layers"]
            inner.append({**inner[0], "config": {**inner[0]["config"], "name": "other"}, "name": "other"})

        assert "2 inputs" in self.refused(tmp_path, edit)

    def test_weights_whose_names_fit_no_layer_are_refused(self, tmp_path: Path) -> None:
        def edit(model: dict[str, Any]) -> None:
            inner = layer_of(model, "second")["config"]
            for layer in inner["layers"]:
                if layer["name"] == "conv":
                    layer["name"] = layer["config"]["name"] = "renamed"
                elif layer["name"] == "norm":
                    layer["inbound_nodes"][0]["args"][0]["config"]["keras_history"][0] = "renamed"

        assert "fits no layer" in self.refused(tmp_path, edit)
