"""Architectures and weights made to do harm are refused, and none runs code."""

from __future__ import annotations

import builtins
import io
import marshal
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from models.loading import load_steering_model
from tests.model_files import architecture_of, layer_of, refusal, saved, small_file


@pytest.fixture(scope="module")
def imports_done(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Python imports a codec when a model is first saved, and that import unmarshals code of its own."""
    small_file(tmp_path_factory.mktemp("first") / "model.h5")


@pytest.fixture
def no_code(imports_done: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiling, evaluating, unmarshalling and Keras' deserialisers end the test."""

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("a model file reached an interpreter")

    monkeypatch.setattr(marshal, "loads", forbidden)
    monkeypatch.setattr(builtins, "eval", forbidden)
    monkeypatch.setattr(keras.saving, "deserialize_keras_object", forbidden)
    monkeypatch.setattr(keras.layers, "deserialize", forbidden)


def edited(path: Path, edit: Callable[[dict[str, Any]], None]) -> Path:
    """A .h5 model with its architecture changed by `edit`."""
    with architecture_of(small_file(path)) as model:
        edit(model)
    return path


@pytest.mark.usefixtures("no_code")
class TestHostileArchitectures:
    @pytest.mark.parametrize(
        "change",
        [
            {"class_name": "TFSMLayer", "config": {"name": "conv", "filepath": "/etc", "call_endpoint": "serve"}},
            {"class_name": "TextVectorization", "config": {"name": "conv", "vocabulary": "/etc/passwd"}},
            {"class_name": "os.system", "config": {"name": "conv"}},
            {"registered_name": "evil>Conv2D"},
            {"module": "subprocess"},
        ],
    )
    def test_only_built_in_layers_are_made(self, change: dict[str, Any], tmp_path: Path) -> None:
        message = refusal(edited(tmp_path / "m.h5", lambda model: layer_of(model, "conv").update(change)))
        assert "'conv'" in message

    @pytest.mark.parametrize(
        ("setting", "value"),
        [
            ("filters", 10**9),
            ("filters", -1),
            ("filters", "2"),
            ("filters", True),
            ("filters", float("nan")),
            ("kernel_size", [5, 5, 5]),
            ("strides", [0, 1]),
            ("strides", [4, 10**6]),
            ("padding", {"class_name": "function", "config": "os.system"}),
            ("activation", {"class_name": "function", "config": "os.system"}),
            ("activation", "os.system"),
            ("data_format", "channels_first"),
            ("use_bias", 1),
            ("dilation_rate", None),
            ("groups", 7),
        ],
    )
    def test_settings_out_of_range_name_the_layer(self, setting: str, value: object, tmp_path: Path) -> None:
        def edit(model: dict[str, Any]) -> None:
            layer_of(model, "conv")["config"][setting] = value

        if setting == "dilation_rate":  # None is the default there, and nothing to refuse
            load_steering_model(edited(tmp_path / "m.h5", edit))
            return
        assert "'conv'" in refusal(edited(tmp_path / "m.h5", edit))

    def test_initialisers_and_regularisers_are_never_read(self, tmp_path: Path) -> None:
        def edit(model: dict[str, Any]) -> None:
            poison = {"module": "os", "class_name": "system", "config": {"command": "true"}, "registered_name": "os"}
            layer_of(model, "conv")["config"].update(kernel_initializer=poison, kernel_regularizer=poison, dtype=poison)

        load_steering_model(edited(tmp_path / "m.h5", edit))

    def test_a_huge_network_is_refused_before_it_is_built(self, tmp_path: Path) -> None:
        message = refusal(edited(tmp_path / "m.h5", lambda m: layer_of(m, "out")["config"].update(units=60_000)))
        assert "parameters" in message

    def test_a_huge_activation_is_refused(self, tmp_path: Path) -> None:
        padding = {"class_name": "ZeroPadding2D", "config": {"name": "wide", "padding": 4000}}
        message = refusal(edited(tmp_path / "m.h5", lambda model: model["config"]["layers"].insert(1, padding)))
        assert "'wide'" in message

    def test_a_network_of_endless_layers_is_refused(self, tmp_path: Path) -> None:
        layer = {"class_name": "Activation", "config": {"activation": "relu"}}
        path = edited(tmp_path / "m.h5", lambda model: model["config"]["layers"].extend([layer] * 2000))
        assert "at most 1000" in refusal(path)

    def test_a_graph_that_bites_its_tail_is_refused(self, tmp_path: Path) -> None:
        x = keras.Input((128, 128, 3))
        b = layers.Flatten(name="b")(layers.ReLU(name="a")(x))
        path = saved(keras.Model(x, layers.Dense(1)(b)), tmp_path / "m.h5")
        with architecture_of(path) as model:
            (node,) = layer_of(model, "a")["inbound_nodes"]
            node["args"][0]["config"]["keras_history"][0] = "b"
        assert "'a'" in refusal(path)

    @pytest.mark.parametrize(
        "text", ["[" * 100_000, "{", "[]", '"text"', "{}", '{"class_name": "Sequential", "config": 7}', "NaN"]
    )
    def test_a_broken_architecture_is_refused(self, text: str, tmp_path: Path) -> None:
        with h5py.File(small_file(tmp_path / "m.h5"), "a") as file:
            file.attrs["model_config"] = text
        assert "architecture" in (message := refusal(tmp_path / "m.h5")) or "model is a" in message


def weight(file: Any, name: str = "kernel") -> tuple[Any, str]:
    """The group and the name in it of the convolution's kernel."""
    group = file["model_weights"]["conv"]
    path = next(key.decode() if isinstance(key, bytes) else key for key in group.attrs["weight_names"] if name in key)
    parent, _, leaf = path.rpartition("/")
    return group[parent], leaf


class TestHostileWeights:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return small_file(tmp_path / "m.h5")

    def replace_kernel(self, path: Path, replacement: Callable[[Any, str], None]) -> str:
        with h5py.File(path, "a") as file:
            group, name = weight(file)
            del group[name]
            replacement(group, name)
        return refusal(path)

    def test_an_external_link_is_refused(self, path: Path, tmp_path: Path) -> None:
        other = small_file(tmp_path / "other.h5")
        link = h5py.ExternalLink(str(other), "/model_weights/conv")
        assert "link" in self.replace_kernel(path, lambda group, name: group.__setitem__(name, link))

    def test_a_soft_link_is_refused(self, path: Path) -> None:
        link = h5py.SoftLink("/model_weights/out")
        assert "link" in self.replace_kernel(path, lambda group, name: group.__setitem__(name, link))

    def test_external_storage_is_refused(self, path: Path, tmp_path: Path) -> None:
        secret = tmp_path / "secret"
        secret.write_bytes(bytes(600))

        def replacement(group: Any, name: str) -> None:
            group.create_dataset(name, (5, 5, 3, 2), "f4", external=[(str(secret), 0, 600)])

        assert "not plain numbers in the file" in self.replace_kernel(path, replacement)

    def test_a_virtual_dataset_is_refused(self, path: Path, tmp_path: Path) -> None:
        layout = h5py.VirtualLayout((5, 5, 3, 2), "f4")
        layout[:] = h5py.VirtualSource(str(tmp_path / "m.h5"), "x", (5, 5, 3, 2))
        message = self.replace_kernel(path, lambda group, name: group.create_virtual_dataset(name, layout))
        assert "not plain numbers in the file" in message

    def test_a_size_that_lies_is_refused_unread(self, path: Path) -> None:
        def replacement(group: Any, name: str) -> None:
            group.create_dataset(name, (2**20, 2**20), "f4", chunks=(1024, 1024), compression="gzip")

        assert "'conv' needs weights" in self.replace_kernel(path, replacement)

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_weights_that_are_no_numbers_are_refused(self, value: float, path: Path) -> None:
        array = np.full((5, 5, 3, 2), value, np.float32)
        assert "finite" in self.replace_kernel(path, lambda group, name: group.create_dataset(name, data=array))

    def test_texts_for_weights_are_refused(self, path: Path) -> None:
        array = np.full((5, 5, 3, 2), b"0.1")
        assert "not plain numbers" in self.replace_kernel(path, lambda g, name: g.create_dataset(name, data=array))

    def test_missing_weights_are_named(self, path: Path) -> None:
        assert "incomplete" in self.replace_kernel(path, lambda *_: None)

    def test_an_architecture_that_is_no_text_is_refused(self, path: Path) -> None:
        with h5py.File(path, "a") as file:
            file.attrs["model_config"] = np.zeros(9)
        assert "not a text" in refusal(path)


class TestHostileTreesOfWeights:
    """A .keras file keeps its weights in a tree of groups."""

    def changed(self, folder: Path, change: Callable[[Any], None]) -> str:
        """The refusal of a .keras file after a change of its weights."""
        path = small_file(folder / "model.keras")
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        weights = io.BytesIO(members["model.weights.h5"])
        with h5py.File(weights, "a") as file:
            change(file)
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in {**members, "model.weights.h5": weights.getvalue()}.items():
                archive.writestr(name, content)
        return refusal(path)

    def test_a_link_for_a_layer_is_refused(self, tmp_path: Path) -> None:
        def change(file: Any) -> None:
            del file["layers/conv2d"]
            file["layers/conv2d"] = h5py.SoftLink("/layers/dense")

        assert "link" in self.changed(tmp_path, change)

    def test_a_tree_that_contains_itself_is_refused(self, tmp_path: Path) -> None:
        """Hard links to the root make the tree infinitely deep."""

        def change(file: Any) -> None:
            for name in ("conv2d", "dense"):
                del file[f"layers/{name}"]
            for name in "abcdefgh":
                file[f"layers/{name}"] = file["/"]

        assert "no weights" in self.changed(tmp_path, change)

    def test_a_forest_of_empty_groups_is_refused(self, tmp_path: Path) -> None:
        def change(file: Any) -> None:
            del file["layers"]
            for outer in range(4):
                for inner in range(1000):
                    file.create_group(f"layers/{outer}/{inner}")

        assert "more than 3,000 groups" in self.changed(tmp_path, change)

    def test_numbers_for_the_layers_are_refused(self, tmp_path: Path) -> None:
        def change(file: Any) -> None:
            del file["layers"]
            file["layers"] = np.zeros(3)

        assert "no weights" in self.changed(tmp_path, change)

    def test_a_missing_layer_is_named(self, tmp_path: Path) -> None:
        def change(file: Any) -> None:
            del file["layers/dense"]

        assert "'out'" in self.changed(tmp_path, change)
