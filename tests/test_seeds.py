"""Seeds that learn side by side end as each does alone, in the same kind of run folder."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from models.card import read_card
from training.compare.seeds import PlannedRun, _groups
from training.run.recipe import STUDY, Recipe
from training.run.run import TrainingSettings

ROOT = Path(__file__).parent.parent
SETTINGS = TrainingSettings("eff", ("lake",), 1, 1137.0, "float32", Recipe())


def groups(*settings: TrainingSettings) -> list[list[int]]:
    """The numbers of the runs of each group."""
    runs = [PlannedRun(each, Path(str(number)), Path("model.h5")) for number, each in enumerate(settings)]
    return [[runs.index(run) for run in group] for group in _groups(runs)]


def test_only_runs_that_differ_in_nothing_but_the_seed_go_together():
    seeds = [replace(SETTINGS, seed=seed) for seed in (1, 2, 3)]
    small = [replace(settings, model="eff-small") for settings in seeds]
    assert groups(*seeds, *small) == [[0, 1, 2], [3, 4, 5]]
    assert groups(seeds[0], small[0], seeds[1], small[1]) == [[0, 2], [1, 3]]
    others = [{"recordings": ("mountain",)}, {"lap_m": None}, {"recipe": Recipe(epochs=3)}, {"also": ("sim",)}]
    for other in others:
        assert groups(seeds[0], replace(seeds[1], **other)) == [[0], [1]]


@pytest.mark.parametrize("own", [{"dagger": 1}, {"recipe": STUDY, "lap_m": None}])
def test_seeds_whose_rows_differ_go_one_after_another(own):
    """Corrections are each model's own, and the study draws its held-out rows at random."""
    assert groups(*(replace(SETTINGS, seed=seed, **own) for seed in (1, 2))) == [[0], [1]]


@pytest.mark.slow
def test_side_by_side_each_seed_ends_as_alone_also_after_a_stop(make_recording, tmp_path):
    pytest.importorskip("jax")
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    process = subprocess.run(
        [sys.executable, str(ROOT / "tests/learn_seeds.py"), str(make_recording(rows=100)), str(tmp_path)],
        env={**os.environ, "KERAS_BACKEND": "jax", "STEERING_CACHE": str(tmp_path / "cache"), "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr[-3000:]
    result = json.loads(process.stdout.splitlines()[-1])
    assert result["difference"] > 0.01, "the seeds differ from each other"
    assert all(error < 1e-4 for error in result["errors"].values()), result["errors"]
    assert result["sizes"] == {
        "alone": [],
        "together": [3, 3, 3],
        "stopped": [3, 3, 2, 3],
        "small": [1] * 9,
    }
    assert [seed for seed, _, _ in result["cards"]] == [1, 2, 3]
    for seed, samples, error in result["cards"]:
        alone = read_card(tmp_path / "alone" / str(seed) / "tiny.h5")
        assert samples == alone.samples == 3 * 4 * 8
        assert error == pytest.approx(alone.metrics["all"]["mae"], abs=1e-4)
        folders = [tmp_path / name / str(seed) for name in ("alone", "together", "stopped")]
        names = [sorted(path.name for path in folder.iterdir()) for folder in folders]
        assert names[0] == names[1] == names[2]
        assert {"checkpoint.npz", "epochs.csv", "curves.png", "index.html", "tiny.json"} <= set(names[0])
    bars = process.stderr.replace("\r", "\n")
    assert "eff-tiny, 3 seeds: 100%" in bars
    assert "eff-tiny, all the road, 3 seeds: 100%" in bars
