"""JAX alone trains: from a recording to the model file and its card, without TensorFlow, a renderer and a codec."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TRAIN = """
import json
import sys
from dataclasses import replace
from pathlib import Path


class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"tensorflow", "panda3d", "av"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, NotInstalled())
from training.run.recipe import Recipe
from training.run.run import TrainingSettings
from training.run.train import train

recipe = replace(Recipe(), epochs=2, batch=8, steps=3, average_horizon_steps=3, refit_epochs=0, driven_checkpoints=0)
settings = TrainingSettings("eff-tiny", (sys.argv[1],), 3, None, "float32", recipe)
for name in ("once", "again"):
    card = train(settings, Path(sys.argv[2]) / name, Path(sys.argv[2]) / f"{name}.h5")
    print(json.dumps([card.metrics["all"], card.versions, card.samples]))
assert "tensorflow" not in sys.modules
"""


@pytest.mark.slow
def test_jax_trains_without_tensorflow(make_recording, tmp_path):
    pytest.importorskip("jax")
    process = subprocess.run(
        [sys.executable, "-c", TRAIN, str(make_recording(rows=100)), str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "jax", "STEERING_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr[-2000:]
    once, again = (json.loads(line) for line in process.stdout.splitlines() if line.startswith("[{"))
    assert once[0] == pytest.approx(again[0], abs=1e-6), "the same seed gives the same model"
    assert {"jax", "keras"} <= once[1].keys()
    assert "tensorflow" not in once[1]
    assert once[2] == 2 * 3 * 8
    assert (tmp_path / "once.json").exists()
