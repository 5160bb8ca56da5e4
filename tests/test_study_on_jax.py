"""The study on JAX, without TensorFlow: it learns as Keras' `fit` does, resumes, and measures engines."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.study_samples import bar_images, save_archive

pytest.importorskip("jax")
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
WITHOUT_TENSORFLOW = """
import sys


class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "tensorflow":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, NotInstalled())
from training.study.__main__ import main
from training.study.run import StudyRun

save, epochs = StudyRun.save, []


def dying(self, network, epoch):
    save(self, network, epoch)
    epochs.append(epoch)
    if len(epochs) == 1:
        raise KeyboardInterrupt


StudyRun.save = dying if sys.argv[1] == "killed" else save
code = main(sys.argv[2:])
assert "tensorflow" not in sys.modules
sys.exit(code)
"""


def on_jax(*words: str, cache: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "KERAS_BACKEND": "jax", "STEERING_CACHE": str(cache)}
    return subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("optimizer", ["adam", "muon"])
def test_steps_of_one_call_learn_as_keras_fit(optimizer, tmp_path):
    process = on_jax("-m", "tests.study_on_jax", optimizer, cache=tmp_path)
    assert process.returncode == 0, process.stderr[-2000:]
    results = json.loads(process.stdout.splitlines()[-1])
    fit, steps = results["fit"], results["steps"]
    assert steps[:3] == pytest.approx(fit[:3], rel=1e-4)
    assert steps[3:] == [3, [2, 1]]
    assert fit[3] == 3


def test_a_killed_training_goes_on_without_tensorflow(tmp_path):
    file = save_archive(bar_images(), tmp_path / "digits.npz")
    arguments = ["digits", "--model", "baseline", "--data", str(file), "--epochs", "2", "--run"]
    codes = {}
    for way, folder in (("whole", "whole"), ("killed", "cut"), ("resumed", "cut")):
        process = on_jax("-c", WITHOUT_TENSORFLOW, way, *arguments, str(tmp_path / folder), cache=tmp_path / "cache")
        codes[way] = process.returncode
    assert codes == {"whole": 0, "killed": 130, "resumed": 0}, process.stderr[-2000:]
    whole, resumed = (json.loads((tmp_path / name / "result.json").read_text()) for name in ("whole", "cut"))
    assert whole["backend"] == "jax"
    assert whole["confusion"] == resumed["confusion"]
    losses = [(tmp_path / name / "epochs.csv").read_text().splitlines()[-1].split(",")[1] for name in ("whole", "cut")]
    assert float(losses[0]) == pytest.approx(float(losses[1]), abs=1e-6)


def test_engines_are_measured_on_jax_in_both_forms(tmp_path):
    out = tmp_path / "engines.json"
    command = ["-m", "training.study", "engines", "digits-baseline", "--on", "jax", "--out", str(out)]
    process = on_jax(*command, cache=tmp_path)
    assert process.returncode == 0, process.stderr[-2000:]
    figures = json.loads(out.read_text())
    assert set(figures["machines"]) == {"jax-cpu"} or set(figures["machines"]) == {"jax-cpu", "jax-gpu"}
    digits = figures["networks"]["digits-baseline"]
    for key in ("milliseconds", "images_s"):
        assert {"jax-cpu-grouped", "jax-cpu-shifted"} <= set(digits[key])
        assert all(value > 0 for value in digits[key].values())
    assert "images/s" in process.stdout
