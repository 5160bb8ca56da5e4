"""Parses one line of a driving log, in every dialect that computers write, into image names and numbers.

A log may have a header or none; Windows or Unix paths, with spaces and commas, relative paths or bare file names;
commas or semicolons. A decimal-comma computer writes 8 to 11 columns: the comma-separated format breaks its numbers
in two (`0,25` for a quarter, but `0` for zero).
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from protocol.errors import ProtocolError
from protocol.numbers import parse_number

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")
CAMERAS = ("center", "left", "right")
NUMBERS = ("steering", "throttle", "brake", "speed")
LIMITS = {"steering": (-1.0, 1.0), "throttle": (-1.0, 1.0), "brake": (0.0, 1.0), "speed": (-500.0, 500.0)}
"""Least and greatest value of each column; values up to 0.01 beyond a limit are clamped to it."""

_INTEGER = re.compile(r"-?\d{1,3}", re.ASCII)
_FRACTION = re.compile(r"\d*[1-9](E-\d\d)?", re.ASCII)


class RowError(ValueError):
    """A row that cannot be read; the message quotes it."""


class Row(NamedTuple):
    """images: file names of the centre, left and right image, '' where there is none; numbers: steering, throttle,
    brake, speed in mph; line: line of the csv, from 1."""

    images: tuple[str, str, str]
    numbers: tuple[float, float, float, float]
    line: int


def sniff_delimiter(first_lines: Sequence[str]) -> str:
    """The delimiter: a semicolon if the first line has more of them than commas, as decimal-comma computers write."""
    line = "".join(first_lines)
    return ";" if line.count(";") > line.count(",") else ","


def parse_row(cells: Sequence[str], header: Sequence[str] | None, line: int) -> Row:
    """Parse the cells of one line. header: the lower-case column names; empty or None if the log has no header.

    Raises RowError.
    """
    columns = _by_name(cells, header) if header else None
    images, rest = columns or _split(cells)
    numbers = _plain_numbers(rest) if len(rest) <= len(NUMBERS) else _broken_numbers(rest)
    return Row(images, numbers, line)


def describe_dialect(lines: Sequence[str]) -> str:
    """Describe a driving log by its first lines: `no header, commas, 7 columns, Windows paths`.

    The path style comes from the first data line. The column counts come from all lines, because rows of a
    decimal-comma log differ in length.
    """
    delimiter = sniff_delimiter(lines[:1])
    rows = [row for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True) if row]
    header = bool(rows) and "steering" in {cell.strip().lower() for cell in rows[0]}
    data = rows[header:]
    if not data:
        return "no rows"
    columns = sorted({len(row) for row in data})
    path = data[0][0].strip()
    kinds = {r"[A-Za-z]:|\\\\": "Windows paths", "/": "Unix paths", r".*[/\\]": "relative paths"}
    paths = next((kind for pattern, kind in kinds.items() if re.match(pattern, path)), "bare names")
    commas = (delimiter == "," and columns[-1] > 7 and not header) or (
        delimiter == ";" and "," in ";".join(data[0][3:])
    )
    return ", ".join(
        (
            "a header" if header else "no header",
            "semicolons" if delimiter == ";" else "commas",
            f"{'-'.join(str(n) for n in dict.fromkeys((columns[0], columns[-1])))} columns",
            *(("decimal commas",) if commas else ()),
            paths,
        )
    )


def _by_name(cells: Sequence[str], header: Sequence[str]) -> tuple[tuple[str, str, str], list[str]] | None:
    """Images and numbers by the header's names, in any order; None if the counts of cells and names differ."""
    if len(cells) != len(header) or not {"center", "steering"} <= set(header):
        return None
    by_name = dict(zip(header, cells, strict=True))
    center, left, right = (_base_name(by_name.get(camera, "")) for camera in CAMERAS)
    return (center, left, right), [by_name.get(name, "0") for name in NUMBERS]


def _split(cells: Sequence[str]) -> tuple[tuple[str, str, str], list[str]]:
    """Images and numbers by position; a path that contains commas is joined from several cells."""
    rest = list(cells)
    names = []
    for camera in CAMERAS:
        path = rest.pop(0) if rest else ""
        while path.strip() and not path.strip().lower().endswith(IMAGE_SUFFIXES):
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


def _plain_numbers(cells: Sequence[str]) -> tuple[float, float, float, float]:
    if len(cells) != len(NUMBERS):
        raise RowError(f"expected {', '.join(NUMBERS)} after the images, got {list(cells)}")
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
            raise RowError(f"{name} {value:g} is outside {low:g}..{high:g}")
        clamped.append(min(high, max(low, value)))
    return clamped[0], clamped[1], clamped[2], clamped[3]
