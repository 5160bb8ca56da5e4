"""What a run's report and the page say of the model: what it learned from, and not what it was only tested on."""

from pathlib import Path

from inference.engine import open_engine
from models.card import read_card
from server.model.facts import run_facts

MODEL = Path(__file__).parent.parent / "models" / "eff-small.h5"


def test_only_what_was_learned_from_is_told():
    told = run_facts(MODEL, open_engine(MODEL))["card"]
    data = read_card(MODEL).data
    assert isinstance(told, dict)
    assert told["recordings"] == [each.recording for each in data if each.trained]
    assert "udacity" in told["recordings"]
    assert not any(name.startswith("test-") for name in told["recordings"])
    assert told["frames"] == sum(each.trained for each in data)
