"""Parses one line of a driving log into image names and numbers, whatever computer and locale wrote it.

Paths may be Windows' or Unix', with spaces and commas, relative or bare file names. A decimal-comma computer writes 8
to 11 columns: the comma-separated format breaks its numbers in two (`0,25` for a quarter, but `0` for zero).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from protocol.errors import ProtocolError
from protocol.logs.columns import CAMERAS, NUMBERS, Columns, is_image_name
from protocol.numbers import parse_number

LIMITS = {"steering": (-1.0, 1.0), "throttle": (-1.0, 1.0), "brake": (0.0, 1.0), "speed": (-500.0, 500.0)}
"""Least and greatest value of each column; values up to 0.01 beyond a limit are clamped to it."""

_INTEGER = re.compile(r"-?\d{1,3}", re.ASCII)
_FRACTION = re.compile(r"\d*[1-9](E-\d\d)?", re.ASCII)
_INDEX = re.compile(r"\d{1,9}(\.0)?", re.ASCII)


class RowError(ValueError):
    """A row that cannot be read; the message quotes it."""


class Row(NamedTuple):
    """images: file names of the centre, left and right image, '' where there is none; numbers: steering, throttle,
    brake, speed in mph, nan where nobody recorded them; line: line of the csv, from 1."""

    images: tuple[str, str, str]
    numbers: tuple[float, float, float, float]
    line: int


def parse_row(cells: Sequence[str], columns: Columns | None, line: int) -> Row:
    """Parse the cells of one line. columns: the log's header, None if it has none. Raises RowError."""
    if columns is not None and columns.fits(cells):
        images, rest = _by_name(cells, columns)
    else:
        images, rest = _split(without_index(cells))
    rest = rest[: len(NUMBERS)] if _has_points(rest) else rest
    numbers = _plain_numbers(rest) if len(rest) <= len(NUMBERS) else _broken_numbers(rest)
    return Row(images, numbers, line)


def without_index(cells: Sequence[str]) -> Sequence[str]:
    """Leave out the columns in front of the first image that only count the rows, as pandas writes them."""
    start = 0
    while start < len(cells) and _INDEX.fullmatch(cells[start].strip()):
        start += 1
    return cells[start:] if start < len(cells) and is_image_name(cells[start]) else cells


def extra_columns(cells: Sequence[str]) -> int:
    """Count the columns after the speed, which are not read; a log with decimal points breaks no number in two."""
    try:
        _, rest = _split(cells)
    except RowError:
        return 0
    return len(rest) - len(NUMBERS) if len(rest) > len(NUMBERS) and _has_points(rest) else 0


def _by_name(cells: Sequence[str], columns: Columns) -> tuple[tuple[str, str, str], list[str]]:
    """Images and numbers by the header's names, in any order."""
    by_role = {role: cells[place] for role, place in columns.places.items()}
    center, left, right = (_base_name(by_role.get(camera, "")) for camera in CAMERAS)
    return (center, left, right), [by_role.get(name, "0") for name in NUMBERS]


def _split(cells: Sequence[str]) -> tuple[tuple[str, str, str], list[str]]:
    """Images and numbers by position; a path that contains commas is joined from several cells."""
    rest = list(cells)
    names = []
    for camera in CAMERAS:
        path = rest.pop(0) if rest else ""
        while path.strip() and not is_image_name(path):
            if not rest:
                raise RowError(f"no {camera} image in {','.join(cells)[:80]!r}")
            path += "," + rest.pop(0)
        names.append(_base_name(path))
    while len(rest) > len(NUMBERS) and not rest[-1].strip():
        rest.pop()
    return (names[0], names[1], names[2]), rest


def _base_name(path: str) -> str:
    """The file name at the end of a Windows or Unix path; '' for a path without one."""
    return path.strip().strip("\"'").replace("\\", "/").rsplit("/", 1)[-1].strip()


def _has_points(cells: Sequence[str]) -> bool:
    return any("." in cell for cell in cells)


def _plain_numbers(cells: Sequence[str]) -> tuple[float, float, float, float]:
    if len(cells) != len(NUMBERS):
        raise RowError(
            f"expected {', '.join(NUMBERS)} after the images, got {list(cells)}; a header may name the columns"
        )
    try:
        values = [parse_number(cell.strip()).value for cell in cells]
    except ProtocolError as error:
        raise RowError(str(error)) from None
    return _clamp(values)


def _broken_numbers(cells: Sequence[str]) -> tuple[float, float, float, float]:
    """Join the 5 to 8 cells of a decimal-comma row into its four numbers.

    Only a whole number occupies one cell, a printed fraction never ends in 0, and all values but the speed lie within
    -1..1. If two readings remain, the one whose speed has a fraction is far likelier.
    """
    readings = sorted(_readings([cell.strip() for cell in cells]), key=lambda r: r[1], reverse=True)
    if not readings:
        raise RowError(f"{len(cells)} cells after the images are not four decimal-comma numbers: {list(cells)[:12]}")
    return _clamp(readings[0][0])


def _readings(cells: list[str]) -> Iterator[tuple[list[float], bool]]:
    fractions = len(cells) - len(NUMBERS)
    for fractional in itertools.combinations(range(len(NUMBERS)), max(0, fractions)):
        rest, values = list(cells), []
        for column, name in enumerate(NUMBERS):
            whole = rest.pop(0)
            part = rest.pop(0) if column in fractional and rest else ""
            low, high = LIMITS[name]
            if not _INTEGER.fullmatch(whole) or (column in fractional and not _FRACTION.fullmatch(part)):
                break
            value = float(f"{whole}.{part}" if part else whole)
            if not low <= value <= high:
                break
            values.append(value)
        if len(values) == len(NUMBERS) and not rest:
            yield values, len(NUMBERS) - 1 in fractional


def _clamp(values: Sequence[float]) -> tuple[float, float, float, float]:
    clamped = []
    for name, value in zip(NUMBERS, values, strict=True):
        low, high = LIMITS[name]
        if not low - 0.01 <= value <= high + 0.01:
            degrees = "; divide degrees by 25" if name == "steering" and abs(value) <= 30 else ""
            raise RowError(f"{name} {value:g} is outside {low:g}..{high:g}{degrees}")
        clamped.append(min(high, max(low, value)))
    return clamped[0], clamped[1], clamped[2], clamped[3]
