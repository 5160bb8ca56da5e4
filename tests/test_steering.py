"""The steering networks: their size, what goes in and comes out, and that a saved file needs Keras alone."""

import functools
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from models import NETWORKS, is_network
from models.card import read_card
from models.loading import load_steering_model
from models.steering import BUILDERS, builder, eff, effnet

ROOT = Path(__file__).parent.parent

FIXED_YUV = 12
"""PilotNet's colours: a 1x1 convolution from RGB that is never trained, 9 weights and 3 biases."""

PARAMETERS = {
    "baseline": 865_921,
    "eff": 630_433,
    "eff-small": 89_905,
    "eff-tiny": 36_049,
    "eff-mini": 9_321,
    "eff-micro": 3_725,
    "baseline-tiny": 54_689,
    "baseline-mini": 14_033,
    "eff-1x2": 630_433,
    "pilotnet": 252_219 + FIXED_YUV,
}

LOAD_AND_ANSWER = """
import sys, keras, numpy as np
frames = np.arange(160 * 320 * 3, dtype=np.uint32).astype(np.uint8).reshape(1, 160, 320, 3)
for file in sys.argv[1:]:
    model = keras.models.load_model(file, compile=False)
    print(repr(float(np.asarray(model(frames))[0, 0])))
assert not {"models", "protocol", "training"} & set(sys.modules)
"""


@functools.cache
def built(name: str) -> keras.Model:
    """Built once for all tests that only look at it."""
    return BUILDERS[name]()


def frames(count: int = 2) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 160, 320, 3), np.uint8)


def test_the_command_lines_names_are_the_builders():
    assert tuple(BUILDERS) == NETWORKS


@pytest.mark.parametrize("name", BUILDERS)
def test_parameters_and_names_are_as_stated(name):
    assert built(name).count_params() == PARAMETERS[name]
    assert built(name).name == name


def test_an_effnet_has_the_depth_and_width_of_its_name():
    assert builder("effnet-5x32")().count_params() == PARAMETERS["eff-tiny"]
    for name, outputs in (("effnet-1x8", [16]), ("effnet-4x48", [48, 48, 96, 96])):
        network = builder(name)()
        assert network.name == name
        last = [layer for layer in network.layers if layer.name.startswith("block") and layer.output.ndim == 4]
        assert {layer.name.partition("_")[0] for layer in last} == {f"block{i + 1}" for i in range(len(outputs))}
        ends = {layer.name.partition("_")[0]: layer.output.shape[-1] for layer in last}
        assert list(ends.values()) == outputs


@pytest.mark.parametrize("name", ["effnet-0x32", "effnet-7x32", "effnet-4x33", "effnet-4x256", "effnet-4", "resnet"])
def test_other_names_are_no_networks(name):
    assert not is_network(name)
    with pytest.raises(ValueError, match=name):
        builder(name)


def test_only_the_colours_of_pilotnet_are_fixed():
    model = built("pilotnet")
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == 252_219


def test_the_committed_eff_has_the_builders_weights():
    file = ROOT / "models" / "eff.h5"
    golden, built = read_card(file).golden, eff()
    file_model = load_steering_model(file).model
    for layer in (layer for layer in built.layers if layer.weights):
        layer.set_weights(file_model.get_layer(layer.name).get_weights())
    answer = float(np.asarray(built(golden.frame()[None]))[0, 0])
    assert answer == pytest.approx(golden.steering, abs=1e-4)


def test_squeezing_keeps_left_and_right_apart():
    model = effnet("squeezed", blocks=((4, 8),) * 5, squeeze=4, head_units=(8,))
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([np.ones(8), np.zeros(8), np.zeros(8), np.full(8, 1e-6)])
    images = frames(1)
    assert not np.allclose(model(images), model(images[:, :, ::-1]), rtol=1e-3)


@pytest.mark.parametrize("name", BUILDERS)
def test_a_raw_frame_gives_one_float32_steering_value(name):
    model = built(name)
    assert model.input_shape == (None, 160, 320, 3)
    assert model.inputs[0].dtype == "uint8"
    answer = np.asarray(model(frames()))
    assert answer.shape == (2, 1)
    assert answer.dtype == np.float32


@pytest.mark.parametrize("name", BUILDERS)
def test_only_built_in_layers(name):
    assert {type(layer).__module__.split(".")[0] for layer in built(name).layers} == {"keras"}


@pytest.mark.parametrize("name", ["baseline", "eff"])
def test_only_rows_80_to_140_count(name):
    model, images = built(name), frames(1)
    hidden = images.copy()
    hidden[:, :80], hidden[:, 140:] = 0, 255
    np.testing.assert_array_equal(model(images), model(hidden))
    hidden[:, 80:140] = 255 - hidden[:, 80:140]
    assert not np.array_equal(model(images), model(hidden))


def test_dropout_rates_are_arguments():
    rates = {
        layer.name: layer.rate for layer in eff(block_dropout=0.01, head_dropout=0.02).layers if "dropout" in layer.name
    }
    assert {rate for name, rate in rates.items() if name.startswith("block")} == {0.01}
    assert {rate for name, rate in rates.items() if name.startswith("dense")} == {0.02}


@pytest.mark.slow
def test_saved_files_load_in_a_fresh_process_with_keras_alone(tmp_path):
    ramp = np.arange(160 * 320 * 3, dtype=np.uint32).astype(np.uint8).reshape(1, 160, 320, 3)
    files, expected = [], []
    for name, build in BUILDERS.items():
        keras.utils.set_random_seed(1)
        model = build()
        files.append(tmp_path / f"{name}.h5")
        model.save(files[-1])
        expected.append(float(np.asarray(model(ramp))[0, 0]))
    command = [sys.executable, "-c", LOAD_AND_ANSWER, *map(str, files)]
    out = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    answers = dict(zip(BUILDERS, map(float, out.stdout.split()), strict=True))
    assert answers == pytest.approx(dict(zip(BUILDERS, expected, strict=True)), abs=1e-5)
