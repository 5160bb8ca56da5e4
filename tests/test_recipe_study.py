"""The study's recipe in the ordinary training: its split, cameras, images, losses and its choice of an epoch."""

import csv
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from models.card import read_card
from tests.conftest import road_frame
from training.__main__ import main
from training.data.augment import augment
from training.data.samples import HELD_OUT, TRAIN, draw_epoch, load_drives
from training.data.variations import draw_variations
from training.data.viewpoint import rows_to_read
from training.run.recipe import STUDY, Recipe, recipe_of
from training.run.run import TrainingRun, TrainingSettings
from training.run.schedule import best_epoch, learning_rate, phases
from training.run.train import Training, train

ROWS = (80, 140)
TINY = replace(STUDY, epochs=2, batch=8, steps=3)


@pytest.fixture
def drives(make_recording):
    return load_drives([make_recording(rows=120), make_recording(rows=80, name="other")], STUDY, None, 1)


@pytest.fixture
def settings(make_recording) -> TrainingSettings:
    return TrainingSettings("eff-tiny", (str(make_recording(rows=150)),), 3, None, "float32", TINY)


@pytest.fixture
def training(settings, tmp_path) -> Training:
    return Training(
        settings, TrainingRun(tmp_path / "run", settings), load_drives([Path(settings.recordings[0])], TINY, None, 3)
    )


def test_a_fifth_of_all_rows_together_is_held_out_at_random(drives):
    part = np.concatenate([drive.part for drive in drives])
    assert set(np.flatnonzero(part == HELD_OUT)) == set(np.random.default_rng(1).permutation(200)[:40])
    assert np.count_nonzero(part == TRAIN) == 160, "there are no guards: neighbours are learned"
    assert all((drive.part == HELD_OUT).any() for drive in drives)


def test_an_epoch_is_128_batches_of_128_from_three_cameras_with_the_published_correction(drives):
    images, targets = draw_epoch(drives, STUDY, 1, 0)
    assert len(images) == 128 * 128
    kinds = np.array([path.rpartition("/")[2].split("_")[0] for path in images])
    recorded = np.concatenate([drive.steering for drive in drives])
    for kind, correction in {"center": 0.0, "left": 0.25, "right": -0.25}.items():
        assert np.mean(kinds == kind) == pytest.approx(1 / 3, abs=0.02)
        steering = np.tan(targets[(kinds == kind) & (np.abs(targets) < 1)]) - correction
        assert np.isin(np.round(np.arctan(steering), 4), np.round(recorded, 4)).all(), "not smoothed"


def test_four_of_five_zeros_are_left_out_anew_each_epoch(drives):
    steering = np.where(np.arange(120) < 100, 0.0, 1e-5)
    alone = np.array([[f"{row}.jpg", "", ""] for row in range(120)])
    drive = replace(drives[0], target=steering, images=alone, part=np.full(120, TRAIN))
    epochs = [draw_epoch([drive], STUDY, 1, number) for number in range(3)]
    for images, targets in epochs:
        assert len(np.unique(images[targets == 0])) == 20
        assert len(np.unique(images[targets != 0])) == 20
    assert len({tuple(np.unique(images)) for images, _ in epochs}) == 3


def test_images_are_mirrored_and_dimmed_and_nothing_else():
    assert rows_to_read(ROWS, STUDY) == ROWS
    crop, no_hoods = road_frame(0.3)[80:140], np.zeros((1, 0, 320, 3), np.uint8)
    variations, angles = draw_variations(np.full(100, 0.2), STUDY, ROWS, 1, 7, 0)
    images = ops.convert_to_numpy(
        augment(ops.convert_to_tensor(np.repeat(crop[None], 100, axis=0)), variations, no_hoods, 60)
    )
    factors, mirrored = [], 0
    for image, steering in zip(images, angles, strict=True):
        own = crop if steering > 0 else crop[:, ::-1]
        mirrored += bool(steering < 0)
        assert abs(float(steering)) == pytest.approx(0.2)
        factor = np.asarray(image).sum() / own.sum()
        np.testing.assert_allclose(image, own * factor, atol=1)
        factors.append(factor)
    assert min(factors) == pytest.approx(0.1, abs=0.05)
    assert max(factors) == pytest.approx(1.0, abs=0.05)
    assert 30 < mirrored < 70


def test_adam_learns_at_a_constant_rate_for_21_epochs(training):
    (phase,) = phases(STUDY, 0)
    assert (phase.first, phase.end) == (0, 21)
    rates = [learning_rate(phase.learning_rate, step, 50, STUDY.warm_up, STUDY.last_rate) for step in range(50)]
    assert rates == [1e-3] * 50
    assert training.network.optimizer.weight_decay == 0


@pytest.mark.parametrize(("model", "after_blocks"), [("baseline", 0.2), ("eff", 0.25)])
def test_dropout_is_as_published(model, after_blocks):
    recipe = recipe_of("study", model)
    assert (recipe.block_dropout, recipe.head_dropout) == (after_blocks, 0.5)
    assert recipe_of("ours", model) == Recipe()


def test_validation_is_on_held_out_rows_varied_as_those_that_are_learned(training, monkeypatch):
    _, targets = draw_epoch(training.drives, TINY, 3, 10**6, (HELD_OUT,))
    whole = targets[: len(targets) // 8 * 8]
    assert len(whole) < len(targets) <= 30
    monkeypatch.setattr(training.model.network, "predict_on_batch", lambda crops: np.zeros((len(crops), 1)))
    losses = training._validate()
    assert losses["val_loss"] == losses["val_loss_of_0"] == pytest.approx(np.mean(whole**2), rel=1e-6)
    monkeypatch.setattr(training.model.network, "predict_on_batch", lambda crops: np.full((len(crops), 1), 2.0))
    assert training._validate()["val_loss"] > 1


def test_the_best_epoch_is_the_first_of_least_validation_loss():
    assert best_epoch([]) == 0
    assert best_epoch([{"val_loss": loss} for loss in (0.3, 0.1, 0.2, 0.1)]) == 2


@pytest.mark.slow
def test_the_weights_of_the_last_step_keep_their_own_batch_norm(training):
    weights = [weight + 0.01 for weight in training.network.get_weights()]
    training.average.weights = weights
    training._monitor(0, whole=False)
    for weight, own in zip(training.model.network.get_weights(), weights, strict=True):
        np.testing.assert_allclose(weight, own, atol=1e-6)


def steering_weights(path: Path) -> list[np.ndarray]:
    """The weights of a saved model without those of its confidence."""
    layers = keras.models.load_model(path, compile=False).layers
    return [weight for layer in layers if not layer.name.startswith("confidence") for weight in layer.get_weights()]


@pytest.mark.slow
def test_it_stops_after_15_epochs_without_a_better_one_and_keeps_the_best(settings, tmp_path, monkeypatch):
    """Here after 2; and a run killed on its way ends as one that was not."""
    settings = replace(settings, recipe=replace(TINY, epochs=9, patience=2))
    losses = [0.3, 0.1, 0.2, 0.2, 0.0]
    weights_by_epoch: list[list[np.ndarray]] = []

    def validate(self):
        weights_by_epoch.append(self.model.network.get_weights())
        return {"val_loss": losses[len(self.store.history)], "val_loss_of_0": 0.5}

    monkeypatch.setattr(Training, "_validate", validate)
    card = train(settings, tmp_path / "whole", tmp_path / "whole.h5")
    assert (card.epochs, card.samples) == (4, 4 * 3 * 8)
    saved = steering_weights(tmp_path / "whole.h5")
    for weight, best in zip(saved, weights_by_epoch[1], strict=True):
        np.testing.assert_array_equal(weight, best)

    save = TrainingRun.save

    def dying(self, network, average, epoch):
        save(self, network, average, epoch)
        raise KeyboardInterrupt

    for epochs in (1, 2):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(TrainingRun, "save", dying)
            train(settings, tmp_path / "cut", tmp_path / "cut.h5")
        assert len((tmp_path / "cut" / "epochs.csv").read_text().splitlines()) == 1 + epochs
    again = train(settings, tmp_path / "cut", tmp_path / "cut.h5")
    assert (again.epochs, again.samples) == (4, 4 * 3 * 8)
    for cut, whole in zip(steering_weights(tmp_path / "cut.h5"), saved, strict=True):
        np.testing.assert_allclose(cut, whole, atol=1e-5)


@pytest.mark.slow
def test_the_command_trains_by_it_and_its_card_says_so(make_recording, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("training.run.recipe.STUDY", TINY)
    recording, other = str(make_recording(rows=150)), str(make_recording(rows=60, name="other"))
    arguments = [recording, "--recipe", "study", "--model", "baseline", "--precision", "float32", "--test", other]
    assert main([*arguments, "--run", str(tmp_path / "run"), "--out", str(tmp_path / "baseline.h5")]) == 0
    card = read_card(tmp_path / "baseline.h5")
    assert card.recipe["block_dropout"] == 0.2
    assert "20% of the rows, drawn at random" in card.held_out
    assert {"all", "other (test)", "other, 1 s means (test)"} <= set(card.metrics)
    assert card.metrics["all"]["rows"] == 30
    with (tmp_path / "run" / "epochs.csv").open() as file:
        assert all(float(row["val_loss_of_0"]) > 0.05 for row in csv.DictReader(file))
    assert (tmp_path / "run" / "curves.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("option", ["--lap-m", "--dagger"])
def test_what_the_study_has_not_is_refused(option, tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        main([str(tmp_path), "--recipe", "study", option, "1" if option == "--dagger" else "1135"])
    assert end.value.code == 2
    assert "leave --lap-m and --dagger out" in capsys.readouterr().err
