"""Decodes the simulator's camera image, base64 of a JPEG or PNG file, into pixels; the input is not trusted."""

from __future__ import annotations

import binascii
import io
import struct
import zlib

import numpy as np
from PIL import Image, JpegImagePlugin, PngImagePlugin

from protocol.errors import ProtocolError, abbreviate
from protocol.messages import FRAME_COLUMNS, FRAME_ROWS, Frame

MAX_IMAGE_BYTES = 2_000_000
"""A stock frame has 10 to 19 kB; a file of this size is not a camera frame."""

MAX_IMAGE_PIXELS = 2_000_000
"""The limit is checked against the image's header, before any pixel is decoded."""

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
"""The exceptions that Pillow's JPEG and PNG readers raise on broken files."""


def decode_base64(text: object) -> bytes:
    """Base64 text -> bytes of the image file; bytes (a binary attachment) pass unchanged. Raises ProtocolError."""
    if isinstance(text, bytes):
        return text
    if not isinstance(text, str):
        raise ProtocolError("image", f"image must be a base64 string, got {abbreviate(text)}")
    if len(text) > MAX_IMAGE_BYTES * 4 // 3:
        raise ProtocolError("image", f"image of {len(text)} base64 characters is too large for a camera frame")
    try:
        return binascii.a2b_base64(text[text.find(",", 0, 64) + 1 :], strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise ProtocolError("image", f"image is not base64 ({error}): {abbreviate(text)}") from None


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
    """Open a JPEG or PNG file by its signature; Pillow's other formats are never tried."""
    if image[:2] == b"\xff\xd8":
        return JpegImagePlugin.JpegImageFile(io.BytesIO(image))
    if image[:8] == b"\x89PNG\r\n\x1a\n":
        return PngImagePlugin.PngImageFile(io.BytesIO(image))
    raise ProtocolError("image", f"image is neither JPEG nor PNG: it begins with {image[:8]!r}")
