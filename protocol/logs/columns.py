"""Finds the seven columns of a log by the words of its header: `center_image`, `SteeringAngle`, `speed (mph)`.

Notebooks and recorders name the same columns in many ways. Only the letters of a word count, so case, spaces and
underscores do not matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")
CAMERAS = ("center", "left", "right")
NUMBERS = ("steering", "throttle", "brake", "speed")

_PICTURE = "(?:image|img|camera|cam|path|file|name|frame|view|picture|photo)s?"
_WORDS = {
    "center": (rf"(?:{_PICTURE})*(?:center|centre|middle|front)(?:{_PICTURE})*", rf"(?:{_PICTURE})+"),
    "left": (rf"(?:{_PICTURE})*left(?:{_PICTURE})*",),
    "right": (rf"(?:{_PICTURE})*right(?:{_PICTURE})*",),
    "steering": ("steering", "steer", "steer(?:ing)?(?:wheel)?(?:angle|value|command|label)s?", "(?:wheel)?angles?"),
    "throttle": ("throttle", "gas|accelerator|acceleration"),
    "brake": ("brakes?", "break|braking", "reverse"),
    "speed": ("speed", "(?:speed|velocity)(?:mph)?", "mph"),
}
"""The letters of each column's names, best first; recorders' code and courses' notebooks use them."""


@dataclass(frozen=True, slots=True)
class Columns:
    """A header. names: its cells; places: the column of each camera or number that it names."""

    names: tuple[str, ...]
    places: Mapping[str, int]

    @property
    def complete(self) -> bool:
        """Whether it names the two columns without which no row can be read."""
        return {"center", "steering"} <= set(self.places)

    def fits(self, cells: Sequence[str]) -> bool:
        """Whether a row can be read by the header's names; a decimal comma, for one, makes another count of cells."""
        return self.complete and len(cells) == len(self.names)

    def notes(self) -> Iterator[str]:
        """Say how the header was understood, where it is not Udacity's own."""
        if not self.complete:
            missing = " and no ".join(name for name in ("center", "steering") if name not in self.places)
            header_names = ", ".join(repr(name) for name in self.names)[:80]
            yield f"the header ({header_names}) names no {missing} column; columns are taken in Udacity's order"
            return
        renamed = [(role, self.names[place].strip()) for role, place in self.places.items()]
        renamed = [(role, name) for role, name in renamed if name.lower() != role]
        if renamed:
            yield f"the header's words: {', '.join(f'{name!r} is read as {role}' for role, name in renamed)}"
        if absent := [role for role in NUMBERS if role not in self.places]:
            yield f"the header names no {' and no '.join(absent)} column; such values are read as 0"


def read_header(cells: Sequence[str]) -> Columns | None:
    """Understand the first line of a log as a header; None if the line is a row.

    A header names no image file, and its cells are words, or the numbers 0, 1, 2, ... that pandas writes.
    """
    stripped = [cell.strip() for cell in cells]
    if any(is_image_name(cell) for cell in stripped):
        return None
    filled = [cell for cell in stripped if cell]
    numbered = filled == [str(number) for number in range(len(filled))]
    if not numbered and any(re.fullmatch(r"[-+.,\d]*\d[\d.,eE+-]*", cell, re.ASCII) for cell in filled):
        return None
    letters = [re.sub(r"[^a-z]", "", cell[:60].lower()) for cell in stripped]
    places: dict[str, int] = {}
    for role, patterns in _WORDS.items():
        matches = ((i for i, word in enumerate(letters) if re.fullmatch(pattern, word)) for pattern in patterns)
        place = next((i for match in matches for i in match), None)
        if place is not None:
            places[role] = place
    return Columns(tuple(stripped), places)


def is_image_name(cell: str) -> bool:
    """Whether a cell is a path of an image file."""
    return cell.strip().strip("\"'").lower().endswith(IMAGE_SUFFIXES)
