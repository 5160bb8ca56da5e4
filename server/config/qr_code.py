"""The page's address as a QR code, because nobody likes to type a token on a phone."""

from __future__ import annotations

import io
import os
from typing import TextIO

import segno

WHITE_ON_BLACK, PLAIN = "\x1b[97;40m", "\x1b[0m"


def qr_code(link: str, terminal: TextIO) -> str:
    """A QR code of `link` for a terminal with any colours; empty if `terminal` cannot show its characters."""
    text = io.StringIO()
    segno.make(link, error="l", micro=False).terminal(text, border=2, compact=True)
    try:
        text.getvalue().encode(terminal.encoding)
    except UnicodeEncodeError:
        return ""
    if os.name == "nt":  # its older consoles print the colours' codes; their background is dark anyway
        return text.getvalue()
    return "\n".join(f"{WHITE_ON_BLACK}{line}{PLAIN}" for line in text.getvalue().splitlines())
