"""Training: a run that is killed and resumed ends as one that was not, and what it writes is a whole model."""

import csv
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from filelock import FileLock

from models.card import describes, read_card
from training.__main__ import main
from training.data.crops import decode_crops
from training.data.samples import load_drives
from training.progress.progress import Progress
from training.run.network import WeightAverage, build, settle_batch_norm
from training.run.recipe import Recipe
from training.run.run import TrainingRun, TrainingSettings
from training.run.run_folder import RunError
from training.run.train import Training, train

ROOT = Path(__file__).parent.parent
TINY = replace(Recipe(), epochs=2, batch=8, average_horizon_steps=3, refit_epochs=0, driven_checkpoints=0)


@pytest.fixture
def settings(make_recording) -> TrainingSettings:
    return TrainingSettings("eff-tiny", (str(make_recording(rows=100)),), 3, None, "float32", TINY)


def answers(path: Path) -> np.ndarray:
    frames = np.random.default_rng(0).integers(0, 256, (4, 160, 320, 3), np.uint8)
    steering, confidence = keras.models.load_model(path, compile=False)(frames)
    return np.concatenate([steering, confidence], axis=1)


@pytest.mark.slow
def test_measuring_leaves_the_network_that_learns_as_it_was(settings, tmp_path, monkeypatch):
    monkeypatch.setattr("training.run.train.SETTLING_IMAGES", 64)
    drives = load_drives([Path(settings.recordings[0])], settings.recipe, None, 1)
    training = Training(settings, TrainingRun(tmp_path / "run", settings), drives)
    learned = training.network.get_weights()
    training.average.weights = [weights + 0.01 for weights in learned]
    assert set(training._monitor(0, whole=False)) == {"mae", "correlation", "bias"}
    for before, after in zip(learned, training.network.get_weights(), strict=True):
        np.testing.assert_array_equal(after, before)


@pytest.mark.slow
def test_a_run_stopped_between_and_within_epochs_ends_as_an_uninterrupted_one(settings, tmp_path, monkeypatch):
    steps = train(settings, tmp_path / "whole", tmp_path / "whole.h5").samples // TINY.batch // TINY.epochs
    assert steps >= 3

    class Killed(Exception):
        pass

    calls = 0

    def dying(self, *arguments):
        nonlocal calls
        calls += 1
        if calls == steps + 2:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "learned", dying)
        with pytest.raises(Killed):
            train(settings, tmp_path / "cut", tmp_path / "cut.h5")
    assert not (tmp_path / "cut.h5").exists()
    with (tmp_path / "cut" / "epochs.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 1
    train(settings, tmp_path / "cut", tmp_path / "cut.h5")

    np.testing.assert_allclose(answers(tmp_path / "cut.h5"), answers(tmp_path / "whole.h5"), atol=1e-5)
    histories = [(tmp_path / name / "epochs.csv").read_text().splitlines() for name in ("cut", "whole")]
    for cut, whole in zip(*histories, strict=True):
        assert cut.split(",")[0] == whole.split(",")[0]


@pytest.mark.slow
def test_a_run_killed_in_its_last_phase_ends_as_an_uninterrupted_one(settings, make_recording, tmp_path, monkeypatch):
    """With a recording learned whole, another for testing, a refit, and a choice between checkpoints by driving."""
    recipe = replace(TINY, epochs=1, refit_epochs=2, driven_checkpoints=2)
    also, test = (str(make_recording(rows=40, name=name)) for name in ("also", "test"))
    settings = replace(settings, recipe=recipe, also=(also,), tests=(test,))
    monkeypatch.setattr("training.progress.film.LAPS", 0.02)
    drove = iter([{"lake": {"off_road_events": n, "mean_cte_m": 0.0}} for n in (0, 1, 0, 1)])
    monkeypatch.setattr("training.judge.choose.trial_drives", lambda policy, title, trials, lines: next(drove))
    card = train(settings, tmp_path / "whole", tmp_path / "whole.h5")
    assert card.driving == {"lake": {"off_road_events": 0, "mean_cte_m": 0.0}}, "the better driver, not the last"
    assert {"all", "recording", "test (test)", "test, 1 s means (test)"} <= set(card.metrics)
    assert "also" not in card.metrics
    assert card.epochs == 3

    save = TrainingRun.save

    def dying(self, network, average, epoch):
        save(self, network, average, epoch)
        if epoch["epoch"] == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(TrainingRun, "save", dying)
        with pytest.raises(KeyboardInterrupt):
            train(settings, tmp_path / "cut", tmp_path / "cut.h5")
    again = train(settings, tmp_path / "cut", tmp_path / "cut.h5")
    np.testing.assert_allclose(answers(tmp_path / "cut.h5"), answers(tmp_path / "whole.h5"), atol=1e-5)
    assert again.metrics["all"]["mae"] == pytest.approx(card.metrics["all"]["mae"], abs=1e-5)
    assert again.samples == card.samples


@pytest.mark.slow
def test_training_writes_a_model_a_card_and_a_readable_run(settings, tmp_path):
    out = tmp_path / "deep" / "eff.h5"
    card = train(settings, tmp_path / "run", out)
    assert read_card(out).metrics == card.metrics
    assert describes(card, out)
    assert card.parameters == 36_049
    assert card.samples == 2 * (card.samples // 2 // 8) * 8
    assert {"all", "recording", "all, 1 s means"} <= set(card.metrics)
    model = keras.models.load_model(out, compile=False)
    answer = float(np.asarray(model(card.golden.frame()[None])[0])[0, 0])
    assert card.golden.agrees(answer)
    assert not hasattr(model, "optimizer") or model.optimizer is None
    assert {p.name for p in (tmp_path / "run").iterdir()} == {
        "settings.json",
        "checkpoint.npz",
        "epochs.csv",
        "curves.png",
        "events.out.tfevents.run",
        "held_out.json",
        "run.lock",
        "index.html",
        "progress.js",
    }
    assert {p.name for p in out.parent.iterdir()} == {"eff.h5", "eff.json"}


@pytest.mark.slow
def test_a_killed_process_leaves_a_run_that_goes_on(make_recording, tmp_path):
    recording = make_recording(rows=400)
    command = [sys.executable, "-m", "training", "--model", "eff-tiny", str(recording), "--epochs", "2", "--no-drive"]
    command += ["--run", str(tmp_path / "run"), "--out", str(tmp_path / "eff.h5")]
    checkpoint, out = tmp_path / "run" / "checkpoint.npz", tmp_path / "eff.h5"
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while not checkpoint.exists() and process.poll() is None:
            time.sleep(0.01)
        process.kill()
    assert checkpoint.exists()
    assert not out.exists()
    completion = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "wrote" in completion.stdout
    epochs = 2 + Recipe().refit_epochs
    assert read_card(out).epochs == epochs
    with (tmp_path / "run" / "epochs.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == [str(n + 1) for n in range(epochs)]


def test_settings_name_their_run(settings):
    assert settings.name() == replace(settings).name()
    assert settings.name() != replace(settings, seed=4).name()
    assert settings.name().startswith("eff-tiny-")


def test_a_run_folder_of_other_settings_is_refused(settings, tmp_path):
    TrainingRun(tmp_path, settings)
    with pytest.raises(RunError, match="other settings"):
        TrainingRun(tmp_path, replace(settings, seed=4))


def test_a_run_folder_in_use_is_refused_until_its_user_ends(settings, tmp_path):
    TrainingRun(tmp_path, settings)
    with FileLock(tmp_path / "run.lock"), pytest.raises(RunError, match="in use by another process"):
        TrainingRun(tmp_path, settings)
    TrainingRun(tmp_path, settings)


@pytest.mark.parametrize("content", [b"PK damaged", b"PK\x03\x04 cut short", b""])
def test_a_damaged_checkpoint_is_named(settings, tmp_path, content):
    run = TrainingRun(tmp_path, settings)
    (tmp_path / "checkpoint.npz").write_bytes(content)
    network = build("eff-tiny", TINY, "float32").network
    network.compile("adam", loss="mse")
    with pytest.raises(RunError, match="damaged"):
        run.restore(network, WeightAverage(network, 3))


def test_bad_input_is_one_line_and_exit_code_2(tmp_path, capsys):
    assert main([str(tmp_path), "--run", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_recording_that_never_steers_is_refused(settings, tmp_path):
    straight = replace(settings, recipe=replace(TINY, straight_below=2.0))
    with pytest.raises(RunError, match="straight"):
        train(straight, tmp_path / "run", tmp_path / "eff.h5")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--epochs", "0"],
        ["--lap-m", "nan"],
        ["--lap-m", "5"],
        ["--model", "other"],
        ["--epochs", "x"],
        ["--seed", "-1"],
        ["--dagger", "-1"],
    ],
)
def test_a_bad_argument_ends_with_exit_code_2(arguments, tmp_path):
    with pytest.raises(SystemExit) as end:
        main([str(tmp_path), *arguments])
    assert end.value.code == 2


def test_ctrl_c_says_how_to_go_on(tmp_path, capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("training.run.train.train", interrupted)
    assert main([str(tmp_path), "--run", str(tmp_path / "run")]) == 130
    assert "goes on" in capsys.readouterr().err


def test_the_weight_average_follows_at_first_and_is_steady_later():
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    average, steps = WeightAverage(network, 100), 3000
    shares = average.shares(steps)
    for step in range(steps):
        network.set_weights([np.array([[min(step, 50.0)]], np.float32)])
        average.update(shares[step])
        if step == 0:
            assert average.weights[0][0] == 0
        if step == 49:
            assert 40 < average.weights[0][0] < 49
    assert average.weights[0][0] == pytest.approx(50)
    average.updates = steps
    network.set_weights([np.array([[150.0]], np.float32)])
    average.update(*average.shares(1))
    assert average.weights[0][0] == pytest.approx(51)


@pytest.mark.slow
def test_settled_batch_norm_leaves_inputs_of_mean_0_and_deviation_1(make_recording):
    keras.utils.set_random_seed(1)
    model = build("eff-tiny", TINY, "float32")
    (drive,) = load_drives([make_recording(rows=30)], TINY, None, 1)
    batches = np.split(decode_crops(drive.images[:, 0], model.rows), 2)
    settle_batch_norm(model, batches)
    norm = model.whole.get_layer("dense1_norm")
    before = keras.Model(model.whole.get_layer("preprocess_crop").output, norm.input)
    values = np.concatenate([np.asarray(before.predict_on_batch(batch)) for batch in batches])
    np.testing.assert_allclose(norm.moving_mean, values.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(norm.moving_variance, values.var(axis=0), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", ["baseline", "eff"])
def test_the_network_behind_the_crop_answers_as_the_whole_model(name, make_recording):
    model = build(name, TINY, "float32")
    (drive,) = load_drives([make_recording(rows=12)], TINY, None, 1)
    frames, crops = (decode_crops(drive.images[:4, 0], rows) for rows in ((0, 160), model.rows))
    np.testing.assert_array_equal(model.whole(frames), model.network(crops))
