"""What is raised for anything that cannot be understood, and how such a thing is shown."""

from __future__ import annotations

import reprlib


class ProtocolError(ValueError):
    """A message that cannot be understood. `kind` is a short stable word for counting it."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


def shown(value: object) -> str:
    """A short picture of anything received; a long string or integer is not spelt out first."""
    if isinstance(value, (str, bytes)) and len(value) > 60:
        return f"{value[:40]!r}... ({len(value)} long)"
    if isinstance(value, int) and abs(value) > 10**40:
        return "a huge integer"
    text = reprlib.repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
