"""Training uses the library that sees a GPU, and without a GPU one that is installed."""

import importlib.util

import pytest

from training.run import backend
from training.run.backend import choose_backend, suitable_backend


@pytest.mark.parametrize(
    ("driver", "sees_gpu", "installed", "chosen"),
    [
        (False, "jax", {"tensorflow", "jax"}, "tensorflow"),
        (True, "jax", {"tensorflow", "jax"}, "jax"),
        (True, None, {"tensorflow", "jax"}, "tensorflow"),
        (False, None, {"jax", "torch"}, "jax"),
        (False, None, {"torch"}, "torch"),
        (False, None, set(), "tensorflow"),
    ],
)
def test_the_library_with_the_gpu_else_an_installed_one(driver, sees_gpu, installed, chosen, monkeypatch):
    monkeypatch.setattr(backend, "nvidia_gpu", lambda: driver)
    monkeypatch.setattr(backend, "gpu_library", lambda: sees_gpu)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name in installed or None)
    assert suitable_backend() == chosen


def test_a_named_library_and_one_in_use_stay(monkeypatch):
    monkeypatch.setattr(backend, "suitable_backend", lambda: "torch")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    choose_backend()
    assert backend.os.environ["KERAS_BACKEND"] == "jax"
    monkeypatch.delenv("KERAS_BACKEND")
    monkeypatch.setattr(backend, "backend_in_use", lambda: "tensorflow")
    choose_backend()
    assert "KERAS_BACKEND" not in backend.os.environ
    monkeypatch.setattr(backend, "backend_in_use", lambda: None)
    choose_backend()
    assert backend.os.environ["KERAS_BACKEND"] == "torch"
