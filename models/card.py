"""The card beside a model file: what it is, what it learned from, how well it does, and how to tell it still works.

A weight file says none of that by itself. The card's golden frame and answer let whoever loads the model, on whatever
engine and version, check that it still steers as it did; reading a card needs no Keras.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
from PIL import Image

from models.whole_files import write_whole
from protocol.messages import FRAME_COLUMNS, FRAME_ROWS, FRAME_SHAPE, Frame

MAX_CARD_BYTES = 1_000_000
FORMAT = 2
"""Version of the card's fields; a newer one is refused rather than half understood."""


class CardError(ValueError):
    """A card that is missing, unreadable or of another kind; says what was found."""


@dataclass(frozen=True, slots=True)
class Data:
    """One recording a model was trained with. rows: usable ones; trained, held_out: how many of them for what."""

    recording: str
    rows: int
    trained: int
    held_out: int


@dataclass(frozen=True, slots=True)
class Golden:
    """A drawn frame and the model's answer to it. png: base64 of a 320 x 160 RGB PNG; steering -1..1."""

    png: str
    steering: float
    tolerance: float

    def frame(self) -> Frame:
        """The frame, uint8 (160, 320, 3). Raises CardError."""
        try:
            with Image.open(io.BytesIO(base64.b64decode(self.png, validate=True)), formats=("PNG",)) as picture:
                if picture.size != (FRAME_COLUMNS, FRAME_ROWS):
                    raise CardError(f"the golden frame is {picture.size}, not {(FRAME_COLUMNS, FRAME_ROWS)}")
                return np.asarray(picture.convert("RGB"))
        except (OSError, ValueError, SyntaxError) as error:
            raise CardError(f"the golden frame is no PNG: {error}") from None

    def agrees(self, steering: float) -> bool:
        """Whether an answer to the golden frame is the expected one; False for nan."""
        return abs(steering - self.steering) <= self.tolerance


@dataclass(frozen=True, slots=True)
class Card:
    """All that travels with a model file.

    model: name of its builder; parameters: their number; sha256: of the model file's bytes.
    data, held_out: what it was trained with, and in words what was kept from it.
    recipe: hyperparameters by name; seed, epochs, samples: as trained; metrics: by what was compared, then by figure.
    driving: how it drove the built-in tracks and replays of recordings, by their names, then by figure; or empty.
    versions: of the libraries; commit: of this repository, "" if unknown; created: ISO 8601, UTC.
    """

    format: int
    model: str
    description: str
    parameters: int
    sha256: str
    data: tuple[Data, ...]
    held_out: str
    recipe: Mapping[str, Any]
    seed: int
    epochs: int
    samples: int
    metrics: Mapping[str, Mapping[str, float | None]]
    driving: Mapping[str, Mapping[str, float | None]]
    versions: Mapping[str, str]
    commit: str
    created: str
    golden: Golden

    def write(self, model: Path) -> Path:
        """Write the card beside its model file, whole or not at all; returns its path."""
        path = card_path(model)
        text = json.dumps(without_nan(asdict(self)), indent=2, allow_nan=False) + "\n"
        write_whole(path, text.encode())
        return path


def card_path(model: Path) -> Path:
    """models/eff.h5 -> models/eff.json."""
    return Path(model).with_suffix(".json")


def read_card(model: Path) -> Card:
    """The card beside a model file. Raises CardError: not there, not a card, or a newer kind."""
    path = card_path(model)
    try:
        with path.open("rb") as file:
            text = file.read(MAX_CARD_BYTES + 1)
    except OSError as error:
        raise CardError(f"no readable card {path}: {error.strerror}") from None
    if len(text) > MAX_CARD_BYTES:
        raise CardError(f"{path} is larger than {MAX_CARD_BYTES} bytes; it is no model card")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CardError(f"{path} is not JSON: {error}") from None
    return _card(content, path)


def describes(card: Card, model: Path) -> bool:
    """Whether the card is of this very file, by its sha256."""
    return sha256(model) == card.sha256


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def golden_frame() -> Frame:
    """A drawn road that bends to the right, uint8 (160, 320, 3): plain shapes, the same on every machine."""
    row, column = np.mgrid[0:FRAME_ROWS, 0:FRAME_COLUMNS]
    frame = np.empty(FRAME_SHAPE, np.uint8)
    frame[:] = (96, 130, 62)
    frame[row < 62] = (150, 190, 226)
    near = row - 62
    middle = 190 - near * 3 // 10
    half = 8 + near * 7 // 5
    frame[(row >= 62) & (abs(column - middle) < half)] = (104, 102, 98)
    edge = (row >= 62) & (abs(abs(column - middle) - half) <= 2 + near // 12)
    frame[edge] = (208, 190, 90)
    return frame


def png_base64(frame: Frame) -> str:
    """A frame as the base64 text of a PNG, for a card."""
    file = io.BytesIO()
    Image.fromarray(frame).save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode("ascii")


def _card(content: object, path: Path) -> Card:
    found = _object(content, path)
    if found.get("format") != FORMAT:
        raise CardError(f"{path}: format {found.get('format')!r}; this version reads {FORMAT}")
    values = dict(found)
    values["data"] = tuple(Data(**_checked(Data, each, path)) for each in _list(values.get("data"), path))
    values["golden"] = Golden(**_checked(Golden, values.get("golden"), path))
    for tables in ("metrics", "driving"):
        found_tables = _object(values.get(tables), path)
        values[tables] = {name: _figures(each, path) for name, each in found_tables.items()}
    card = Card(**_checked(Card, values, path))
    card.golden.frame()
    return card


def _checked(kind: type, content: object, path: Path) -> dict[str, Any]:
    """The fields of a dataclass, each of the right plain type; unknown and missing ones are errors."""
    found, names = _object(content, path), [field.name for field in fields(kind)]
    if set(found) != set(names):
        odd = sorted(set(found) ^ set(names))
        raise CardError(f"{path}: {kind.__name__} has {', '.join(map(repr, odd[:5]))} too many or missing")
    for name, hint in get_type_hints(kind).items():
        plain = getattr(hint, "__origin__", hint)
        plain = dict if plain is Mapping or getattr(plain, "__name__", "") == "Mapping" else plain
        value = found[name]
        if plain is float and isinstance(value, int) and not isinstance(value, bool):
            value = found[name] = float(value)
        if not isinstance(value, plain) or isinstance(value, bool):
            raise CardError(f"{path}: {name} should be {plain.__name__}, got {str(value)[:60]!r}")
        if isinstance(value, float) and not math.isfinite(value):
            raise CardError(f"{path}: {name} is {value}")
    return found


def _figures(content: object, path: Path) -> dict[str, float | None]:
    figures = _object(content, path)
    for name, value in figures.items():
        if value is not None and (not isinstance(value, (int, float)) or isinstance(value, bool)):
            raise CardError(f"{path}: metric {name} should be a number, got {str(value)[:60]!r}")
    return figures


def _object(content: object, path: Path) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise CardError(f"{path}: expected an object, got {str(content)[:60]!r}")
    return dict(content)


def _list(content: object, path: Path) -> list[Any]:
    if not isinstance(content, list) or len(content) > 1000:
        raise CardError(f"{path}: expected a short list, got {str(content)[:60]!r}")
    return content


def without_nan(value: Any) -> Any:
    """JSON has no nan: a figure that is not defined becomes null."""
    if isinstance(value, Mapping):
        return {key: without_nan(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
