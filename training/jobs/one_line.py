"""A stranger's text, made fit for a table or a terminal."""

from __future__ import annotations

import unicodedata

MAX_REASON = 300


def one_line(text: str, most: int = MAX_REASON) -> str:
    """A stranger's text as it may stand in a table or on a terminal: in one line, short, without control characters."""
    words = " ".join(text.split())
    return unicodedata.normalize("NFC", "".join(one if one.isprintable() else "?" for one in words))[:most]
