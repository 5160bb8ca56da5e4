"""A batch shared out among devices teaches what it does on one; tried where JAX is, with two that share a processor."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from training.run.devices import use_all_devices

ROOT = Path(__file__).parent.parent
LEARN = """
import json
import keras
import numpy as np
from training.run.devices import use_all_devices

devices = use_all_devices(8)
keras.utils.set_random_seed(1)
layers = [keras.layers.Dense(5), keras.layers.BatchNormalization(), keras.layers.Dense(1)]
model = keras.Sequential([keras.Input((3,)), *layers])
model.compile("adam", loss="mse")
random = np.random.default_rng(1)
for _ in range(3):
    model.train_on_batch(random.normal(size=(8, 3)), random.normal(size=(8, 1)))
weights = model.trainable_variables[0].value
print(json.dumps([devices, len(weights.sharding.device_set), np.asarray(weights).tolist()]))
"""


def test_tensorflow_trains_on_one():
    assert use_all_devices(32) == []


@pytest.mark.slow
def test_two_devices_learn_what_one_does():
    pytest.importorskip("jax")
    results = []
    for count in (1, 2, 3):
        environment = {"KERAS_BACKEND": "jax", "XLA_FLAGS": f"--xla_force_host_platform_device_count={count}"}
        process = subprocess.run(
            [sys.executable, "-c", LEARN],
            cwd=ROOT,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=True,
        )
        results.append(json.loads(process.stdout))
    assert [result[1] for result in results] == [1, 2, 2], "three do not divide a batch of 8"
    assert results[1][0] == results[2][0] == ["cpu:0", "cpu:1"]
    assert results[1][2] == [pytest.approx(row, abs=1e-5) for row in results[0][2]]
