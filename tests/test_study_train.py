"""The study's trainings: they learn, go on after a kill, and refuse a folder that is not theirs."""

import csv
import json
from dataclasses import replace

import keras
import numpy as np
import pytest
from PIL import Image

from tests.study_samples import TINY, bar_images, save_archive, settings
from training.run.run_folder import RunError
from training.study.__main__ import main
from training.study.recipes import ORIGIN_DIGITS
from training.study.run import RESULT_KEYS, StudyRun
from training.study.train import build, compile_for, confusion_matrix, train


def test_a_confusion_matrix_counts_what_was_taken_for_what():
    matrix = confusion_matrix(np.array([1, 1, 0, 9]), np.array([1, 2, 0, 9]))
    assert matrix[2, 1] == matrix[1, 1] == matrix[0, 0] == matrix[9, 9] == 1
    assert matrix.sum() == 4


def test_a_run_folder_of_other_settings_is_refused(tmp_path):
    StudyRun(tmp_path, settings())
    with pytest.raises(RunError, match="other settings"):
        StudyRun(tmp_path, settings(seed=2))


def test_a_damaged_checkpoint_is_named(tmp_path):
    run = StudyRun(tmp_path, settings())
    (tmp_path / "checkpoint.npz").write_bytes(b"PK damaged")
    network = build(settings(), "float32")
    compile_for(network, TINY, 4)
    with pytest.raises(RunError, match="damaged"):
        run.restore(network)


@pytest.mark.slow
def test_a_killed_training_ends_as_an_uninterrupted_one(tmp_path, monkeypatch):
    data, configuration = bar_images(), settings(block_dropout=0.1, label_smoothing=0.1)
    whole = train(configuration, data, tmp_path / "whole")
    save = StudyRun.save

    def dying(self, network, epoch):
        save(self, network, epoch)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(StudyRun, "save", dying)
        with pytest.raises(KeyboardInterrupt):
            train(configuration, data, tmp_path / "cut")
    assert not (tmp_path / "cut" / "result.json").exists()
    cut = train(configuration, data, tmp_path / "cut")
    assert cut["confusion"] == whole["confusion"]
    models = [keras.models.load_model(tmp_path / name / "model.h5", compile=False) for name in ("cut", "whole")]
    for one, other in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    files = {path.name for path in (tmp_path / "cut").iterdir()}
    assert files == {
        "settings.json",
        "epochs.csv",
        "curves.png",
        "confusion.png",
        "wrong.png",
        "model.h5",
        "result.json",
        "run.lock",
    }
    before = (tmp_path / "cut" / "model.h5").read_bytes()
    assert train(configuration, data, tmp_path / "cut") == cut
    assert (tmp_path / "cut" / "model.h5").read_bytes() == before, "a finished run is not trained again"


@pytest.mark.slow
def test_a_small_training_learns_and_its_file_tells(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(ORIGIN_DIGITS, "baseline", replace(ORIGIN_DIGITS["baseline"], batch=20))
    data = bar_images(count=100)
    file = save_archive(data, tmp_path / "digits.npz")
    arguments = ["digits", "--model", "baseline", "--recipe", "origin", "--data", str(file)]
    assert main([*arguments, "--run", str(tmp_path / "run"), "--epochs", "8"]) == 0
    accuracy = json.loads((tmp_path / "run" / "result.json").read_text())["test_accuracy"]
    assert accuracy > 0.9
    Image.fromarray(data.x_test[7].squeeze()).save(tmp_path / "seven.png")
    capsys.readouterr()
    assert main(["predict", str(tmp_path / "run" / "model.h5"), str(tmp_path / "seven.png")]) == 0
    assert f"{tmp_path / 'seven.png'}: 7 (" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("model", ["baseline", "mobilenet", "shufflenet", "effnet"])
def test_cifar_networks_of_every_kind_train(model, tmp_path):
    result = train(settings("cifar10", model), bar_images("cifar10"), tmp_path)
    assert result["epochs"] == 1
    with (tmp_path / "epochs.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert np.isfinite(float(row["loss"]))


@pytest.mark.slow
def test_several_networks_and_seeds_train_as_jobs(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("training.study.__main__.RUNS", tmp_path / "runs")
    file = save_archive(bar_images(), tmp_path / "digits.npz")
    arguments = ["digits", "--model", "eff", "--seed", "1", "2", "--epochs", "1", "--data", str(file)]
    assert main([*arguments, "--workers", "2"]) == 0
    folders = sorted((tmp_path / "runs").iterdir())
    assert [folder.name for folder in folders] == ["digits-eff-ours-1-seed1", "digits-eff-ours-1-seed2"]
    assert capsys.readouterr().out.count("its model is") == 2
    models = {folder: (folder / "model.h5").stat().st_mtime_ns for folder in folders}

    monkeypatch.setattr("training.study.plan._by_jobs", lambda *_: pytest.fail("all runs are finished"))
    assert main([*arguments, "--workers", "2"]) == 0
    assert {folder: (folder / "model.h5").stat().st_mtime_ns for folder in folders} == models


def test_a_finished_run_whose_model_is_not_kept_is_named(tmp_path, capsys):
    data = bar_images()
    run = StudyRun(tmp_path, settings(epochs=20, batch=100))
    run.finish(dict.fromkeys(RESULT_KEYS, 1))
    assert main(["predict", str(tmp_path / "model.h5"), "seven.png"]) == 2
    assert "keeps its figures but not its model" in capsys.readouterr().err
    arguments = ["digits", "--model", "eff", "--data", str(save_archive(data, tmp_path / "digits.npz"))]
    assert main([*arguments, "--run", str(tmp_path)]) == 0
    assert "its model is not kept" in capsys.readouterr().out
