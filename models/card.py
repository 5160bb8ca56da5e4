"""The card beside a model file: its architecture, training data, scores, and a golden frame that tests the file.

The golden frame and its answer show, on any engine and version, whether the model still steers as it did after
training. Reading a card needs no Keras.
"""

from __future__ import annotations

import base64
import io
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
from PIL import Image

from models.converted import source_sha256
from models.whole_files import sha256, write_whole
from protocol.messages import FRAME_COLUMNS, FRAME_ROWS, FRAME_SHAPE, Frame

MAX_CARD_BYTES = 1_000_000
FORMAT = 2
"""Version of the card's fields; `read_card` refuses any other."""


class CardError(ValueError):
    """A card that is missing, unreadable or of another format; the message gives the cause."""


class NoCardError(CardError):
    """There is no card: the file in its place is missing, or it is the network's architecture, as Keras writes it."""


@dataclass(frozen=True, slots=True)
class Data:
    """A recording of the training data. rows: usable rows; trained, held_out: rows for training and for validation."""

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
        """Whether an answer to the golden frame is within the tolerance; False for nan."""
        return abs(steering - self.steering) <= self.tolerance


@dataclass(frozen=True, slots=True)
class Card:
    """The description of a model file.

    model: name of its builder; parameters: their number, without the confidence's; sha256: hash of the model file.
    data: the training recordings; held_out: a description of the rows that were kept from training.
    recipe: hyperparameters by name; seed, epochs, samples: of the training; metrics: figures by data set.
    driving: figures by track or replayed recording, possibly empty. confidence: of the output of this name, by kind of
    pictures, see `training.confidence.figures`; empty without one.
    versions: library versions; commit: of this repository, "" if unknown; created: ISO 8601, UTC.
    intended_use: what the model is for, and what it is not for; licence: of the weights. Both are "" if unknown.
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
    confidence: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    intended_use: str = ""
    licence: str = ""

    def write(self, model: Path) -> Path:
        """Write the card beside its model file atomically; return its path."""
        path = card_path(model)
        text = json.dumps(without_nan(asdict(self)), indent=2, allow_nan=False) + "\n"
        write_whole(path, text.encode())
        return path


def card_path(model: Path) -> Path:
    """models/eff.h5 -> models/eff.json."""
    return Path(model).with_suffix(".json")


def read_card(model: Path) -> Card:
    """Read the card beside a model file. Raises NoCardError if there is none, CardError if it is invalid."""
    path = card_path(model)
    try:
        with path.open("rb") as file:
            text = file.read(MAX_CARD_BYTES + 1)
    except FileNotFoundError:
        raise NoCardError(f"no card {path}") from None
    except OSError as error:
        raise CardError(f"no readable card {path}: {error.strerror}") from None
    if len(text) > MAX_CARD_BYTES:
        raise CardError(f"{path} is larger than {MAX_CARD_BYTES} bytes; it is not a model card")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CardError(f"{path} is not JSON: {error}") from None
    if isinstance(content, str) or (isinstance(content, dict) and {"class_name", "config"} <= set(content)):
        raise NoCardError(f"{path} is the architecture of a network, not a card")
    return _card(content, path)


def describes(card: Card, model: Path) -> bool:
    """Whether the card belongs to this file, or to the model that it was exactly converted from, by the sha256."""
    return card.sha256 in (sha256(model), source_sha256(model))


def golden_frame() -> Frame:
    """Draw a road that bends to the right, uint8 (160, 320, 3), identical on every machine."""
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
    values = _object(content, path)
    if values.get("format") != FORMAT:
        raise CardError(f"{path}: format {values.get('format')!r}; this version reads {FORMAT}")
    values["data"] = tuple(Data(**_check_fields(Data, entry, path)) for entry in _list(values.get("data"), path))
    values["golden"] = Golden(**_check_fields(Golden, values.get("golden"), path))
    for name, value in (("confidence", {}), ("intended_use", ""), ("licence", "")):
        values.setdefault(name, value)  # older cards have none
    for group in ("metrics", "driving", "confidence"):
        tables = _object(values.get(group), path)
        values[group] = {name: _figures(table, path) for name, table in tables.items()}
    card = Card(**_check_fields(Card, values, path))
    card.golden.frame()
    return card


def _check_fields(kind: type, content: object, path: Path) -> dict[str, Any]:
    """Check the names and plain types of a dataclass's fields; unknown and missing fields are errors."""
    values, names = _object(content, path), [field.name for field in fields(kind)]
    if set(values) != set(names):
        mismatches = sorted(set(values) ^ set(names))
        raise CardError(f"{path}: {kind.__name__} lacks or has unknown {', '.join(map(repr, mismatches[:5]))}")
    for name, hint in get_type_hints(kind).items():
        plain = getattr(hint, "__origin__", hint)
        plain = dict if plain is Mapping or getattr(plain, "__name__", "") == "Mapping" else plain
        value = values[name]
        if plain is float and isinstance(value, int) and not isinstance(value, bool):
            value = values[name] = float(value)
        if not isinstance(value, plain) or isinstance(value, bool):
            raise CardError(f"{path}: {name} should be {plain.__name__}, got {str(value)[:60]!r}")
        if isinstance(value, float) and not math.isfinite(value):
            raise CardError(f"{path}: {name} is {value}")
    return values


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
    """Replace nan and infinities, which JSON lacks, by None, in nested mappings and sequences."""
    if isinstance(value, Mapping):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
