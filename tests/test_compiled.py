"""Compiled networks: sizes that are ready answer, whatever the compiler still does, and each library answers alike."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from inference.compiled.network import SIZES, CompiledNetwork, Compiler
from inference.engine import open_engine
from models.loading import load_steering_model
from tests.conftest import road_frame
from tests.model_files import saved

ROOT = Path(__file__).parent.parent
NAMES = ("eff", "baseline", "eff-small")


class Sums:
    """A compiler whose programs add up their bytes. It waits for `go` before each size but the first."""

    def __init__(self, broken: int = 0) -> None:
        self.go, self.broken = threading.Event(), broken
        self.calls: list[int] = []

    def build(self, size: int):
        if size > 1:
            assert self.go.wait(60)
        if size == self.broken:
            raise RuntimeError("no memory")

        def start(frames, *measurements):
            self.calls.append(size)
            sums = frames.reshape(size, -1).sum(1, dtype=np.float32)
            for values in measurements:
                assert len(values) == size
                sums += values.sum(1)
            return lambda: sums[:, np.newaxis]

        return start


def network(sums: Sums) -> CompiledNetwork:
    return CompiledNetwork(Compiler(sums.build, (slice(80, 140), slice(10, 20)), (60, 10, 3)))


FRAMES = np.random.default_rng(1).integers(0, 256, (150, 160, 320, 3), np.uint8)
EXPECTED = FRAMES[:, 80:140, 10:20].reshape(150, -1).sum(1, dtype=np.float32)[:, np.newaxis]


def test_the_sizes_that_are_ready_answer_while_others_are_compiled():
    sums = Sums()
    compiled = network(sums)
    compiling = compiled.prepare()
    assert compiled.largest == 1
    np.testing.assert_array_equal(compiled.run(FRAMES[:3]), EXPECTED[:3])
    assert sums.calls == [1, 1, 1]
    sums.go.set()
    compiling.join(60)
    assert compiled.prepare() is compiling, "once"
    assert compiled.largest == SIZES[-1]
    np.testing.assert_array_equal(compiled.run(FRAMES), EXPECTED)
    assert sums.calls[3:] == [64, 64, 32], "150 are 64 and 64 and 22"


def test_two_batches_of_one_size_under_way_do_not_share_a_buffer():
    compiled = network(Sums())
    first, second = compiled.start(FRAMES[:1]), compiled.start(FRAMES[1:2])
    np.testing.assert_array_equal(second(), EXPECTED[1:2])
    np.testing.assert_array_equal(first(), EXPECTED[:1])


def test_measurements_are_filled_up_as_frames_are():
    sums = Sums()
    compiled = network(sums)
    sums.go.set()
    compiled.prepare().join(60)
    answers = compiled.run(FRAMES[:3], np.ones((3, 3), np.float32))
    np.testing.assert_array_equal(answers, EXPECTED[:3] + 3)


def test_a_size_that_cannot_be_compiled_leaves_the_smaller_ones(caplog):
    sums = Sums(broken=8)
    compiled = network(sums)
    sums.go.set()
    compiled.prepare().join(60)
    assert compiled.largest == 4
    np.testing.assert_array_equal(compiled.run(FRAMES[:6]), EXPECTED[:6])
    assert "no program for batches of 8" in caplog.text


def test_a_process_that_ends_waits_for_the_compiler_and_for_no_further_size():
    script = """
import sys, threading
from inference.compiled.network import CompiledNetwork, Compiler
begun = threading.Event()
def build(size):
    print("begins", size, flush=True)
    if size > 1:
        begun.set()
        threading.Event().wait(0.5)
        print("ends", size, flush=True)
network = CompiledNetwork(Compiler(build, (slice(None), slice(None)), (2, 2, 3)))
network.prepare()
begun.wait(60)
"""
    output = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert output.splitlines() == ["begins 1", "begins 2", "ends 2"]


ANSWER = """
import importlib
import json
import os
import sys
from pathlib import Path
import numpy as np
from inference.compiled.network import CompiledNetwork
from inference.engine import open_engine

name, frames_file, *models = sys.argv[1:]
frames = np.load(frames_file)
results = {}
for model in models:
    engine = open_engine(Path(model), name, None if model.startswith("models") else "frame")
    assert (engine.name, engine.device, engine.together) == (name, "CPU", None)
    results[model] = [engine.predict(frames[i : i + 1]).item() for i in range(3)]

from models.loading import load_steering_model

compiler = getattr(importlib.import_module(f"inference.compiled.{name}_compiler"), f"{name}_compiler")
network = CompiledNetwork(compiler(load_steering_model(Path(models[0])).model))
network.prepare(4).join()
assert network.largest == 4, "a program of four frames"
results["together"] = network.run(frames)[:, 0].tolist()
print(json.dumps([os.environ.get("XLA_PYTHON_CLIENT_PREALLOCATE"), results]))
"""


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(3)
    roads = np.stack([road_frame(shift) for shift in np.linspace(-1, 1, 6)]).astype(float)
    file = tmp_path_factory.mktemp("frames") / "frames.npy"
    np.save(file, np.clip(roads + rng.normal(0, 12, roads.shape), 0, 255).astype(np.uint8))
    return file


def answers_on(library: str, frames: Path, models: list[str], cache: Path) -> tuple[str | None, dict[str, list[float]]]:
    """JAX's preallocation and the answers to `frames` by model, from a process whose Keras runs on this library."""
    environment = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    process = subprocess.run(
        [sys.executable, "-c", ANSWER, library, str(frames), *models],
        cwd=ROOT,
        env={**environment, "STEERING_CACHE": str(cache)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    preallocate, results = json.loads(process.stdout.splitlines()[-1])
    return preallocate, results


def strangers_network() -> keras.Model:
    """Layers that no form knows, on the latest two frames."""
    keras.utils.set_random_seed(7)
    stack = keras.Input((2, 160, 320, 3))
    x = layers.TimeDistributed(layers.SeparableConv2D(3, 7, 6, activation="elu"))(layers.Rescaling(1 / 255)(stack))
    return keras.Model(stack, layers.Dense(1)(layers.LSTM(4)(layers.TimeDistributed(layers.GlobalMaxPooling2D())(x))))


@pytest.mark.slow
@pytest.mark.parametrize("library", ["jax", "torch"])
def test_a_library_answers_as_litert_does(library: str, frames: Path, tmp_path: Path) -> None:
    if not importlib.util.find_spec(library):
        pytest.skip(f"{library} is not installed")
    stranger = saved(strangers_network(), tmp_path / "model.keras")
    names = [str(Path("models", f"{name}.h5")) for name in NAMES]
    preallocate, results = answers_on(library, frames, [*names, str(stranger)], tmp_path / "cache")
    images = np.load(frames)
    for name in names:
        expected = open_engine(Path(name), "litert").predict(images)
        np.testing.assert_allclose(results[name], expected[:3], atol=1e-3)
        assert np.ptp(expected) > 0.02, "a model that always says the same would agree with anything"
    expected = open_engine(Path(names[0]), "litert").predict(images)
    np.testing.assert_allclose(results["together"], expected, atol=1e-3)
    expected = open_engine(stranger, "tensorflow", "frame").predict(images[:3])
    np.testing.assert_allclose(results[str(stranger)], expected, atol=1e-3)
    if library == "jax":
        assert preallocate == "false"
        assert any((tmp_path / "cache" / "jax").iterdir()), "programs for the next start"


@pytest.mark.slow
def test_tensorflow_compiles_the_same_for_a_gpu(frames: Path) -> None:
    from inference.compiled.tensorflow_compiler import tensorflow_compiler  # noqa: PLC0415

    compiled = CompiledNetwork(tensorflow_compiler(load_steering_model(Path("models/eff.h5")).model))
    compiled.prepare(2).join()
    images = np.load(frames)[:3]
    expected = open_engine(Path("models/eff.h5"), "litert").predict(images)
    np.testing.assert_allclose(compiled.run(images)[:, 0], expected, atol=1e-3)
