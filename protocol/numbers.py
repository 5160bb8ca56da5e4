"""Numbers as computers all over the world print them, to floats and back.

The simulator prints and parses every number with its computer's locale. Of the 207 locales of its runtime some write
`9.1234`, some `9,1234`, Persian `9/1234`; Arabic and Persian put the minus behind (`6.0125-`).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from protocol.errors import ProtocolError, shown

MAX_LENGTH = 40
MAX_MAGNITUDE = 1e6

POINT, COMMA, SLASH, ARABIC_MARK = ".", ",", "/", "\u066b"
PLAIN_MARKS = (SLASH, ARABIC_MARK)
"""Decimal marks that never group thousands."""

_SKIPPED = dict.fromkeys(map(ord, " \u00a0\u2009\u202f'\u2019\u066c\u200e\u200f\u061c"))
"""Marks of thousands that are never decimal marks, and the marks of writing direction that go with a minus."""

_MINUS = {0x2212: "-"}
_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


class Number(NamedTuple):
    """A number and the decimal mark it was spelt with; None when it had none."""

    value: float
    mark: str | None


def parse_number(text: object) -> Number:
    """A number as any locale prints it: `9.1234`, `9,1234`, `1.234,5`, `1 234,5`, `9/1234`, `6.0125-`.

    A single mark is the decimal one, for the simulator always prints decimals; a mark seen twice groups thousands.
    Raises ProtocolError.
    """
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        return Number(_checked(text, text), POINT if isinstance(text, float) else None)
    if not isinstance(text, str) or len(text) > MAX_LENGTH:
        raise ProtocolError("number", f"expected a number, got {shown(text)}")
    plain, mark = _with_point(_with_sign_before(text.translate(_SKIPPED).translate(_MINUS)))
    if not _PLAIN.fullmatch(plain):
        raise ProtocolError("number", f"expected a number, got {shown(text)}")
    return Number(_checked(float(plain), text), mark)


def spell_number(value: float, mark: str = POINT) -> str:
    """Four decimals, as the simulator prints them. mark: the decimal one."""
    return f"{value:.4f}" if mark == POINT else f"{value:.4f}".replace(POINT, mark)


def _with_sign_before(text: str) -> str:
    return f"-{text[:-1]}" if text[-1:] == "-" and text[:1] not in ("-", "+") else text


def _with_point(text: str) -> tuple[str, str | None]:
    """Drop the thousands marks and write the decimal one as a point; also which mark it was."""
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


def _checked(value: float, received: object) -> float:
    if not -MAX_MAGNITUDE <= value <= MAX_MAGNITUDE:  # also false for NaN
        raise ProtocolError("number", f"expected a finite number of sensible size, got {shown(received)}")
    return float(value)
