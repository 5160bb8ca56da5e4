"""The study's command: its arguments, what it prints, and the runs that are published."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from models.classifiers import TASKS
from training.study import separable
from training.study.__main__ import MODELS, main
from training.study.results import read_runs
from training.study.separable import STEPS, multiplications, worked_example

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
def test_help_needs_no_keras():
    script = "import sys; from training.study.__main__ import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    script += "assert not {'keras', 'tensorflow', 'numpy'} & set(sys.modules)"
    process = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "examples:" in process.stdout


def test_the_command_lines_names_are_the_networks():
    assert {task: tuple(definition.networks) for task, definition in TASKS.items()} == MODELS


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["digits"],
        ["digits", "--model", "mobilenet"],
        ["digits", "--model", "eff", "--epochs", "0"],
        ["digits", "--model", "eff", "--seed", "x"],
        ["predict", "model.h5"],
        ["digits", "--model", "eff", "--seed", "1", "2", "--run", "one"],
        ["digits", "--model", "eff", "--shared"],
    ],
)
def test_a_bad_argument_ends_with_exit_code_2(arguments):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2


def test_the_origin_has_no_recipe_for_cifar(tmp_path, capsys):
    assert main(["cifar10", "--model", "effnet", "--recipe", "origin", "--data", str(tmp_path / "none.npz")]) == 2
    assert "--recipe ours" in capsys.readouterr().err


def test_the_worked_example_is_the_origins():
    ordinary, separable = worked_example()
    assert (ordinary.parameters, separable.parameters) == (19_200, 843)
    assert (ordinary.multiply_accumulates, separable.multiply_accumulates) == (1_228_800, 53_952)


def test_steps_cost_what_the_idea_says():
    plain, in_space, by_channel, both = (multiplications(step, 8, 5) / 256 for step in STEPS.values())
    assert (plain, in_space, by_channel, both) == (25 * 64, 10 * 64, 8 * (25 + 8), 8 * (10 + 8))


@pytest.mark.slow
def test_separable_prints_and_draws(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(separable, "CHANNELS", (4, 8))
    monkeypatch.setattr(separable, "KERNELS", (1, 3))
    assert main(["separable", "--out", str(tmp_path / "new" / "costs.png")]) == 0
    printed = capsys.readouterr().out
    assert all(figure in printed for figure in ("19,200", "843", "1,228,800", "53,952", "4.39%"))
    with Image.open(tmp_path / "new" / "costs.png") as picture:
        assert picture.width > 800


def test_each_network_keeps_the_model_of_one_published_run():
    models = {}
    for run in read_runs(ROOT / "docs" / "study" / "runs"):
        files = models.setdefault((run.settings["task"], run.settings["model"]), [])
        files += run.folder.glob("model.h5")
    assert {network: len(files) for network, files in models.items()} == dict.fromkeys(models, 1)
