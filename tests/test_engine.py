"""Every engine gives the same answers, for any number of frames; what cannot run is refused clearly."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import pytest

import inference.engine as module
from inference.engine import Engine, EngineError, cpu_engine, open_engine
from tests.conftest import road_frame

MODELS = ("models/eff.h5", "models/baseline.h5", "models/eff-small.h5")


@pytest.fixture(scope="module")
def frames():
    rng = np.random.default_rng(3)
    roads = np.stack([road_frame(shift) for shift in np.linspace(-1, 1, 12)]).astype(float)
    return np.clip(roads + rng.normal(0, 12, roads.shape), 0, 255).astype(np.uint8)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_engines_agree(name, frames):
    reference = open_engine(Path(name), "litert").predict(frames)
    assert reference.shape == (12,)
    assert reference.dtype == np.float32
    assert np.ptp(reference) > 0.02, "a model that always says the same would agree with anything"
    for engine in ("tensorflow", "keras"):
        other = open_engine(Path(name), engine)
        np.testing.assert_allclose(other.predict(frames), reference, atol=1e-3)
        np.testing.assert_allclose(other.predict(frames[:1]), reference[:1], atol=1e-3)


@pytest.mark.parametrize("engine", ["litert", pytest.param("keras", marks=pytest.mark.slow)])
def test_threads_that_ask_at_the_same_time_get_their_own_answers(engine, frames):
    opened = open_engine(Path("models/eff.h5"), engine)
    expected = opened.predict(frames)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda i: opened.predict(frames[i % 12 : i % 12 + 1])[0], range(240)))
    np.testing.assert_allclose(results, np.tile(expected, 20), atol=1e-5)


def test_what_is_no_tflite_model_is_refused(tmp_path):
    file = tmp_path / "model.tflite"
    for content in (b"\x1c\0\0\0TFL3", b"\x1c\0\0\0TFL3" + b"nonsense" * 100):
        file.write_bytes(content)
        with pytest.raises(EngineError, match="no LiteRT model"):
            open_engine(file)
    with pytest.raises(EngineError, match="runs on --engine litert only"):
        open_engine(file, "keras")


def test_auto_takes_the_fastest_that_is_installed_for_a_cpu(monkeypatch):
    assert cpu_engine() == "litert"
    monkeypatch.setattr(module, "_installed", lambda package: package == "tensorflow")
    assert cpu_engine() == "tensorflow"
    monkeypatch.setattr(module, "_installed", lambda package: package == "keras")
    assert cpu_engine() == "keras"
    with pytest.raises(EngineError, match="needs the package ai-edge-litert"):
        module.require_package("litert")


class Timed(Engine):
    """An engine that says how long a frame takes."""

    def milliseconds(self, frames=50):
        return float(self.notes[0]) if self.name == "jax" else 0.9


@pytest.mark.parametrize(
    ("gpu_ms", "name", "end"), [("0.5", "jax", "the GPU answers"), ("2", "litert", "comes meanwhile")]
)
def test_auto_measures_what_there_is_and_says_so(gpu_ms, name, end, monkeypatch):
    opened = []
    together = object()

    def open_one(model, engine, preprocess, threads=None):
        opened.append(engine)
        if engine == "jax":
            return Timed("jax", "GPU H200", (gpu_ms,), None, together)
        return Timed("litert", "CPU, 4 threads", (), None)

    monkeypatch.setattr(module, "nvidia_gpu", lambda: True)
    monkeypatch.setattr(module, "gpu_library", lambda: "jax")
    monkeypatch.setattr(module, "open_engine", open_one)
    engine = open_engine(Path("models/eff.h5"))
    assert opened == ["jax", "litert"]
    assert engine.name == name
    assert engine.together is together, "the GPU helps the CPU"
    assert (
        f"one frame takes 0.90 ms on CPU, 4 threads (litert), {float(gpu_ms):.2f} ms on GPU H200 (jax)"
        in engine.notes[-1]
    )
    assert engine.notes[-1].endswith(end)


def test_auto_on_a_gpu_without_a_library_for_it_takes_the_cpu(monkeypatch):
    monkeypatch.setattr(module, "nvidia_gpu", lambda: True)
    monkeypatch.setattr(module, "gpu_library", lambda: None)
    assert open_engine(Path("models/eff.h5")).name == "litert"


def test_keras_cannot_change_its_backend_in_a_process():
    assert keras.backend.backend() == "tensorflow"
    with pytest.raises(EngineError, match="--engine jax cannot run here: Keras already runs on tensorflow"):
        open_engine(Path("models/eff.h5"), "jax")
