"""Model files of every kind and input shape load to one kind of model; broken ones are refused."""

from __future__ import annotations

import functools
import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import h5py
import keras
import numpy as np
import pytest
from keras import layers

from models.loading import ModelFileError, load_bare_network, load_steering_model
from models.preprocessing.named import named
from models.steering import baseline, eff
from tests.model_files import FRAMES, answer, refusal, saved, small, small_file


@functools.cache
def built(build: Callable[[], keras.Model]) -> keras.Model:
    """Built once for all tests that only save it."""
    return build()


class TestFilesOfOurOwn:
    @pytest.mark.parametrize(
        ("build", "suffix"),
        [
            (eff, ".h5"),
            (baseline, ".keras"),
            pytest.param(eff, ".keras", marks=pytest.mark.slow),
            pytest.param(baseline, ".h5", marks=pytest.mark.slow),
        ],
    )
    def test_load_with_the_same_answers(self, build: Callable[[], keras.Model], suffix: str, tmp_path: Path) -> None:
        model = built(build)
        network = load_steering_model(saved(model, tmp_path / f"model{suffix}"))
        np.testing.assert_allclose(answer(network.model), answer(model), atol=1e-6)
        assert network.notes == ()
        assert network.model.count_params() == model.count_params()

    @pytest.mark.parametrize("half", ["eff.json", "eff.weights.h5"])
    def test_load_from_architecture_and_weights(self, half: str, tmp_path: Path) -> None:
        model = built(eff)
        (tmp_path / "eff.json").write_text(model.to_json())
        model.save_weights(tmp_path / "eff.weights.h5")
        np.testing.assert_allclose(answer(load_steering_model(tmp_path / half).model), answer(model), atol=1e-6)

    def test_take_no_preprocessing(self, tmp_path: Path) -> None:
        assert "prepares them itself" in refusal(saved(built(eff), tmp_path / "eff.h5"), "origin")


class TestInputsOfOtherShapes:
    @pytest.mark.parametrize(
        ("shape", "name"), [((128, 128, 3), "origin"), ((66, 200, 3), "course"), ((120, 160, 3), "donkey")]
    )
    def test_choose_the_usual_preprocessing_and_say_so(self, shape: tuple[int, ...], name: str, tmp_path: Path) -> None:
        model = small(shape)
        network = load_steering_model(saved(model, tmp_path / "model.h5"))
        np.testing.assert_allclose(answer(network.model), answer(model, answer(_pixels(name))), atol=1e-5)
        assert any(name in note and "chosen by the input's shape" in note for note in network.notes)

    def test_a_named_preprocessing_is_taken(self, tmp_path: Path) -> None:
        path = small_file(tmp_path / "model.keras", (66, 200, 3))
        pilotnet, old = load_steering_model(path), load_steering_model(path, "pilotnet-bgr")
        assert np.abs(answer(pilotnet.model) - answer(old.model)).max() > 1e-4
        assert not any("chosen by" in note for note in old.notes)

    def test_a_whole_frame_of_floats_is_taken_as_it_is(self, tmp_path: Path) -> None:
        model = small((160, 320, 3), layers.BatchNormalization(epsilon=30.0))
        network = load_steering_model(saved(model, tmp_path / "model.h5"))
        np.testing.assert_allclose(answer(network.model), answer(model, FRAMES.astype(np.float32)), atol=1e-5)
        assert any("chosen by" in note for note in network.notes)

    def test_a_file_that_scales_by_itself_is_not_scaled_twice(self, tmp_path: Path) -> None:
        scaling = small((128, 128, 3), layers.Rescaling(1 / 255, -0.5))
        plain = small((128, 128, 3))
        plain.set_weights(scaling.get_weights())
        scaled = load_steering_model(saved(scaling, tmp_path / "a.h5"))
        text = "rows=80:140, size=128x128, scale=1/255, offset=-0.5"
        np.testing.assert_allclose(
            answer(scaled.model), answer(load_steering_model(saved(plain, tmp_path / "b.h5"), text).model), atol=1e-5
        )
        assert any("so they are not scaled before" in note for note in scaled.notes)

    def test_a_written_scaling_is_obeyed_and_a_second_one_pointed_out(self, tmp_path: Path) -> None:
        path = saved(small((64, 64, 3), layers.Rescaling(1 / 255)), tmp_path / "model.h5")
        once, twice = (load_steering_model(path, f"size=64x64{text}") for text in ("", ", scale=1/2"))
        assert any("they are scaled before as well, as written" in note for note in twice.notes)
        assert np.abs(answer(once.model) - answer(twice.model)).max() > 1e-3

    def test_a_shape_of_many_uses_is_refused_with_what_to_write(self, tmp_path: Path) -> None:
        message = refusal(small_file(tmp_path / "model.h5", (64, 64, 3)))
        assert '--preprocess "rows=60:140, size=64x64, scale=1/255"' in message
        assert "python -m models.identify" in message

    def test_written_pixels_of_any_size_and_colour_are_given(self, tmp_path: Path) -> None:
        model = small((32, 48, 1))
        network = load_steering_model(
            saved(model, tmp_path / "model.keras"), "colour=grey, rows=60:140, area=32x48, scale=1/255"
        )
        pixels = [
            cv2.resize(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)[60:140], (48, 32), interpolation=cv2.INTER_AREA)
            for frame in FRAMES
        ]
        expected = answer(model, np.stack(pixels)[..., None].astype(np.float32) / 255)
        np.testing.assert_allclose(answer(network.model), expected, atol=5e-3)

    def test_the_answer_may_be_scaled_or_mirrored(self, tmp_path: Path) -> None:
        path = small_file(tmp_path / "model.h5", (66, 200, 3))
        degrees = load_steering_model(path, "course, steer=-1/25")
        np.testing.assert_allclose(answer(degrees.model), answer(load_steering_model(path).model) / -25, rtol=1e-5)

    def test_a_preprocessing_of_another_shape_is_refused(self, tmp_path: Path) -> None:
        assert ", origin, or let" in refusal(small_file(tmp_path / "model.h5"), "pilotnet")

    def test_an_unknown_preprocessing_is_refused(self, tmp_path: Path) -> None:
        assert "the short forms are origin, course" in refusal(small_file(tmp_path / "model.h5"), "nvidia")

    def test_a_channels_first_model_is_named_so(self, tmp_path: Path) -> None:
        text = small((128, 128, 3)).to_json().replace("[null, 128, 128, 3]", "[null, 3, 128, 128]")
        (tmp_path / "m.json").write_text(text)
        small((128, 128, 3)).save_weights(tmp_path / "m.weights.h5")
        assert "channels-first" in refusal(tmp_path / "m.json")

    @pytest.mark.parametrize(("units", "activation"), [(2, "linear"), (10, "softmax")])
    def test_only_one_answer_is_a_steering_value(self, units: int, activation: str, tmp_path: Path) -> None:
        model = small((128, 128, 3), units=units, activation=activation)
        path = saved(model, tmp_path / "model.h5")
        assert f"answers with out ({units} numbers); one number is the steering" in refusal(path)
        assert f"output={units} is none of them" in refusal(path, f"origin, output={units}")
        chosen = load_steering_model(path, "origin, output=1").model
        np.testing.assert_allclose(answer(chosen), answer(model, answer(_pixels("origin")))[:, 1:2], atol=1e-5)


@pytest.fixture
def two_outputs(tmp_path: Path) -> tuple[keras.Model, Path]:
    keras.utils.set_random_seed(6)
    frames = keras.Input((160, 320, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 5, strides=5)(layers.Rescaling(1 / 255)(frames)))
    outputs = [layers.Dense(1, name="steering")(x), layers.Dense(5, activation="softmax", name="speed")(x)]
    model = keras.Model(frames, outputs)
    return model, saved(model, tmp_path / "two.keras")


class TestSeveralOutputs:
    @pytest.mark.parametrize(
        ("text", "output", "number"),
        [("output=steering", 0, 0), ("output=0", 0, 0), ("output=3", 1, 2), ("output=1, steer=-2", 1, 0)],
    )
    def test_one_is_chosen_by_name_or_number(self, two_outputs, text: str, output: int, number: int) -> None:
        model, path = two_outputs
        expected = np.asarray(model(FRAMES.astype(np.float32))[output])[:, number : number + 1]
        factor = -2 if "steer=" in text else 1
        np.testing.assert_allclose(answer(load_steering_model(path, text).model), factor * expected, atol=1e-5)

    def test_without_a_choice_their_name_decides(self, two_outputs) -> None:
        model, path = two_outputs
        network = load_steering_model(path)
        np.testing.assert_allclose(answer(network.model), np.asarray(model(FRAMES.astype(np.float32))[0]), atol=1e-6)
        assert "the output steering steers" in network.notes

    def test_a_choice_that_is_none_of_them_is_refused(self, two_outputs) -> None:
        message = refusal(two_outputs[1], "output=2, bins")
        assert "steering (1 number) and speed (5 numbers); output=2 is none of them" in message
        assert "output=brake is none of them" in refusal(two_outputs[1], "output=brake")

    @pytest.mark.parametrize("text", ["output=speed, bins", "output=1, bins"])
    def test_the_likeliest_class_steers(self, two_outputs, text: str) -> None:
        model, path = two_outputs
        classes = np.asarray(model(FRAMES.astype(np.float32))[1]).argmax(axis=1)
        np.testing.assert_allclose(answer(load_steering_model(path, text).model)[:, 0], classes / 2 - 1, atol=1e-6)

    def test_layers_with_our_own_names_do_not_collide(self, tmp_path: Path) -> None:
        frames = keras.Input((160, 320, 3), name="pixels")
        x = layers.Rescaling(1 / 255, name="preprocess_scale")(frames)
        x = layers.GlobalAveragePooling2D(name="steer_flat", keepdims=True)(x)
        model = keras.Model(frames, layers.Conv2D(2, 1, name="steer_factor")(x))
        path = saved(model, tmp_path / "model.keras")
        expected = np.asarray(model(FRAMES.astype(np.float32)))[:, 0, 0, 1:] / 2
        np.testing.assert_allclose(answer(load_steering_model(path, "output=1, steer=1/2").model), expected, atol=1e-5)
        assert load_bare_network(path).model.output_shape == (None, 2)

    def test_bins_need_classes(self, two_outputs) -> None:
        assert "bins needs 2 to 200 classes" in refusal(two_outputs[1], "output=steering, bins")


def _pixels(name: str) -> keras.Model:
    frames = keras.Input((160, 320, 3), dtype="uint8")
    return keras.Model(frames, named(name)(frames))


class TestBrokenFiles:
    def test_garbage_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "model.h5").write_bytes(np.random.default_rng(0).bytes(5000))
        assert "does not begin like one" in refusal(tmp_path / "model.h5")

    @pytest.mark.parametrize("name", ["model.h5", "model.keras"])
    @pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
    def test_a_truncated_file_is_refused(self, name: str, share: float, tmp_path: Path) -> None:
        path = small_file(tmp_path / name)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])
        refusal(path)

    def test_flipped_bytes_load_or_are_refused_but_never_crash(self, tmp_path: Path) -> None:
        """Of a .keras file only: on some flips of a .h5 file HDF5 itself loops for ever, which no thread can end."""
        path = small_file(tmp_path / "model.keras")
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
        assert "no such model" in refusal(tmp_path / "none.h5")

    def test_an_architecture_without_weights_names_the_files_it_looked_for(self, tmp_path: Path) -> None:
        (tmp_path / "net.json").write_text(small((128, 128, 3)).to_json())
        assert "net.h5, net.weights.h5" in refusal(tmp_path / "net.json")
