"""Model files of every kind load to one kind of model, hostile and broken ones are refused, and none runs code."""

from __future__ import annotations

import base64
import builtins
import io
import json
import marshal
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from models.keras_files.lambdas import guess_normalisation
from models.loading import ModelFileError, load_steering_model
from models.preprocessing import PREPROCESSINGS
from models.steering import baseline, eff

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras' own saving
    pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file"),
]

FRAMES = np.random.default_rng(3).integers(0, 256, (2, 160, 320, 3), dtype=np.uint8)


def small(shape: tuple[int, ...], *before: Any, units: int = 1, activation: str = "tanh") -> keras.Model:
    """A convolution and a head on an input of `shape`, in training's random state."""
    keras.utils.set_random_seed(5)
    head = [layers.Conv2D(2, 5, strides=4, name="conv"), layers.Flatten(), layers.Dense(units, activation, name="out")]
    return keras.Sequential([keras.Input(shape), *before, *head])


def saved(model: keras.Model, path: Path) -> Path:
    model.save(path)
    return path


def answer(model: keras.Model, x: Any = FRAMES) -> np.ndarray:
    return np.asarray(model(x, training=False))


def refusal(path: Path, preprocess: str | None = None) -> str:
    with pytest.raises(ModelFileError) as caught:
        load_steering_model(path, preprocess)
    message = str(caught.value)
    assert "\n" not in message
    return message


class TestFilesOfOurOwn:
    @pytest.mark.parametrize("suffix", [".h5", ".keras"])
    @pytest.mark.parametrize("build", [baseline, eff])
    def test_load_with_the_same_answers(self, build: Callable[[], keras.Model], suffix: str, tmp_path: Path) -> None:
        model = build()
        loaded = load_steering_model(saved(model, tmp_path / f"model{suffix}"))
        np.testing.assert_allclose(answer(loaded.model), answer(model), atol=1e-6)
        assert loaded.notes == ()
        assert loaded.model.count_params() == model.count_params()

    @pytest.mark.parametrize("given", ["eff.json", "eff.weights.h5"])
    def test_load_from_architecture_and_weights(self, given: str, tmp_path: Path) -> None:
        model = eff()
        (tmp_path / "eff.json").write_text(model.to_json())
        model.save_weights(tmp_path / "eff.weights.h5")
        np.testing.assert_allclose(answer(load_steering_model(tmp_path / given).model), answer(model), atol=1e-6)

    def test_take_no_preprocessing(self, tmp_path: Path) -> None:
        assert "prepares them itself" in refusal(saved(eff(), tmp_path / "eff.h5"), "origin")


class TestInputsOfOtherShapes:
    @pytest.mark.parametrize(("shape", "name"), [((128, 128, 3), "origin"), ((66, 200, 3), "pilotnet")])
    def test_choose_the_usual_preprocessing_and_say_so(self, shape: tuple[int, ...], name: str, tmp_path: Path) -> None:
        model = small(shape)
        loaded = load_steering_model(saved(model, tmp_path / "model.h5"))
        frames = keras.Input((160, 320, 3), dtype="uint8")
        prepared = answer(keras.Model(frames, PREPROCESSINGS[name](frames)))
        np.testing.assert_allclose(answer(loaded.model), answer(model, prepared), atol=1e-5)
        assert any(name in note and "chosen by the input's shape" in note for note in loaded.notes)

    def test_a_named_preprocessing_is_taken(self, tmp_path: Path) -> None:
        path = saved(small((66, 200, 3)), tmp_path / "model.keras")
        pilotnet, old = load_steering_model(path), load_steering_model(path, "pilotnet-bgr")
        assert np.abs(answer(pilotnet.model) - answer(old.model)).max() > 1e-4
        assert not any("chosen by" in note for note in old.notes)

    def test_a_whole_frame_of_floats_is_taken_as_it_is(self, tmp_path: Path) -> None:
        model = small((160, 320, 3), layers.BatchNormalization(epsilon=30.0))
        loaded = load_steering_model(saved(model, tmp_path / "model.h5"))
        np.testing.assert_allclose(answer(loaded.model), answer(model, FRAMES.astype(np.float32)), atol=1e-5)
        assert any("chosen by" in note for note in loaded.notes)

    def test_a_file_that_scales_by_itself_is_not_scaled_twice(self, tmp_path: Path) -> None:
        scaling = small((128, 128, 3), layers.Rescaling(1 / 255, -0.5))
        plain = small((128, 128, 3))
        plain.set_weights(scaling.get_weights())
        scaled = load_steering_model(saved(scaling, tmp_path / "a.h5"))
        np.testing.assert_allclose(
            answer(scaled.model), answer(load_steering_model(saved(plain, tmp_path / "b.h5")).model), atol=1e-5
        )
        assert any("Rescaling" in note for note in scaled.notes)

    def test_a_shape_that_no_preprocessing_makes_lists_them(self, tmp_path: Path) -> None:
        message = refusal(saved(small((64, 64, 3)), tmp_path / "model.h5"))
        assert "(64, 64, 3)" in message
        assert "origin (128x128)" in message

    def test_a_preprocessing_of_another_shape_is_refused(self, tmp_path: Path) -> None:
        assert "--preprocess origin" in refusal(saved(small((128, 128, 3)), tmp_path / "model.h5"), "pilotnet")

    def test_an_unknown_preprocessing_is_refused(self, tmp_path: Path) -> None:
        assert "there are origin, pilotnet" in refusal(saved(small((128, 128, 3)), tmp_path / "model.h5"), "nvidia")

    def test_a_channels_first_model_is_named_so(self, tmp_path: Path) -> None:
        text = small((128, 128, 3)).to_json().replace("[null, 128, 128, 3]", "[null, 3, 128, 128]")
        (tmp_path / "m.json").write_text(text)
        small((128, 128, 3)).save_weights(tmp_path / "m.weights.h5")
        assert "channels-first" in refusal(tmp_path / "m.json")

    @pytest.mark.parametrize(("units", "activation"), [(2, "linear"), (10, "softmax")])
    def test_only_one_answer_is_a_steering_value(self, units: int, activation: str, tmp_path: Path) -> None:
        model = small((128, 128, 3), units=units, activation=activation)
        assert f"({units},) values" in refusal(saved(model, tmp_path / "model.h5"))


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


@pytest.fixture
def no_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiling, evaluating, unmarshalling and Keras' deserialisers end the test."""

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("a model file reached an interpreter")

    monkeypatch.setattr(marshal, "loads", forbidden)
    monkeypatch.setattr(builtins, "eval", forbidden)
    monkeypatch.setattr(keras.saving, "deserialize_keras_object", forbidden)
    monkeypatch.setattr(keras.layers, "deserialize", forbidden)


def edited(path: Path, edit: Callable[[dict[str, Any]], None]) -> Path:
    """A .h5 model with its architecture changed by `edit`."""
    with h5py.File(saved(small((128, 128, 3)), path), "a") as file:
        model = json.loads(file.attrs["model_config"])
        edit(model)
        file.attrs["model_config"] = json.dumps(model)
    return path


def layer_of(model: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in model["config"]["layers"] if each["config"].get("name") == name)


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
        def edit(model: dict[str, Any]) -> None:
            (node,) = next(each for each in model["config"]["layers"] if each["name"] == "a")["inbound_nodes"]
            node["args"][0]["config"]["keras_history"][0] = "b"

        x = keras.Input((128, 128, 3))
        b = layers.Flatten(name="b")(layers.ReLU(name="a")(x))
        path = saved(keras.Model(x, layers.Dense(1)(b)), tmp_path / "m.h5")
        with h5py.File(path, "a") as file:
            model = json.loads(file.attrs["model_config"])
            edit(model)
            file.attrs["model_config"] = json.dumps(model)
        assert "'a'" in refusal(path)

    @pytest.mark.parametrize(
        "text", ["[" * 100_000, "{", "[]", '"text"', "{}", '{"class_name": "Sequential", "config": 7}', "NaN"]
    )
    def test_a_broken_architecture_is_refused(self, text: str, tmp_path: Path) -> None:
        with h5py.File(saved(small((128, 128, 3)), tmp_path / "m.h5"), "a") as file:
            file.attrs["model_config"] = text
        assert "architecture" in (message := refusal(tmp_path / "m.h5")) or "model is a" in message


def weight(file: Any, name: str = "kernel") -> tuple[Any, str]:
    """The group and the name in it of the convolution's kernel."""
    group = file["model_weights"]["conv"]
    path = next(
        each.decode() if isinstance(each, bytes) else each for each in group.attrs["weight_names"] if name in each
    )
    parent, _, leaf = path.rpartition("/")
    return group[parent], leaf


class TestHostileWeights:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return saved(small((128, 128, 3)), tmp_path / "m.h5")

    def replace_kernel(self, path: Path, replacement: Callable[[Any, str], None]) -> str:
        with h5py.File(path, "a") as file:
            group, name = weight(file)
            del group[name]
            replacement(group, name)
        return refusal(path)

    def test_an_external_link_is_refused(self, path: Path, tmp_path: Path) -> None:
        other = saved(small((128, 128, 3)), tmp_path / "other.h5")
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


class TestBrokenFiles:
    def test_garbage_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "model.h5").write_bytes(np.random.default_rng(0).bytes(5000))
        assert "not a Keras model file" in refusal(tmp_path / "model.h5")

    @pytest.mark.parametrize("name", ["model.h5", "model.keras"])
    @pytest.mark.parametrize("kept", [0.02, 0.5, 0.98])
    def test_a_truncated_file_is_refused(self, name: str, kept: float, tmp_path: Path) -> None:
        path = saved(small((128, 128, 3)), tmp_path / name)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * kept)])
        refusal(path)

    def test_flipped_bytes_load_or_are_refused_but_never_crash(self, tmp_path: Path) -> None:
        """Of a .keras file only: on some flips of a .h5 file HDF5 itself loops for ever, which no thread can end."""
        path = saved(small((128, 128, 3)), tmp_path / "model.keras")
        content = path.read_bytes()
        rng = np.random.default_rng(11)
        for _ in range(25):
            broken = bytearray(content)
            for place in rng.integers(0, len(broken), 6):
                broken[place] = rng.integers(256)
            path.write_bytes(broken)
            try:
                load_steering_model(path)
            except ModelFileError:
                continue

    def test_hdf5_without_a_model_is_refused(self, tmp_path: Path) -> None:
        with h5py.File(tmp_path / "data.h5", "w") as file:
            file["x"] = np.arange(9)
        assert "without a .json" in refusal(tmp_path / "data.h5")

    def test_a_zip_without_a_model_is_refused(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
            archive.writestr("readme.txt", "nothing")
        assert "not a .keras model" in refusal(tmp_path / "model.keras")

    def test_a_zip_bomb_is_refused(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "model.keras", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("config.json", bytes(64 << 20))
        assert "unpacks to more than" in refusal(tmp_path / "model.keras")

    def test_a_zip_that_lies_about_a_size_is_refused(self, tmp_path: Path) -> None:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("config.json", bytes(64 << 20))
        content = bytearray(file.getvalue())
        for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
            struct.pack_into("<I", content, content.index(signature) + offset, 10)
        (tmp_path / "model.keras").write_bytes(content)
        refusal(tmp_path / "model.keras")

    def test_a_pointer_of_git_lfs_is_explained(self, tmp_path: Path) -> None:
        (tmp_path / "model.h5").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
        assert "git lfs pull" in refusal(tmp_path / "model.h5")

    def test_a_folder_and_a_missing_file_are_named(self, tmp_path: Path) -> None:
        assert "folder" in refusal(tmp_path)
        assert "no model file" in refusal(tmp_path / "none.h5")

    def test_an_architecture_without_weights_names_the_files_it_looked_for(self, tmp_path: Path) -> None:
        (tmp_path / "net.json").write_text(small((128, 128, 3)).to_json())
        assert "net.h5, net.weights.h5" in refusal(tmp_path / "net.json")
