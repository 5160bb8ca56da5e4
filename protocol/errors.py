"""The exceptions for invalid messages and for what is no recording, and how their text abbreviates received values."""

from __future__ import annotations

import reprlib


class ProtocolError(ValueError):
    """A message that cannot be understood. kind: a short, stable name under which such errors are counted."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


class RecordingError(ValueError):
    """A path that holds no readable recording; the message says what is there and what to do."""


def abbreviate(value: object) -> str:
    """Describe any received value in at most 60 characters, without formatting a long string or integer in full."""
    if isinstance(value, (str, bytes)) and len(value) > 60:
        return f"{value[:40]!r}... ({len(value)} long)"
    if isinstance(value, int) and abs(value) > 10**40:
        return "a huge integer"
    text = reprlib.repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
