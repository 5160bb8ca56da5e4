"""The pixel card beside a stranger's model: which pixels it wants and what its answer means.

`python -m models.identify --write` makes it; every command that loads the model obeys it. It belongs to one file, by
its hash. A text that the user gives goes first; if it only says what the answer means, the card's pixels stay.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from models.adapter import completed, read_adapter, says_pixels
from models.card import sha256, without_nan
from models.preprocessing.written import PreprocessingError
from models.whole_files import write_whole

log = logging.getLogger(__name__)

FORMAT = 1
MAX_BYTES = 100_000


def pixel_card_path(model: Path) -> Path:
    """models/model.h5 -> models/model.h5.pixels.json; a network's own architecture is often called model.json."""
    return model.with_name(f"{model.name}.pixels.json")


def write_pixel_card(model: Path, preprocess: str, evidence: dict[str, Any]) -> Path:
    """Write the card atomically and return its path. evidence: figures that led to it, for the reader."""
    path = pixel_card_path(model)
    card = {"format": FORMAT, "preprocess": preprocess, "sha256": sha256(model), "evidence": without_nan(evidence)}
    write_whole(path, (json.dumps(card, indent=2, allow_nan=False) + "\n").encode())
    return path


def pixels_of(model: Path, preprocess: str | None = None) -> str | None:
    """The text that holds for a model: `preprocess`, and from the card what it leaves open; None without both."""
    if preprocess and says_pixels(preprocess):
        return preprocess
    card_text = _text_of_card(model)
    return completed(preprocess, card_text or "") if preprocess else card_text


def _text_of_card(model: Path) -> str | None:
    """The text of the card beside the model, if there is one. A broken card is left with a warning."""
    path = pixel_card_path(model)
    if not path.is_file():
        return None
    try:
        card = _read(path)
        if card.get("sha256") != sha256(model):
            log.warning("%s is the card of another model file and is not used", path)
            return None
        text = card.get("preprocess")
        if not isinstance(text, str):
            raise PreprocessingError(f"preprocess is {str(text)[:60]!r}, not a text")
        read_adapter(text)
    except (OSError, ValueError, RecursionError) as error:
        log.warning("%s is not used: %s", path, error)
        return None
    return text


def _read(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES} bytes")
    card = json.loads(content)
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise ValueError(f"not a pixel card of format {FORMAT}")
    return card
