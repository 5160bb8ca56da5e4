"""The messages between the page and the world, with every message from the page checked.

The page sends JSON: what the person holds down, or a button that was pressed. The world sends pictures: a JPEG behind
a head of JSON, which says how the car moves.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from protocol.errors import ProtocolError, abbreviate

MAX_MESSAGE_BYTES = 1000
MAX_COUNT = 2**53
"""Whole numbers beyond this are not exact in the page's language."""

KEYS = frozenset(("left", "right", "faster", "slower", "brake"))
BUTTONS = frozenset(("record", "camera", "track", "hand"))
SCALES = (1, 2)
HEAD = struct.Struct("!I")


@dataclass(frozen=True, slots=True)
class DriverInput:
    """What a person holds at one moment. keys: of KEYS.

    steering: of a mouse, stick, thumb or tilted phone, -1..1, positive right; pedal: -1..1, negative brakes. Both are
    None while nothing is held.
    """

    keys: frozenset[str] = frozenset()
    steering: float | None = None
    pedal: float | None = None

    @property
    def active(self) -> bool:
        """Whether the person holds anything."""
        return bool(self.keys) or self.steering is not None or self.pedal is not None


@dataclass(frozen=True, slots=True)
class PageReport:
    """The state of the page. number: grows with each change of the input; picture: the newest that it has drawn.

    visible: whether anybody can see it; scale: of SCALES, the size of the pictures that it wants.
    """

    number: int = 0
    picture: int = 0
    input: DriverInput = DriverInput()
    visible: bool = False
    scale: int = 1


@dataclass(frozen=True, slots=True)
class ButtonPress:
    """A button that was pressed, of BUTTONS."""

    button: str


def decode_message(text: str | bytes) -> PageReport | ButtonPress:
    """Read one message of the page. Raises ProtocolError, which says what is wrong."""
    if not isinstance(text, str):
        raise ProtocolError("kind", "expected a text message, got a binary one")
    if len(text) > MAX_MESSAGE_BYTES:
        raise ProtocolError("size", f"expected at most {MAX_MESSAGE_BYTES} characters, got {len(text)}")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise ProtocolError("json", f"expected JSON, got {abbreviate(text)}") from None
    if not isinstance(data, dict):
        raise ProtocolError("json", f"expected an object, got {abbreviate(data)}")
    if data.keys() == {"press"}:
        return ButtonPress(_one_of(data, "press", BUTTONS))
    expected = {"number", "picture", "keys", "steering", "pedal", "visible", "scale"}
    if data.keys() != expected:
        raise ProtocolError("fields", f"expected the fields {sorted(expected)}, got {abbreviate(sorted(data))}")
    return PageReport(
        _count(data, "number"),
        _count(data, "picture"),
        DriverInput(_keys(data["keys"]), _share(data, "steering"), _share(data, "pedal")),
        _one_of(data, "visible", (True, False)),
        _one_of(data, "scale", SCALES),
    )


def encode_picture(state: Mapping[str, object], jpeg: bytes) -> bytes:
    """The length of the head, the head as JSON, and the JPEG. state: the head."""
    head = json.dumps(state, separators=(",", ":")).encode()
    return HEAD.pack(len(head)) + head + jpeg


def _keys(value: object) -> frozenset[str]:
    if not isinstance(value, list) or len(value) > len(KEYS) or not all(isinstance(key, str) for key in value):
        raise ProtocolError("keys", f"expected a list of keys, got {abbreviate(value)}")
    if unknown := set(value) - KEYS:
        raise ProtocolError("keys", f"expected keys of {sorted(KEYS)}, got {abbreviate(sorted(unknown))}")
    return frozenset(value)


def _share(data: Mapping[str, object], name: str) -> float | None:
    value = data[name]
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -1 <= value <= 1:
        raise ProtocolError(name, f"{name} must be null or a number from -1 to 1, got {abbreviate(value)}")
    return float(value)


def _count(data: Mapping[str, object], name: str) -> int:
    value = data[name]
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_COUNT:
        raise ProtocolError(name, f"{name} must be a whole number from 0, got {abbreviate(value)}")
    return value


def _one_of(data: Mapping[str, object], name: str, values: Any) -> Any:
    value = data[name]
    if not isinstance(value, (str, int)) or not any(value == v and type(value) is type(v) for v in values):
        raise ProtocolError(name, f"{name} must be one of {abbreviate(sorted(values))}, got {abbreviate(value)}")
    return value
