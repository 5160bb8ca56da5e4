"""Training steps: the same on every backend, one by one or together, on one device or on two."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from training.data.variations import Variations
from training.run.steps.epoch import ahead, cut_epoch
from training.run.steps.learner import LearnerSetup

ROOT = Path(__file__).parent.parent


def learned(
    recording: Path, folder: Path, backend: str, at_once: int = 1, devices: int = 1, resident: bool = False
) -> dict:
    """What tests/learn_on_backend.py prints."""
    environment = {
        "KERAS_BACKEND": backend,
        "STEERING_CACHE": str(folder / "cache"),
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
    }
    command = [
        sys.executable,
        str(ROOT / "tests/learn_on_backend.py"),
        str(recording),
        str(folder / "crops"),
        str(at_once),
    ]
    command += ["resident"] if resident else []
    process = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr[-2000:]
    result: dict = json.loads(process.stdout.splitlines()[-1])
    return result


@pytest.fixture(scope="module")
def recording(tmp_path_factory) -> Path:
    from protocol.recorder import Recorder  # noqa: PLC0415
    from tests.conftest import road_jpeg  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("steps") / "recording"
    with Recorder(folder) as recorder:
        for i in range(60):
            steering = round(0.5 * np.sin(i / 5), 4)
            jpeg = road_jpeg(steering)
            recorder.write(1.6e9 + 0.1 * i, jpeg, steering, 0.3, 0.0, 15.0, jpeg, jpeg)
    return folder


@pytest.fixture(scope="module")
def on_tensorflow(recording, tmp_path_factory) -> dict:
    return learned(recording, tmp_path_factory.mktemp("crops"), "tensorflow")


def assert_alike(result: dict, expected: dict) -> None:
    assert len(result["losses"]) == 7
    np.testing.assert_allclose(result["losses"], expected["losses"], rtol=0.01)
    difference = np.abs(np.subtract(result["weights"], expected["weights"]))
    assert difference.max() < 0.05
    assert (difference > 1e-3).mean() < 0.01, "where a gradient is mere rounding, Adam's first steps may differ"


@pytest.mark.parametrize(("error", "loss"), [(0.05, 0.0025), (-0.05, 0.0025), (0.1, 0.01), (0.3, 0.05), (-1.1, 0.21)])
def test_large_errors_count_linearly_and_small_ones_by_their_square(error, loss):
    """0.05 is 0.1 * (2 * 0.3 - 0.1)."""
    setup = LearnerSetup(*[None] * 5, huber_width=0.1)
    steering = np.array([[0.25], [0.25]], np.float32)
    assert float(setup.loss(steering + np.float32([[error], [0]]), steering)) == pytest.approx(loss / 2, rel=1e-4)
    squared = LearnerSetup(*[None] * 5).loss(steering + np.float32(error), steering)
    assert float(squared) == pytest.approx(error**2, rel=1e-4)


@pytest.mark.slow
def test_steps_learn_and_count_the_same_together(recording, on_tensorflow, tmp_path):
    assert on_tensorflow["losses"][-1] != on_tensorflow["losses"][0]
    assert np.std(on_tensorflow["weights"]) > 0.01
    assert_alike(learned(recording, tmp_path, "tensorflow", at_once=4), on_tensorflow)


@pytest.mark.slow
@pytest.mark.parametrize(("at_once", "devices", "resident"), [(4, 1, False), (3, 2, True)])
def test_jax_learns_what_tensorflow_does(recording, on_tensorflow, tmp_path, at_once, devices, resident):
    """With crops that each call brings, and with those that lie on two devices."""
    pytest.importorskip("jax")
    result = learned(recording, tmp_path, "jax", at_once, devices, resident)
    assert len(result["devices"]) == devices
    assert_alike(result, on_tensorflow)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
def test_pytorch_learns_what_tensorflow_does(recording, on_tensorflow, tmp_path):
    assert_alike(learned(recording, tmp_path, "torch", at_once=2), on_tensorflow)


def test_an_epoch_is_cut_into_steps_of_which_the_last_are_filler():
    numbers = np.arange(26, dtype=np.int32)
    variations = Variations(*(numbers * factor for factor in (1, 2, 3, 4, 5, 6)))
    rates, shares = np.arange(5, dtype=np.float32), np.arange(5, dtype=np.float32) / 10
    groups = list(cut_epoch(numbers, variations, numbers.astype(np.float32), rates, shares, 4, 2))
    assert [count for _, count in groups] == [2, 2, 1]
    assert all(steps.crops.shape == (2, 4) and steps.steering.shape == (2, 4, 1) for steps, _ in groups)
    together = np.concatenate([steps.crops[:count] for steps, count in groups]).reshape(-1)
    np.testing.assert_array_equal(together, numbers[:20], "six are left out")
    last, _ = groups[2]
    assert (last.rates[0], last.shares[0]) == (4, np.float32(0.4))
    np.testing.assert_array_equal(last.variations.light[0], 3 * last.crops[0])


def test_the_next_item_is_made_ahead_and_errors_come_through():
    made = []

    def items():
        for number in range(3):
            made.append(number)
            yield number
        raise ValueError("no more")

    seen = []
    with pytest.raises(ValueError, match="no more"):
        seen.extend(ahead(items()))
    assert seen == made == [0, 1, 2]
