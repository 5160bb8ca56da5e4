"""The command that made the shipped models asks for what their cards say, and does nothing twice."""

from pathlib import Path

import pytest

from models.card import read_card
from training import shipped

ROOT = Path(__file__).parent.parent


@pytest.fixture
def calls(monkeypatch):
    """What was recorded and what was trained, by the words of the commands."""
    arguments_of = {"record": [], "train": [], "convert": []}

    def recorded(arguments):
        arguments_of["record"].append(arguments)
        Path(arguments[0]).mkdir(parents=True)
        return 0

    monkeypatch.setattr(shipped.record, "main", recorded)
    monkeypatch.setattr(shipped, "train_main", arguments_of["train"].append)
    monkeypatch.setattr(shipped, "convert", lambda *files: arguments_of["convert"].append(files))
    return arguments_of


def test_every_drive_is_recorded_once_and_every_model_trained_on_them(calls, tmp_path):
    arguments = ["lake", "udacity", "--runs", str(tmp_path)]
    assert shipped.main(arguments) == 0
    assert len(calls["record"]) == len(shipped.EXPERT_DRIVES) + len(shipped.TEST_DRIVES)
    assert [call[3] for call in calls["train"]] == ["eff", "baseline", "eff-small"]
    assert [[Path(file).name for file in call] for call in calls["convert"]] == [
        ["eff.h5", "eff.tflite"],
        ["baseline.h5", "baseline.tflite"],
        ["eff-small.h5", "eff-small.tflite"],
    ]
    assert all("--force" not in call for call in calls["train"]), "a model of other recordings is not replaced"
    assert shipped.main(arguments) == 0
    assert len(calls["record"]) == len(shipped.EXPERT_DRIVES) + len(shipped.TEST_DRIVES), "they are there already"


def test_an_interrupted_drive_is_recorded_again(calls, monkeypatch, tmp_path):
    recorded = shipped.record.main
    with monkeypatch.context() as patch:
        patch.setattr(shipped.record, "main", lambda arguments: recorded(arguments) or 130)
        assert shipped.main(["lake", "--runs", str(tmp_path)]) == 130
    assert not calls["train"]
    assert shipped.main(["lake", "--runs", str(tmp_path)]) == 0
    first, again = (call[0] for call in calls["record"][:2])
    assert first == again
    assert {path.name for path in (tmp_path / "expert").iterdir()} == {*shipped.EXPERT_DRIVES, *shipped.TEST_DRIVES}


def test_what_fails_ends_it_with_its_own_code(calls, monkeypatch, tmp_path):
    monkeypatch.setattr(shipped, "train_main", lambda arguments: 2)
    assert shipped.main(["lake", "udacity", "--runs", str(tmp_path)]) == 2


@pytest.mark.parametrize("model", shipped.MODELS)
def test_the_card_names_what_the_command_trains_on(model):
    card = read_card(ROOT / "models" / f"{model}.h5")
    assert card.model == model
    trained = {data.recording for data in card.data if data.trained}
    assert set(shipped.EXPERT_DRIVES) <= trained
    assert set(shipped.TEST_DRIVES) <= {data.recording for data in card.data} - trained
    assert card.recipe["lap_m"] == float(shipped.LAP_M)
    assert card.recipe["epochs"] == int(shipped.EPOCHS)
