"""The films' colours, and text drawn by copying cached glyphs, which costs a fraction of drawing it each time."""

from __future__ import annotations

import functools
import math

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Picture = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]

GROUND, LINE = (16, 19, 24), (40, 46, 56)
TEXT, LABEL = (240, 243, 247), (132, 142, 156)
RIM, ACCENT, GREEN, RED = (205, 211, 219), (64, 156, 255), (62, 200, 120), (240, 84, 72)

MINUS = "−"
"""`glyph` draws it itself: Pillow's font has only ASCII, and its hyphen is shorter than its plus."""


@functools.cache
def font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    """Pillow's own font, which every computer has."""
    return ImageFont.load_default(size)


@functools.cache
def glyph(character: str, size: int, colour: Colour) -> Picture:
    """One character on GROUND; all digits have the same width, so that numbers do not jitter."""
    letters = font(size)
    template = "+" if character == MINUS else "0" if character.isdigit() else character
    columns = math.ceil(letters.getlength(template))
    picture = Image.new("RGB", (columns, size + 6), GROUND)
    if character == MINUS:
        left, top, right, bottom = letters.getbbox("+")
        middle, thick = (top + bottom) / 2, max(1, round(size / 12))
        ImageDraw.Draw(picture).rectangle((left, middle - thick / 2, right - 1, middle + thick / 2 - 1), colour)
        return np.asarray(picture)
    ImageDraw.Draw(picture).text(((columns - letters.getlength(character)) / 2, 0), character, colour, letters)
    return np.asarray(picture)


def text_width(text: str, size: int) -> int:
    """Columns of a text of digits, signs and a few letters."""
    return sum(glyph(character, size, TEXT).shape[1] for character in text)


def write(picture: Picture, left: int, top: int, text: str, size: int, colour: Colour) -> int:
    """Draw text on a picture with background GROUND, cut at its right edge; return the column after it."""
    for character in text:
        letter = glyph(character, size, colour)
        right = min(picture.shape[1], left + letter.shape[1])
        picture[top : top + letter.shape[0], left:right] = letter[:, : right - left]
        left = right
    return left


def number_text(value: float, style: str) -> str:
    """Format with at most four digits before the point; a value that is not finite becomes a dash."""
    if not math.isfinite(value):
        return MINUS * 2
    text = format(min(9999.0, max(-999.0, value)), style)
    return text.lstrip("+-") if not any(c in text for c in "123456789") else text.replace("-", MINUS)


def clock_text(seconds: float) -> str:
    """Minutes and whole seconds, such as `2:05`."""
    whole = max(0, int(min(seconds, 359_999.0)))
    return f"{whole // 60}:{whole % 60:02d}"
