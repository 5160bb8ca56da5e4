"""Nested models that do not fit, or are made to do harm, are refused before they are built."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest
from keras import layers

from models.keras_files import building
from tests.model_files import architecture_of, layer_of, raw_model, refusal, saved_bytes
from tests.nested_models import block, called_twice, functional, in_a_row, in_each_other


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
