"""The draft of a write-up has the run's own figures and pictures, and marks what only the student can write."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.card import read_card
from simulator.__main__ import main as simulate
from training.__main__ import main as train
from training.run.recipe import QUICK, STUDY, Recipe
from training.run.run import TrainingSettings, read_settings
from training.run.run_folder import RunError
from training.writeup.__main__ import main
from training.writeup.markdown import GAP, figure, link, table
from training.writeup.pictures import typical_rows

ROOT = Path(__file__).parent.parent
SETTINGS = TrainingSettings("eff-tiny", ("one", "two"), 7, 1135.0, "float32", QUICK, also=("three",))


@pytest.mark.parametrize("recipe", [QUICK, STUDY, Recipe()])
def test_settings_are_read_as_they_were_written(tmp_path, recipe):
    settings = replace(SETTINGS, recipe=recipe)
    (tmp_path / "settings.json").write_text(settings.as_json())
    assert read_settings(tmp_path) == settings


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("seed", "7", "seed is '7'"),
        ("seed", True, "seed is 'True'"),
        ("recordings", [1], "recordings holds something else than text"),
        ("lap_m", float("nan"), "NaN is no number"),
        ("recipe", {}, "damaged or of another version"),
        ("colour", "red", "damaged or of another version"),
    ],
)
def test_damaged_settings_are_named(tmp_path, name, value, complaint):
    settings = json.loads(SETTINGS.as_json()) | {name: value}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    with pytest.raises(RunError, match=complaint):
        read_settings(tmp_path)


def test_a_bend_to_each_side_and_a_straight_are_shown():
    steering = np.array([0.3, -0.9, 0.01, 0.8, -0.2])
    assert typical_rows(steering) == (1, 2, 3)
    assert typical_rows(np.zeros(1)) == (0, 0, 0)


def test_links_and_cells_survive_unusual_names():
    assert link("my (first) run/a b.h5") == "[a b.h5](my%20%28first%29%20run/a%20b.h5)"
    assert table(("a",), [("x|y",)]).endswith("| x\\|y |")


def test_tables_and_figures_that_were_not_measured():
    assert table(("a", "b"), [(1, "two")]) == "| a | b |\n| --- | --- |\n| 1 | two |"
    assert [figure({"mae": value}, "mae") for value in (0.25, float("nan"), None)] == ["0.250", "-", "-"]
    assert figure({}, "rows") == "-"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A short training of the expert's drive: its run folder and its recording."""
    folder = tmp_path_factory.mktemp("course")
    recording, run = folder / "my lake", folder / "run"
    assert simulate(["record", str(recording), "--laps", "0.25"]) == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.run.train.SETTLING_IMAGES", 256)
        patch.setattr("training.run.recipe.QUICK", replace(QUICK, epochs=1, refit_epochs=1, steps=20))
        assert train([str(recording), "--quick", "--no-drive", "--run", str(run), "--precision", "float32"]) == 0
    return run, recording


@pytest.mark.slow
def test_a_draft_has_the_runs_own_figures_and_pictures(finished, tmp_path, capsys):
    run, _ = finished
    film = tmp_path / "my film.mp4"
    film.write_bytes(b"film")
    out = tmp_path / "writeup.md"
    assert main([str(run), "--out", str(out), "--film", str(film), "--laps", "0.02"]) == 0
    text, card = out.read_text(encoding="utf-8"), read_card(run / "eff-tiny.h5")
    assert f"with {card.parameters:,} parameters" in text
    assert f"{card.samples:,}, varied anew" in text
    assert f"{card.metrics['all']['mae']:.3f}" in text
    assert "python -m training 'my lake' --model eff-tiny" in text
    assert "drove the built-in track `lake` at 15 mph" in text
    assert "[The film of the drive](my%20film.mp4)" in text
    pictures = re.findall(r"!\[.+?\]\((.+?)\)", text)
    assert len(pictures) == 5
    for name in pictures:
        with Image.open(tmp_path / name) as picture:
            assert picture.size[0] >= 500
            assert len(picture.convert("RGB").getcolors(10**7)) > 50
    for line in text.splitlines():
        if line.startswith("| "):
            assert line.count("|") > 2
    assert str(tmp_path) not in text.replace(str(run.parent), ""), "no folder of this machine, except to the model"
    output = capsys.readouterr().out
    assert "times off the road in 0.02 laps" in output
    assert f"{text.count(GAP)} places" in output
    out.write_text("my own words")
    assert main([str(run), "--out", str(out)]) == 2
    assert "may hold your own words" in capsys.readouterr().err
    assert out.read_text() == "my own words"
    assert main([str(run), "--out", str(out), "--laps", "0", "--force"]) == 0
    assert "`python -m training.evaluate` counts" in out.read_text(encoding="utf-8")


@pytest.mark.slow
def test_what_does_not_belong_together_is_refused(finished, tmp_path, capsys):
    run, recording = finished
    out = ["--out", str(tmp_path / "writeup.md"), "--laps", "0"]

    def complaint(*arguments):
        assert main([*arguments, *out]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        return error

    assert "comes from another training" in complaint(str(run), "--model", str(ROOT / "models" / "eff-small.h5"))
    assert "there is no film" in complaint(str(run), "--film", str(tmp_path / "none.mp4"))
    assert "'nowhere'" in complaint(str(run), "--track", "nowhere")
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    (copy / "epochs.csv").write_text("epoch,loss\n1,banana\n")
    assert "epochs.csv is gone or damaged" in complaint(str(copy))
    (copy / "eff-tiny.h5").write_bytes((ROOT / "models" / "eff-small.h5").read_bytes())
    assert "is not the file that its card describes" in complaint(str(copy))
    (copy / "eff-tiny.h5").unlink()
    assert "the training has not finished" in complaint(str(copy))
    moved = recording.with_name("moved")
    recording.rename(moved)
    try:
        assert "no readable driving_log.csv" in complaint(str(run))
    finally:
        moved.rename(recording)
    assert not (tmp_path / "writeup.md").exists()


def test_a_folder_without_a_run_is_named(tmp_path, capsys):
    assert main([str(tmp_path), "--out", str(tmp_path / "writeup.md")]) == 2
    assert capsys.readouterr().err == (
        f"writeup: {tmp_path} is no training's run folder: there is no settings.json in it\n"
    )
