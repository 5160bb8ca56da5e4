"""The simulator's strings, to and from Telemetry and Control, in both number locales.

The simulator prints and parses every number with its computer's locale and carries its camera as base64: all of that
spelling, and all distrust of it, lives here. Each function raises ProtocolError with what was received; nothing else.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
import reprlib
import struct
import zlib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from PIL import Image, JpegImagePlugin, PngImagePlugin

from protocol.messages import FRAME_COLUMNS, FRAME_ROWS, Control, Frame, Telemetry

MAX_IMAGE_BYTES = 2_000_000
"""A stock frame is 10 to 19 kB; anything near this is not a camera frame."""

MAX_IMAGE_PIXELS = 2_000_000
"""Checked from the image's header, before a single pixel is decoded."""

MAX_NUMBER_LENGTH = 40
MAX_MAGNITUDE = 1e6
CORE_FIELDS = ("steering_angle", "throttle", "speed")

DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    LookupError,
    TypeError,
    EOFError,
    struct.error,
    zlib.error,
)
"""All that Pillow's JPEG and PNG readers raise on broken files."""

_GROUP_SPACES = dict.fromkeys(map(ord, " \u00a0\u2009\u202f'\u2019"))
_MINUS = {0x2212: "-"}
_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


class ProtocolError(ValueError):
    """A message that cannot be understood. `kind` is a short stable word for counting it."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


class Number(NamedTuple):
    """A number and how it was spelt; decimal_comma is None when there was no decimal mark at all."""

    value: float
    decimal_comma: bool | None


def is_manual(data: object) -> bool:
    """Whether this telemetry payload says that a person is driving: `{}`, in some builds null or absent."""
    return data is None or data == {}


def decode_telemetry(data: object) -> Telemetry:
    """The simulator's telemetry payload -> Telemetry, its frame decoded. Raises ProtocolError."""
    if not isinstance(data, Mapping):
        raise ProtocolError("payload", f"telemetry must be an object, got {_shown(data)}")
    numbers = [_core_number(data, name) for name in CORE_FIELDS]
    marks = [number.decimal_comma for number in numbers if number.decimal_comma is not None]
    image = decode_base64(data.get("image"))
    return Telemetry(
        frame=decode_image(image),
        image=image,
        steering_angle_deg=numbers[0].value,
        throttle=numbers[1].value,
        speed_mph=numbers[2].value,
        extras={k: v for k, v in data.items() if k != "image" and k not in CORE_FIELDS},
        decimal_comma=any(marks) if marks else None,
    )


def encode_control(control: Control, decimal_comma: bool = False) -> dict[str, str]:
    """Control -> the payload of a `steer` event: strings, four decimals, in the simulator's own locale."""
    values = {"steering_angle": f"{control.steering:.4f}", "throttle": f"{control.throttle:.4f}"}
    return {k: v.replace(".", ",") for k, v in values.items()} if decimal_comma else values


def encode_telemetry(
    jpeg: bytes, steering_angle_deg: float, throttle: float, speed_mph: float, decimal_comma: bool = False
) -> dict[str, str]:
    """What a simulator sends: every number with four decimals in its locale, the JPEG as base64."""
    numbers = dict(zip(CORE_FIELDS, (steering_angle_deg, throttle, speed_mph), strict=True))
    spelt = {name: f"{value:.4f}" for name, value in numbers.items()}
    if decimal_comma:
        spelt = {name: text.replace(".", ",") for name, text in spelt.items()}
    return {**spelt, "image": base64.b64encode(jpeg).decode("ascii")}


def decode_control(data: object) -> Control:
    """A `steer` payload -> Control, as the stock client reads it: both values must be strings. Raises ProtocolError."""
    if not isinstance(data, Mapping):
        raise ProtocolError("payload", f"steer must be an object, got {_shown(data)}")
    for name in ("steering_angle", "throttle"):
        if not isinstance(data.get(name), str):
            raise ProtocolError(name, f"{name} must be a string, got {_shown(data.get(name))}")
    return Control(parse_number(data["steering_angle"]).value, parse_number(data["throttle"]).value)


def parse_number(text: object) -> Number:
    """A number as any locale prints it: `9.1234`, `9,1234`, `1,234.5`, `1.234,5`, `1 234,5`. Raises ProtocolError.

    A single mark is the decimal one, for the simulator always prints decimals; a mark seen twice groups thousands.
    """
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        return Number(_checked(text, text), None)
    if not isinstance(text, str) or len(text) > MAX_NUMBER_LENGTH:
        raise ProtocolError("number", f"expected a number, got {_shown(text)}")
    plain, comma = _with_point(text.translate(_GROUP_SPACES).translate(_MINUS))
    if not _PLAIN.fullmatch(plain):
        raise ProtocolError("number", f"expected a number, got {_shown(text)}")
    return Number(_checked(float(plain), text), comma)


def _with_point(text: str) -> tuple[str, bool | None]:
    """Drop the thousands marks and write the decimal one as a point; also whether it was a comma."""
    commas, points = text.count(","), text.count(".")
    if commas and points:
        if text.rindex(",") > text.rindex("."):
            return text.replace(".", "").replace(",", ".", 1), True
        return text.replace(",", ""), False
    if commas == 1:
        return text.replace(",", "."), True
    if commas > 1 or points > 1:
        return text.replace(",", "").replace(".", ""), points > 1
    return text, False if points else None


def _checked(value: float, received: object) -> float:
    if not -MAX_MAGNITUDE <= value <= MAX_MAGNITUDE:  # also false for NaN
        raise ProtocolError("number", f"expected a finite number of sensible size, got {_shown(received)}")
    return float(value)


def _core_number(data: Mapping[str, object], name: str) -> Number:
    if name not in data:
        raise ProtocolError("missing", f"telemetry has no {name}; it has {_shown(sorted(map(str, data)))}")
    try:
        return parse_number(data[name])
    except ProtocolError as error:
        raise ProtocolError(name, f"{name}: {error}") from None


def decode_base64(text: object) -> bytes:
    """The telemetry's image text -> the bytes of its file; bytes (a binary attachment) pass. Raises ProtocolError."""
    if isinstance(text, bytes):
        return text
    if not isinstance(text, str):
        raise ProtocolError("image", f"image must be a base64 string, got {_shown(text)}")
    if len(text) > MAX_IMAGE_BYTES * 4 // 3:
        raise ProtocolError("image", f"image of {len(text)} base64 characters is too large for a camera frame")
    try:
        return binascii.a2b_base64(text[text.find(",", 0, 64) + 1 :], strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise ProtocolError("image", f"image is not base64 ({error}): {_shown(text)}") from None


def decode_image(image: bytes) -> Frame:
    """JPEG or PNG bytes -> uint8 RGB (160, 320, 3). A 2:1 image of another size is resized. Raises ProtocolError."""
    try:
        picture = _open(image)
        columns, rows = picture.size
        if columns * rows > MAX_IMAGE_PIXELS or columns != 2 * rows:
            raise ProtocolError(
                "image",
                f"image is {columns} x {rows}; expected {FRAME_COLUMNS} x {FRAME_ROWS} or its multiple",
            )
        if picture.mode != "RGB":
            picture = picture.convert("RGB")
        if rows != FRAME_ROWS:
            picture = picture.resize((FRAME_COLUMNS, FRAME_ROWS), Image.Resampling.BOX)
        return np.asarray(picture)
    except ProtocolError:
        raise
    except DECODER_ERRORS as error:
        raise ProtocolError("image", f"image of {len(image)} bytes cannot be decoded: {error}") from None


def _open(image: bytes) -> Image.Image:
    """Open by the file's own signature: only the two formats a simulator sends, and no format sniffing."""
    if image[:2] == b"\xff\xd8":
        return JpegImagePlugin.JpegImageFile(io.BytesIO(image))
    if image[:8] == b"\x89PNG\r\n\x1a\n":
        return PngImagePlugin.PngImageFile(io.BytesIO(image))
    raise ProtocolError("image", f"image is neither JPEG nor PNG: it begins with {image[:8]!r}")


def _shown(value: object) -> str:
    """A short picture of anything received; a long string or integer is not spelt out first."""
    if isinstance(value, (str, bytes)) and len(value) > 60:
        return f"{value[:40]!r}... ({len(value)} long)"
    if isinstance(value, int) and abs(value) > 10**40:
        return "a huge integer"
    text = reprlib.repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
