"""The study's recipe, repeated: its draw is as published, a killed run goes on, and zero is always beside it."""

import json
from dataclasses import replace

import numpy as np
import pytest

from training.origin import experiment
from training.origin.__main__ import main
from training.origin.experiment import Data, best_epoch, train
from training.origin.recipe import ORIGIN, RECIPES, STEPS
from training.run_folder import RunError

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""Keras 3.15 under numpy 2.4, in saving."""


@pytest.fixture
def data(make_recording) -> Data:
    return Data([make_recording(rows=200)], seed=1)


def test_a_fifth_of_the_rows_is_held_out_at_random(data):
    assert len(data.held_out) == 40
    assert sorted([*data.held_out, *data.train]) == list(range(200))
    assert np.ptp(data.held_out) > 100, "from everywhere, between rows that are learned"


def test_an_epoch_is_128_batches_of_three_cameras_with_the_published_correction(data):
    images, targets = data.epoch(0)
    assert len(images) == STEPS * ORIGIN.batch == 16384
    kinds = np.array([path.rpartition("/")[2].split("_")[0] for path in images])
    for kind, correction in {"center": 0.0, "left": 0.25, "right": -0.25}.items():
        assert np.mean(kinds == kind) == pytest.approx(1 / 3, abs=0.02)
        steering = np.tan(targets[(kinds == kind) & (np.abs(targets) < 1)]) - correction
        assert np.isin(np.round(np.arctan(steering), 4), np.round(data.steering, 4)).all()


def test_four_of_five_zeros_are_left_out_anew_each_epoch(data):
    data.steering = np.where(np.arange(200) < 160, 0.0, 0.3)
    data.images[:, 1:] = ""  # the centre alone, so that targets are the rows' own
    shares = [np.mean(data.epoch(number)[1] == 0) for number in range(30)]
    zeros = np.sum(data.steering[data.train] == 0) * 0.2
    assert np.mean(shares) == pytest.approx(zeros / (zeros + np.sum(data.steering[data.train] != 0)), abs=0.03)
    assert len({tuple(data.epoch(number)[0][:9]) for number in range(3)}) == 3
    assert (data.epoch(2)[0] == data.epoch(2)[0]).all()


def test_the_best_epoch_is_the_one_of_least_validation_loss():
    assert best_epoch([]) == 0
    assert best_epoch([{"val_loss": loss} for loss in (0.3, 0.1, 0.2)]) == 2


@pytest.fixture
def tiny(monkeypatch):
    """Two epochs of three batches of 8."""
    small = replace(ORIGIN, epochs=2, batch=8)
    monkeypatch.setattr(experiment, "ORIGIN", small)
    monkeypatch.setattr(experiment, "STEPS", 3)
    monkeypatch.setattr(experiment, "RECIPES", {name: replace(small) for name in RECIPES})


@pytest.mark.slow
def test_a_killed_run_ends_as_one_that_was_not(data, tiny, tmp_path, monkeypatch):
    whole = train("eff", data, tmp_path / "whole", "float32")

    class Killed(Exception):
        pass

    def dying(model, given):
        if (tmp_path / "cut" / "checkpoint.npz").exists():
            raise Killed
        return validate(model, given)

    validate = experiment._validate
    with monkeypatch.context() as patch:
        patch.setattr(experiment, "_validate", dying)
        with pytest.raises(Killed):
            train("eff", data, tmp_path / "cut", "float32")
    cut = train("eff", data, tmp_path / "cut", "float32")
    assert [row["epoch"] for row in cut] == [1, 2]
    for row, same in zip(cut, whole, strict=True):
        assert row == pytest.approx(same, abs=1e-5)


@pytest.mark.slow
def test_the_report_sets_every_figure_beside_always_zero(make_recording, tiny, tmp_path, capsys):
    recording, other = str(make_recording(rows=200)), str(make_recording(rows=60, name="other"))
    words = [recording, "--test", other, "--models", "eff", "--runs", str(tmp_path / "runs")]
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    told = capsys.readouterr().out
    assert "of always 0" in told
    assert "0.1074" in told
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert set(result["judged"]["eff"]) == {"held-out rows", "other", "other, 1 s means"}
    assert result["judged"]["eff"]["other"]["zero_mae"] == pytest.approx(0.32, abs=0.05)
    assert result["epochs"]["eff"][0]["val_loss_of_0"] > 0.05
    assert (tmp_path / "out" / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_bad_input_is_one_line_and_exit_code_2(tmp_path, capsys):
    assert main([str(tmp_path), "--runs", str(tmp_path / "runs"), "--out", str(tmp_path / "out")]) == 2
    assert "driving_log.csv" in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_of_other_recordings_is_not_gone_on_with(data, tiny, make_recording, tmp_path):
    train("eff", data, tmp_path / "run", "float32")
    with pytest.raises(RunError, match="other settings"):
        train("eff", Data([make_recording(rows=200, name="other")], seed=1), tmp_path / "run", "float32")
