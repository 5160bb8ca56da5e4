"""Draws a drive's instruments under the camera image: steering wheel, speed, throttle, latency and rate.

Drawing must cost the server little processor time. Static parts are therefore drawn once, and glyphs and wheel
positions are cached, so that a panel costs a few small copies.
"""

from __future__ import annotations

import functools
import math
import unicodedata
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from protocol.messages import MAX_STEERING_ANGLE_DEG, Frame

WIDTH, CAMERA_ROWS, PANEL_ROWS = 640, 320, 80
FILM_ROWS = CAMERA_ROWS + PANEL_ROWS
"""Rows of a film picture: the camera image at twice its size, and the panel below it, where it hides no road."""

Picture = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]

GROUND, LINE = (16, 19, 24), (40, 46, 56)
TEXT, LABEL = (240, 243, 247), (132, 142, 156)
RIM, ACCENT, GREEN, RED = (205, 211, 219), (64, 156, 255), (62, 200, 120), (240, 84, 72)

WHEEL_TURN_DEG = 120.0
"""Turn of the drawn wheel at full lock, large enough to show one degree of the front wheels."""

WHEEL_SIZE, WHEEL_LEFT, WHEEL_TOP = 64, 12, 8
STEERING_LEFT, SPEED_LEFT, THROTTLE_LEFT, LATENCY_LEFT, RATE_LEFT = 92, 196, 290, 440, 542
LABEL_TOP, VALUE_TOP, FOOT_TOP = 9, 20, 56
VALUE_SIZE, UNIT_SIZE, SMALL_SIZE = 25, 13, 11
BAR_WIDTH, BAR_HEIGHT, BAR_TOP = 122, 10, 31
MAX_TITLE_WIDTH = 420

MINUS = "−"
"""`_glyph` draws it itself: Pillow's font has only ASCII, and its hyphen is shorter than its plus."""


@dataclass(frozen=True, slots=True)
class Shot:
    """The content of one film picture.

    time_s: seconds of any monotonic or wall clock. frame: uint8 RGB (160, 320, 3). steering -1..1, positive right;
    throttle -1..1, negative brakes; speed in miles an hour; these three are nan where they are unknown. latency_ms:
    None if not measured.
    """

    time_s: float
    frame: Frame
    steering: float
    throttle: float
    speed_mph: float
    latency_ms: float | None = None


class Overlay:
    """Draws the pictures of one drive. title: text at the foot of the panel, such as the model's file name."""

    def __init__(self, title: str) -> None:
        self._stills = {(a, b): _still_panel(title, a, b) for a in (False, True) for b in (False, True)}

    def panel(self, shot: Shot, elapsed_s: float, rate_hz: float | None = None) -> Picture:
        """The instruments: uint8 RGB (80, 640, 3). rate_hz: answers per second, None if unknown."""
        panel = self._stills[shot.latency_ms is not None, rate_hz is not None].copy()
        wheel = _wheel(round(_clamp(shot.steering) * WHEEL_TURN_DEG))
        panel[WHEEL_TOP : WHEEL_TOP + WHEEL_SIZE, WHEEL_LEFT : WHEEL_LEFT + WHEEL_SIZE] = wheel
        steering = _clamp(shot.steering) if math.isfinite(shot.steering) else math.nan
        angle_deg = _number(steering * MAX_STEERING_ANGLE_DEG, "+.1f")
        _value(panel, STEERING_LEFT, angle_deg + "°", "")
        _value(panel, SPEED_LEFT, _number(shot.speed_mph, ".1f"), "mph")
        _draw_bar(panel, _clamp(shot.throttle))
        if shot.latency_ms is not None:
            _value(panel, LATENCY_LEFT, _number(shot.latency_ms, ".1f"), "ms")
        if rate_hz is not None:
            _value(panel, RATE_LEFT, _number(rate_hz, ".0f"), "Hz")
        clock = _clock(elapsed_s)
        _write(panel, WIDTH - 14 - _width(clock, SMALL_SIZE + 2), FOOT_TOP, clock, SMALL_SIZE + 2, TEXT)
        return panel

    def picture(self, shot: Shot, elapsed_s: float, rate_hz: float | None = None) -> Picture:
        """The camera image and the instruments: uint8 RGB (400, 640, 3)."""
        camera = Image.fromarray(shot.frame).resize((WIDTH, CAMERA_ROWS), Image.Resampling.BICUBIC)
        return np.concatenate((np.asarray(camera), self.panel(shot, elapsed_s, rate_hz)))


def _still_panel(title: str, latency: bool, rate: bool) -> Picture:
    """The static parts of the panel; latency, rate: whether it shows these two."""
    picture = Image.new("RGB", (WIDTH, PANEL_ROWS), GROUND)
    draw = ImageDraw.Draw(picture)
    draw.line((0, 0, WIDTH, 0), fill=LINE)
    places = {"STEERING": STEERING_LEFT, "SPEED": SPEED_LEFT, "THROTTLE": THROTTLE_LEFT}
    places |= {"LATENCY": LATENCY_LEFT} if latency else {}
    places |= {"RATE": RATE_LEFT} if rate else {}
    for label, left in places.items():
        draw.text((left, LABEL_TOP), label, LABEL, _font(SMALL_SIZE - 1))
    box = (THROTTLE_LEFT, BAR_TOP, THROTTLE_LEFT + BAR_WIDTH - 1, BAR_TOP + BAR_HEIGHT - 1)
    draw.rounded_rectangle(box, 3, fill=LINE)
    draw.text((STEERING_LEFT, FOOT_TOP + 1), _fit_title(title), LABEL, _font(SMALL_SIZE + 1))
    return np.array(picture)


def _fit_title(title: str) -> str:
    """The title on one line, in the font's ASCII (accents are removed), cut to MAX_TITLE_WIDTH."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", title[:500]) if not unicodedata.combining(c))
    title = " ".join(plain.encode("ascii", "replace").decode().split())[:200]
    font = _font(SMALL_SIZE + 1)
    if font.getlength(title) <= MAX_TITLE_WIDTH:
        return title
    while font.getlength(title + "...") > MAX_TITLE_WIDTH:
        title = title[:-1]
    return title + "..."


@functools.cache
def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)


@functools.cache
def _wheel(turn_deg: int) -> Picture:
    """A wheel turned clockwise, on the panel's background: uint8 RGB (64, 64, 3). It is drawn four times as large."""
    size = 4 * WHEEL_SIZE
    picture = Image.new("RGB", (size, size), GROUND)
    draw = ImageDraw.Draw(picture)
    centre, outer, hub = size / 2, size / 2 - 6, size * 0.13
    for spoke_deg in (0.0, 180.0, 90.0):
        angle = math.radians(spoke_deg + turn_deg)
        end = (centre + outer * 0.92 * math.cos(angle), centre + outer * 0.92 * math.sin(angle))
        draw.line((centre, centre, *end), fill=RIM, width=22)
    draw.ellipse((centre - hub, centre - hub, centre + hub, centre + hub), fill=RIM)
    rim = (centre - outer, centre - outer, centre + outer, centre + outer)
    draw.ellipse(rim, outline=RIM, width=24)
    draw.arc(rim, turn_deg - 102, turn_deg - 78, fill=ACCENT, width=24)
    return np.asarray(picture.resize((WHEEL_SIZE, WHEEL_SIZE), Image.Resampling.LANCZOS))


@functools.cache
def _glyph(character: str, size: int, colour: Colour) -> Picture:
    """One character on the panel's background; all digits have the same width, so that numbers do not jitter."""
    font = _font(size)
    template = "+" if character == MINUS else "0" if character.isdigit() else character
    columns = math.ceil(font.getlength(template))
    picture = Image.new("RGB", (columns, size + 6), GROUND)
    if character == MINUS:
        left, top, right, bottom = font.getbbox("+")
        middle, thick = (top + bottom) / 2, max(1, round(size / 12))
        ImageDraw.Draw(picture).rectangle((left, middle - thick / 2, right - 1, middle + thick / 2 - 1), colour)
        return np.asarray(picture)
    ImageDraw.Draw(picture).text(((columns - font.getlength(character)) / 2, 0), character, colour, font)
    return np.asarray(picture)


def _width(text: str, size: int) -> int:
    return sum(_glyph(character, size, TEXT).shape[1] for character in text)


def _write(panel: Picture, left: int, top: int, text: str, size: int, colour: Colour) -> int:
    """Draw text on the panel; return the column after it."""
    for character in text:
        glyph = _glyph(character, size, colour)
        right = min(WIDTH, left + glyph.shape[1])
        panel[top : top + glyph.shape[0], left:right] = glyph[:, : right - left]
        left = right
    return left


def _value(panel: Picture, left: int, number: str, unit: str) -> None:
    right = _write(panel, left, VALUE_TOP, number, VALUE_SIZE, TEXT)
    if unit:
        _write(panel, right + 4, VALUE_TOP + VALUE_SIZE - UNIT_SIZE - 1, unit, UNIT_SIZE, LABEL)


def _draw_bar(panel: Picture, throttle: float) -> None:
    """Draw the throttle from the middle: green to the right for gas, red to the left for the brake."""
    middle = THROTTLE_LEFT + BAR_WIDTH // 2
    end = middle + round(throttle * (BAR_WIDTH // 2 - 2))
    rows = slice(BAR_TOP + 2, BAR_TOP + BAR_HEIGHT - 2)
    panel[rows, min(middle, end) : max(middle, end)] = GREEN if throttle > 0 else RED
    panel[BAR_TOP - 2 : BAR_TOP + BAR_HEIGHT + 2, middle - 1 : middle + 1] = LABEL


def _clamp(value: float) -> float:
    return min(1.0, max(-1.0, value)) if math.isfinite(value) else 0.0


def _number(value: float, style: str) -> str:
    """Format with at most four digits before the point; a value that is not finite becomes a dash."""
    if not math.isfinite(value):
        return MINUS * 2
    text = format(min(9999.0, max(-999.0, value)), style)
    return text.lstrip("+-") if not any(c in text for c in "123456789") else text.replace("-", MINUS)


def _clock(elapsed_s: float) -> str:
    tenths = max(0, round(elapsed_s * 10))
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"
