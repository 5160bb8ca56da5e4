"""The command that made the shipped models asks for what their cards say, and does nothing twice."""

from pathlib import Path

import pytest

from models.card import read_card
from training import shipped

ROOT = Path(__file__).parent.parent


@pytest.fixture
def asked(monkeypatch):
    """What was recorded and what was trained, by the words of the commands."""
    calls = {"record": [], "train": []}

    def recorded(words):
        calls["record"].append(words)
        Path(words[0]).mkdir(parents=True)
        return 0

    monkeypatch.setattr(shipped.record, "main", recorded)
    monkeypatch.setattr(shipped, "train_main", lambda words: calls["train"].append(words) or 0)
    return calls


def test_every_drive_is_recorded_once_and_every_model_trained_on_them(asked, tmp_path):
    words = ["lake", "udacity", "--runs", str(tmp_path)]
    assert shipped.main(words) == 0
    assert len(asked["record"]) == len(shipped.EXPERT_DRIVES) + len(shipped.TEST_DRIVES)
    assert [call[3] for call in asked["train"]] == ["eff", "baseline", "eff-small"]
    assert shipped.main(words) == 0
    assert len(asked["record"]) == len(shipped.EXPERT_DRIVES) + len(shipped.TEST_DRIVES), "they are there already"


def test_what_fails_ends_it_with_its_own_code(asked, monkeypatch, tmp_path):
    monkeypatch.setattr(shipped, "train_main", lambda words: 2)
    assert shipped.main(["lake", "udacity", "--runs", str(tmp_path)]) == 2


@pytest.mark.parametrize("model", shipped.MODELS)
def test_the_card_names_what_the_command_trains_on(model):
    card = read_card(ROOT / "models" / f"{model}.h5")
    assert card.model == model
    trained = {each.recording for each in card.data if each.trained}
    assert set(shipped.EXPERT_DRIVES) <= trained
    assert set(shipped.TEST_DRIVES) <= {each.recording for each in card.data} - trained
    assert card.recipe["lap_m"] == float(shipped.LAP_M)
    assert card.recipe["epochs"] == int(shipped.EPOCHS)
