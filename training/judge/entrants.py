"""Models that are to drive, each opened once before any drive, and made ready for other computers if need be."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from inference.caution import require_confidence
from inference.conversion import litert_file
from inference.engine import open_engine
from models.adapter.pixel_card import pixel_card_path, pixels_of
from models.adapter.text import ModelSource
from models.converted import origin_path, stand_in
from models.keras_files.file_kinds import model_kind
from protocol.command_line import plain


class Entrant(NamedTuple):
    """A model. file, preprocess: what a process opens; failure: why it does not drive, "" if it does."""

    model: ModelSource
    file: Path
    preprocess: str | None
    failure: str = ""


def entrants(models: Sequence[ModelSource], careful: bool, folder: Path | None) -> Iterator[Entrant]:
    """Open each model. careful: whether it must have a confidence.

    folder: where each gets a folder of its own with all that another computer needs; None where none is.
    """
    for number, model in enumerate(models):
        try:
            engine = open_engine(model.path, "auto", model.preprocess)
            if careful:
                require_confidence([engine], [str(model)])
            yield _packed(model, folder / str(number)) if folder else Entrant(model, model.path, model.preprocess)
        except (OSError, ValueError, RuntimeError) as error:
            yield Entrant(model, model.path, model.preprocess, plain(error))


def _packed(model: ModelSource, folder: Path) -> Entrant:
    """Copy the file that drives, and its cards, into a folder of its own."""
    file, preprocess = model.path, model.preprocess
    if model_kind(model.path) == "keras":
        pixels = pixels_of(model.path, preprocess)
        file = stand_in(model.path, pixels) or litert_file(model.path, preprocess)[0]
        preprocess = None
    folder.mkdir()
    name = f"{model.path.stem}{file.suffix}"
    shutil.copy(file, folder / name)
    for card in (pixel_card_path(file), origin_path(file)):
        if card.is_file():
            shutil.copy(card, folder / f"{name}{card.name.removeprefix(file.name)}")
    return Entrant(model, folder / name, preprocess)
