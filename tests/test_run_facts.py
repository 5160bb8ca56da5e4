"""What a run's report and the page say of the model: what it learned from, and not what it was only tested on."""

from pathlib import Path

from inference.engine import open_engine
from models.card import read_card
from server.model.facts import run_facts

MODEL = Path(__file__).parent.parent / "models" / "eff-small.h5"


def test_only_what_was_learned_from_is_told():
    card = run_facts(MODEL, open_engine(MODEL))["card"]
    data = read_card(MODEL).data
    assert isinstance(card, dict)
    assert card["recordings"] == [row.recording for row in data if row.trained]
    assert "udacity" in card["recordings"]
    assert not any(name.startswith("test-") for name in card["recordings"])
    assert card["frames"] == sum(row.trained for row in data)
