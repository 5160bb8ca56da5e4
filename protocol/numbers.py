"""Parses and formats numbers in any locale.

The simulator prints and parses every number in its computer's locale. Its runtime has 207 locales: some write
`9.1234`, some `9,1234`, Persian `9/1234`; Arabic and Persian put the minus sign last (`6.0125-`).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from protocol.errors import ProtocolError, abbreviate

MAX_LENGTH = 40
MAX_MAGNITUDE = 1e6

POINT, COMMA, SLASH, ARABIC_MARK = ".", ",", "/", "\u066b"
PLAIN_MARKS = (SLASH, ARABIC_MARK)
"""Decimal marks that are never thousands separators."""

_SKIPPED = dict.fromkeys(map(ord, " \u00a0\u2009\u202f'\u2019\u066c\u200e\u200f\u061c"))
"""Thousands separators that are never decimal marks, and the writing-direction marks that accompany a minus."""

_MINUS = {0x2212: "-"}
_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


class Number(NamedTuple):
    """A number and its decimal mark; the mark is None if the number had none."""

    value: float
    mark: str | None


def parse_number(text: object) -> Number:
    """Parse a number from any locale: `9.1234`, `9,1234`, `1.234,5`, `1 234,5`, `9/1234`, `6.0125-`.

    A mark that occurs once is the decimal mark, because the simulator always prints decimals; one that occurs twice
    separates thousands. Raises ProtocolError.
    """
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        return Number(_check_size(text, text), POINT if isinstance(text, float) else None)
    if not isinstance(text, str) or len(text) > MAX_LENGTH:
        raise ProtocolError("number", f"expected a number, got {abbreviate(text)}")
    if _PLAIN.fullmatch(text):  # most computers write it so, and the rest takes ten times as long
        return Number(_check_size(float(text), text), POINT if POINT in text else None)
    plain, mark = _with_point(_with_sign_before(text.translate(_SKIPPED).translate(_MINUS)))
    if not _PLAIN.fullmatch(plain):
        raise ProtocolError("number", f"expected a number, got {abbreviate(text)}")
    return Number(_check_size(float(plain), text), mark)


def spell_number(value: float, mark: str = POINT) -> str:
    """Format a value with four decimals, as the simulator does. mark: the decimal mark."""
    return f"{value:.4f}" if mark == POINT else f"{value:.4f}".replace(POINT, mark)


def _with_sign_before(text: str) -> str:
    return f"-{text[:-1]}" if text[-1:] == "-" and text[:1] not in ("-", "+") else text


def _with_point(text: str) -> tuple[str, str | None]:
    """Remove thousands separators and write the decimal mark as a point; also return the original mark."""
    for mark in PLAIN_MARKS:
        if mark in text:
            return text.replace(POINT, "").replace(COMMA, "").replace(mark, POINT), mark
    commas, points = text.count(COMMA), text.count(POINT)
    if commas and points:
        if text.rindex(COMMA) > text.rindex(POINT):
            return text.replace(POINT, "").replace(COMMA, POINT, 1), COMMA
        return text.replace(COMMA, ""), POINT
    if commas == 1:
        return text.replace(COMMA, POINT), COMMA
    if commas > 1 or points > 1:
        return text.replace(COMMA, "").replace(POINT, ""), COMMA if points > 1 else POINT
    return text, POINT if points else None


def _check_size(value: float, received: object) -> float:
    if not -MAX_MAGNITUDE <= value <= MAX_MAGNITUDE:  # also false for NaN
        raise ProtocolError("number", f"expected a finite number of sensible size, got {abbreviate(received)}")
    return float(value)
