"""The study's recipes: learning rates, the first weights, and Muon's steps."""

import math
from dataclasses import replace

import keras
import numpy as np
import pytest

from tests.study_samples import settings
from training.study.muon import ConvMuon
from training.study.recipes import OUR_DIGITS, recipe_of
from training.study.train import build, compile_for, wake


def test_recipes_are_the_origins_or_ours():
    eff, baseline = (recipe_of("digits", name, "origin") for name in ("eff", "baseline"))
    assert (eff.learning_rate, baseline.learning_rate) == (1e-2, 1e-3)
    assert eff.batch == baseline.batch == 1000
    assert recipe_of("digits", "eff", "ours").epochs == 20


def test_no_depthwise_kernel_begins_dead():
    network = build(settings(), "float32")
    kernels = [layer.get_weights()[0] for layer in network.layers if isinstance(layer, keras.layers.DepthwiseConv2D)]
    assert len(kernels) == 8
    assert all((kernel.reshape(3, -1)[1] >= 0).all() for kernel in kernels)


def test_waking_only_turns_signs():
    network = build(settings(start="he"), "float32")
    asleep = network.get_weights()
    wake(network)
    after = network.get_weights()
    assert any((old != new).any() for old, new in zip(asleep, after, strict=True))
    assert all((np.abs(old) == np.abs(new)).all() for old, new in zip(asleep, after, strict=True))


def test_the_learning_rate_rises_and_falls():
    network = build(settings(), "float32")
    compile_for(network, replace(OUR_DIGITS, epochs=10, learning_rate=1e-2, warm_up=0.1), 100)
    rate = network.optimizer._learning_rate
    rates = [float(rate(step)) for step in (0, 50, 100, 550, 1000)]
    assert rates == pytest.approx([0, 5e-3, 1e-2, 5.05e-3, 1e-4])


@pytest.mark.parametrize(("shape", "name"), [((2, 1, 3, 8), "mix"), ((1, 1, 6, 8), "expand"), ((6, 4), "dense1")])
def test_muon_turns_mixing_kernels_and_leaves_the_rest_to_adam(shape, name):
    random = np.random.default_rng(1)
    mixing = keras.Variable(random.normal(size=shape), dtype="float32", name=name)
    depthwise = keras.Variable(random.normal(size=(1, 3, 6, 1)), dtype="float32", name="depthwise")
    last = keras.Variable(random.normal(size=(6, 4)), dtype="float32", name="classes_kernel")
    bias = keras.Variable(random.normal(size=4), dtype="float32", name="bias")
    variables = [mixing, depthwise, last, bias]
    before = [np.array(variable) for variable in variables]
    optimizer = ConvMuon(0.01, weight_decay=0.0)
    optimizer.apply_gradients([(random.normal(size=v.shape).astype(np.float32), v) for v in variables])
    steps = [np.array(variable) - old for variable, old in zip(variables, before, strict=True)]
    rows = math.prod(shape[:-1])
    sizes = np.linalg.svd(steps[0].reshape(rows, -1), compute_uv=False) / (0.01 * 0.2 * math.sqrt(max(rows, shape[-1])))
    assert ((sizes > 0.5) & (sizes < 1.3)).all()
    for step in steps[1:]:
        np.testing.assert_allclose(np.abs(step), 0.01, rtol=1e-2, err_msg="Adam's first step is the rate")
