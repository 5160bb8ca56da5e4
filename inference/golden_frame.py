"""Checks, before a model drives, that it answers its card's golden frame as it did after training.

The check detects faults of the user's computer: a damaged download, or an engine or driver that computes wrong answers.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from inference.engine import Engine, EngineError
from models.card import CardError, NoCardError, card_path, describes, read_card

log = logging.getLogger(__name__)


def check_golden_frame(model: Path, engine: Engine) -> None:
    """Run the golden frame of the card beside `model`, if there is one. Raises EngineError if the answer differs."""
    try:
        card = read_card(model)
        if not describes(card, model):
            log.warning("%s is the card of another model file; its golden frame is not checked", card_path(model))
            return
        steering = float(engine.predict(card.golden.frame()[np.newaxis])[0])
    except NoCardError:
        return
    except CardError as error:
        log.warning("the model's card is not used: %s", error)
        return
    if not card.golden.agrees(steering):
        raise EngineError(
            f"{model} on {engine.name} answers its golden frame with {steering:.4f} instead of "
            f"{card.golden.steering:.4f}: try another --engine, or download the file again"
        )
