"""The counts are the published ones, in the stated convention, and what cannot be counted is refused."""

import keras
import pytest
from keras import layers

from models.cost import cost, main
from models.keras_files.layers.sequence_layers import SelfAttention
from models.steering import BUILDERS, EFF_BLOCKS
from tests.model_files import small_file


def studys_eff() -> keras.Model:
    """The layers as the study lists them: the second depthwise step sees every column, the last stride drops half."""
    x = image = keras.Input((128, 128, 3))
    for channels_in, channels_out in EFF_BLOCKS:
        x = layers.Conv2D(channels_in, 1, use_bias=False)(x)
        x = layers.DepthwiseConv2D((1, 3), padding="same", use_bias=False)(x)
        x = layers.MaxPooling2D((2, 1))(x)
        x = layers.DepthwiseConv2D((3, 1), padding="same", use_bias=False)(x)
        x = layers.Conv2D(channels_out, (2, 1), strides=(1, 2), padding="same", use_bias=False)(x)
    x = layers.Flatten()(x)
    for units in (256, 128, 64):
        x = layers.BatchNormalization()(layers.Dense(units)(x))
    return keras.Model(image, layers.Dense(1)(x))


@pytest.mark.parametrize(
    ("model", "parameters", "millions"),
    [
        (BUILDERS["baseline"], 865_921, 296.3),
        (BUILDERS["eff"], 630_433, 40.2),
        (studys_eff, 630_433, 40.7),
        (BUILDERS["eff-1x2"], 630_433, 40.7),
        (BUILDERS["pilotnet"], 252_219, 26.9),
    ],
)
def test_networks_cost_what_is_published(model, parameters, millions):
    network_cost = cost(model())
    assert network_cost.parameters == parameters
    assert round(network_cost.multiply_accumulates / 1e6, 1) == millions


def test_each_kind_of_layer_is_counted_as_by_hand():
    x = image = keras.Input((8, 10, 4))
    x = layers.Conv2D(6, 3, strides=2, padding="same", groups=2, name="grouped")(x)
    x = layers.DepthwiseConv2D((1, 3), depth_multiplier=2, padding="valid", name="depthwise")(x)
    x = layers.SeparableConv2D(5, 2, padding="same", name="separable")(x)
    x = layers.PReLU(name="activation")(layers.BatchNormalization(name="norm")(x))
    x = layers.Dense(7, name="at_each_place")(x)
    costs = {layer_cost.layer: layer_cost for layer_cost in cost(keras.Model(image, x)).layers}
    assert costs["grouped"].multiply_accumulates == 4 * 5 * 6 * 9 * 2
    assert costs["depthwise"].multiply_accumulates == 4 * 3 * 12 * 3
    assert costs["separable"].multiply_accumulates == 4 * 3 * 12 * (4 + 5)
    assert costs["norm"].multiply_accumulates == costs["activation"].multiply_accumulates == 0
    assert costs["at_each_place"].multiply_accumulates == 4 * 3 * 5 * 7
    assert costs["norm"].parameters == 20
    assert costs["at_each_place"].shape == (4, 3, 7)


def test_layers_of_sequences_are_counted_as_by_hand():
    image = keras.Input((6, 4, 5))
    x = layers.Conv2DTranspose(3, 2, strides=2, name="transposed")(image)
    x = layers.Reshape((12, 24))(x)
    x = layers.Conv1D(10, 3, padding="valid", name="one_axis")(x)
    x = SelfAttention(2, 4, value_dim=5, name="attention")(x)
    x = layers.Bidirectional(layers.GRU(7, return_sequences=True), name="both_ways")(x)
    x = layers.LSTM(3, name="memory")(layers.RMSNormalization()(x))
    counts = {layer.layer: layer.multiply_accumulates for layer in cost(keras.Model(image, x)).layers}
    assert counts["transposed"] == 6 * 4 * 5 * 2 * 2 * 3, "each place of the input meets the whole kernel"
    assert counts["one_axis"] == 10 * 3 * 24 * 10
    assert counts["attention"] == 10 * (10 * 2 * 4 * 2 + 10 * 2 * 5 * 2)
    assert counts["both_ways"] == 10 * 2 * (10 * 3 * 7 + 7 * 3 * 7)
    assert counts["memory"] == 10 * (14 * 4 * 3 + 3 * 4 * 3)


def test_what_cannot_be_counted_is_refused():
    image = keras.Input((8, 4))
    with pytest.raises(ValueError, match="EinsumDense 'sum'"):
        cost(keras.Model(image, layers.EinsumDense("abc,cd->abd", (8, 3), name="sum")(image)))


def test_the_command_prints_each_layer_and_the_sum(capsys):
    assert main(["pilotnet"]) == 0
    printed = capsys.readouterr().out
    assert "convolution1" in printed
    assert "252,219" in printed.splitlines()[-2]


def test_the_command_takes_a_text_for_a_stranger_s_file(tmp_path, capsys):
    small_file(tmp_path / "model.h5", (64, 64, 3))
    assert main([f"{tmp_path / 'model.h5'}:small"]) == 0
    assert "multiply-accumulates" in capsys.readouterr().out


def test_the_command_refuses_a_file_that_is_no_model(tmp_path, capsys):
    (tmp_path / "model.h5").write_bytes(b"nothing")
    assert main([str(tmp_path / "model.h5")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
