"""A training replaces no model that other recordings made, and a short command chooses a training that fits."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from models.card import read_card
from training import __main__ as command
from training.__main__ import main
from training.run.model_out import check_out, next_commands
from training.run.recipe import QUICK, Recipe

ROOT = Path(__file__).parent.parent
SHIPPED = ROOT / "models" / "eff-small.h5"


@pytest.fixture
def settings(monkeypatch):
    """The settings that a command would have trained with."""
    trained = []

    def train(settings, folder, out):
        trained.append(settings)
        raise KeyboardInterrupt

    monkeypatch.setattr("training.run.train.train", train)
    return trained


def test_an_own_recording_does_not_replace_a_shipped_model(make_recording, capsys, tmp_path):
    before = SHIPPED.read_bytes()
    assert main([str(make_recording()), "--out", str(SHIPPED)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "was made from" in error
    assert "--force" in error
    assert SHIPPED.read_bytes() == before


def test_the_same_recordings_replace_their_model_and_force_replaces_any():
    recordings = [Path(data.recording) for data in read_card(SHIPPED).data if not data.recording.startswith("corr")]
    check_out(SHIPPED, recordings, force=False)
    check_out(SHIPPED, [Path("mine")], force=True)
    with pytest.raises(ValueError, match="was made from"):
        check_out(SHIPPED, recordings[1:], force=False)


def test_a_model_without_a_card_and_a_card_without_its_model_are_kept(tmp_path):
    out = tmp_path / "stranger.h5"
    check_out(out, [Path("mine")], force=False)
    out.write_bytes(b"model")
    with pytest.raises(ValueError, match="no readable card"):
        check_out(out, [Path("mine")], force=False)
    with pytest.raises(ValueError, match=r"\.h5"):
        check_out(tmp_path / "stranger.keras", [Path("mine")], force=True)


@pytest.mark.parametrize(
    ("arguments", "model", "recipe"),
    [
        ([], "eff-tiny", QUICK),
        (["--quick"], "eff-tiny", QUICK),
        (["--recipe", "quick", "--model", "eff-small"], "eff-small", QUICK),
        (["--model", "eff"], "eff", Recipe()),
        (["--recipe", "ours"], "eff", Recipe()),
    ],
)
def test_little_data_is_learned_quickly_unless_one_names_a_network_or_a_recipe(
    arguments, model, recipe, settings, make_recording, tmp_path
):
    assert main([str(make_recording()), *arguments, "--run", str(tmp_path / "run")]) == 130
    assert (settings[0].model, settings[0].recipe) == (model, recipe)


def test_much_data_is_learned_by_our_recipe(settings, make_recording, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(command, "LITTLE_ROWS", 30)
    one, two = make_recording(name="one"), make_recording(name="two")
    assert main([str(one), "--run", str(tmp_path / "run")]) == 130
    assert "20 rows are little data" in capsys.readouterr().out
    assert main([str(one), str(two), "--run", str(tmp_path / "run")]) == 130
    assert [(trained.model, trained.recipe) for trained in settings] == [("eff-tiny", QUICK), ("eff", Recipe())]


def test_a_quick_training_by_another_recipe_is_a_mistake(tmp_path):
    with pytest.raises(SystemExit) as end:
        main([str(tmp_path), "--quick", "--recipe", "study"])
    assert end.value.code == 2


def test_the_next_commands_can_be_pasted():
    for _, line in next_commands(Path("my models/eff tiny.h5"), Path("my runs")):
        arguments = shlex.split(line)
        assert arguments[0] == "python"
        assert "my models/eff tiny.h5" in arguments
        script = arguments[1] if arguments[1] != "-m" else arguments[2].replace(".", "/") + ".py"
        assert (ROOT / script).is_file() or (ROOT / script).with_suffix("").joinpath("__main__.py").is_file()


@pytest.mark.slow
def test_a_quick_training_learns_films_and_says_what_to_do_next(make_recording, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("training.progress.film.LAPS", 0.02)
    monkeypatch.setattr("training.run.train.SETTLING_IMAGES", 256)
    short = {"epochs": 2, "refit_epochs": 1, "steps": 30, "batch": 16, "trials": ()}
    monkeypatch.setattr("training.run.recipe.QUICK", replace(QUICK, **short))
    monkeypatch.setattr("training.judge.choose.badness", lambda driving: (0.0, 0.0, 0.0))
    run = tmp_path / "run"
    command = [str(make_recording(rows=400)), "--quick", "--run", str(run), "--precision", "mixed_bfloat16"]
    assert main(command) == 0
    output = capsys.readouterr().out
    assert "about " in output
    assert "3 epochs of" in output
    assert f"python server/drive.py {run / 'eff-tiny.h5'}" in output
    card = read_card(run / "eff-tiny.h5")
    assert (card.model, card.epochs, card.samples) == ("eff-tiny", 3, 3 * 30 * 16)
    losses = [float(line.split(",")[1]) for line in (run / "epochs.csv").read_text().splitlines()[1:]]
    assert losses[-1] < 0.7 * losses[0]
    assert {f"epoch-{epoch:03d}.mp4" for epoch in (1, 2, 3)} < {path.name for path in run.iterdir()}
    page = (run / "progress.js").read_text()
    assert '"state": "finished"' in page
    assert "eff-tiny.h5" in page
