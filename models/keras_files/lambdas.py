"""Reads the constants of a Lambda layer from its bytes, without loading them as code.

A Lambda layer is a serialised Python function. Loading it would run it, so the loader refuses it. Most Lambdas of
public steering networks only normalise pixels, and their constants suggest the preprocessing to name instead.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from typing import Any

MAX_CODE_CHARACTERS = 100_000

NORMALISATIONS = (
    ({127.5, 1.0}, "x/127.5 - 1"),
    ({128.0, 1.0}, "x/128 - 1"),
    ({255.0, 0.5, 2.0}, "2 * (x/255 - 0.5)"),
    ({255.0, 0.5}, "x/255 - 0.5"),
    ({255.0}, "x/255"),
)
"""Sets of constants, and the formula that nearly always contains them."""


def guess_normalisation(config: dict[str, Any]) -> str | None:
    """The formula that a Lambda's constants suggest, from its settings in Keras 1, 2 or 3; None if unclear."""
    constants = _constants(_code(config.get("function")))
    for numbers, formula in NORMALISATIONS:
        if numbers <= constants:
            return formula
    return None


def _code(function: object) -> bytes:
    """The marshalled code's bytes; Keras 1 stores them as characters, later versions in base64."""
    if isinstance(function, dict):
        inner = function.get("config")
        function = inner.get("code") if isinstance(inner, dict) else None
    if isinstance(function, list) and function:
        function = function[0]
    if not isinstance(function, str) or len(function) > MAX_CODE_CHARACTERS:
        return b""
    try:
        return base64.b64decode("".join(function.split()), validate=True)
    except (binascii.Error, ValueError):
        return function.encode("latin-1", "replace")


def _constants(code: bytes) -> set[float]:
    """The numbers in Python's marshal format: `g` precedes the 8 bytes of a double, `i` the 4 bytes of an integer.

    The letter's top bit means only that the code refers to the value again.
    """
    doubles = (struct.unpack("<d", match[1])[0] for match in re.finditer(rb"(?=[g\xe7](.{8}))", code, re.DOTALL))
    integers = (struct.unpack("<i", match[1])[0] for match in re.finditer(rb"(?=[i\xe9](.{4}))", code, re.DOTALL))
    return {float(number) for number in (*doubles, *integers) if 0.001 < abs(number) < 1000}
