"""Draws a drive's instruments: wheel, speed, throttle, latency, rate below the camera image, a map in its corner.

The wheel and the throttle's bar move with each picture; numbers change four times a second, so that they can be read.
Drawing must cost the server little processor time. Static parts are therefore drawn once, and glyphs and wheel
positions are cached, so that a panel costs a few small copies.
"""

from __future__ import annotations

import functools
import math
import unicodedata
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from film.lettering import (
    ACCENT,
    GREEN,
    GROUND,
    LABEL,
    LINE,
    RED,
    RIM,
    TEXT,
    Picture,
    clock_text,
    font,
    number_text,
    text_width,
    write,
)
from film.position_card import position_card
from protocol.messages import MAX_STEERING_ANGLE_DEG, Frame
from protocol.position import NOWHERE, Position, Whereabouts

WIDTH, CAMERA_ROWS, PANEL_ROWS = 640, 320, 80
FILM_ROWS = CAMERA_ROWS + PANEL_ROWS
"""Rows of a film picture: the camera image at twice its size, and the panel below it, where it hides no road."""

NUMBERS_S = 0.25
"""Interval at which numbers and the map are drawn anew."""

CARD_MARGIN = 8
"""Distance of the position card from the picture's upper and right edge."""

WHEEL_TURN_DEG = 120.0
"""Turn of the drawn wheel at full lock, large enough to show one degree of the front wheels."""

WHEEL_SIZE, WHEEL_LEFT, WHEEL_TOP = 64, 12, 8
STEERING_LEFT, SPEED_LEFT, THROTTLE_LEFT, LATENCY_LEFT, RATE_LEFT = 92, 196, 290, 440, 542
LABEL_TOP, VALUE_TOP, FOOT_TOP = 9, 20, 56
VALUE_SIZE, UNIT_SIZE, SMALL_SIZE = 25, 13, 11
BAR_WIDTH, BAR_HEIGHT, BAR_TOP = 122, 10, 31
MAX_TITLE_WIDTH = 420


@dataclass(frozen=True, slots=True)
class Shot:
    """The content of one film picture.

    time_s: seconds of any monotonic or wall clock. frame: uint8 RGB (160, 320, 3). steering -1..1, positive right;
    throttle -1..1, negative brakes; speed in miles an hour; these three are nan where they are unknown. latency_ms:
    None if not measured. position: of the car, as its simulator reports it; simulator: the number of this simulator.
    """

    time_s: float
    frame: Frame
    steering: float
    throttle: float
    speed_mph: float
    latency_ms: float | None = None
    position: Position = NOWHERE
    simulator: int = 1


class Overlay:
    """Draws the pictures of one drive, in their order. title: text at the foot of the panel, such as the model's file.

    card: what is known of the car's place, uint8 RGB with even sides, for the picture's upper right corner; or None.
    """

    def __init__(self, title: str) -> None:
        self._stills = {(a, b): _still_panel(title, a, b) for a in (False, True) for b in (False, True)}
        self._due_s = -math.inf
        self._numbers = self._stills[False, False]
        self._car = Whereabouts()
        self._simulator = 0
        self.card: Picture | None = None

    def panel(self, shot: Shot, elapsed_s: float, rate_hz: float | None = None) -> Picture:
        """The instruments: uint8 RGB (80, 640, 3); updates `card`. rate_hz: answers per second, None if unknown."""
        if shot.simulator != self._simulator:
            self._simulator, self._car = shot.simulator, Whereabouts()
        self._car.note(shot.position, shot.time_s)
        if elapsed_s >= self._due_s:
            self._due_s = elapsed_s + NUMBERS_S
            self._numbers = self._draw_numbers(shot, elapsed_s, rate_hz)
            self.card = position_card(self._car)
        panel = self._numbers.copy()
        wheel = _wheel(round(_clamp(shot.steering) * WHEEL_TURN_DEG))
        panel[WHEEL_TOP : WHEEL_TOP + WHEEL_SIZE, WHEEL_LEFT : WHEEL_LEFT + WHEEL_SIZE] = wheel
        _draw_bar(panel, _clamp(shot.throttle))
        return panel

    def picture(self, shot: Shot, elapsed_s: float, rate_hz: float | None = None) -> Picture:
        """The camera image, the card and the instruments: uint8 RGB (400, 640, 3)."""
        camera = np.array(Image.fromarray(shot.frame).resize((WIDTH, CAMERA_ROWS), Image.Resampling.BICUBIC))
        panel = self.panel(shot, elapsed_s, rate_hz)
        if self.card is not None:
            rows, columns = card_place(self.card)
            camera[rows, columns] = self.card
        return np.concatenate((camera, panel))

    def _draw_numbers(self, shot: Shot, elapsed_s: float, rate_hz: float | None) -> Picture:
        panel = self._stills[shot.latency_ms is not None, rate_hz is not None].copy()
        steering = _clamp(shot.steering) if math.isfinite(shot.steering) else math.nan
        angle_deg = number_text(steering * MAX_STEERING_ANGLE_DEG, "+.1f")
        _value(panel, STEERING_LEFT, angle_deg + "°", "")
        _value(panel, SPEED_LEFT, number_text(shot.speed_mph, ".1f"), "mph")
        if shot.latency_ms is not None:
            _value(panel, LATENCY_LEFT, number_text(shot.latency_ms, ".1f"), "ms")
        if rate_hz is not None:
            _value(panel, RATE_LEFT, number_text(rate_hz, ".0f"), "Hz")
        clock = clock_text(elapsed_s)
        write(panel, WIDTH - 14 - text_width(clock, SMALL_SIZE + 2), FOOT_TOP, clock, SMALL_SIZE + 2, TEXT)
        return panel


def card_place(card: Picture) -> tuple[slice, slice]:
    """Rows and columns of the picture that the card takes."""
    rows, columns, _ = card.shape
    right = WIDTH - CARD_MARGIN
    return slice(CARD_MARGIN, CARD_MARGIN + rows), slice(right - columns, right)


def _still_panel(title: str, latency: bool, rate: bool) -> Picture:
    """The static parts of the panel; latency, rate: whether it shows these two."""
    picture = Image.new("RGB", (WIDTH, PANEL_ROWS), GROUND)
    draw = ImageDraw.Draw(picture)
    draw.line((0, 0, WIDTH, 0), fill=LINE)
    places = {"STEERING": STEERING_LEFT, "SPEED": SPEED_LEFT, "THROTTLE": THROTTLE_LEFT}
    places |= {"LATENCY": LATENCY_LEFT} if latency else {}
    places |= {"RATE": RATE_LEFT} if rate else {}
    for label, left in places.items():
        draw.text((left, LABEL_TOP), label, LABEL, font(SMALL_SIZE - 1))
    box = (THROTTLE_LEFT, BAR_TOP, THROTTLE_LEFT + BAR_WIDTH - 1, BAR_TOP + BAR_HEIGHT - 1)
    draw.rounded_rectangle(box, 3, fill=LINE)
    draw.text((STEERING_LEFT, FOOT_TOP + 1), _fit_title(title), LABEL, font(SMALL_SIZE + 1))
    return np.array(picture)


def _fit_title(title: str) -> str:
    """The title on one line, in the font's ASCII (accents are removed), cut to MAX_TITLE_WIDTH."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", title[:500]) if not unicodedata.combining(c))
    title = " ".join(plain.encode("ascii", "replace").decode().split())[:200]
    letters = font(SMALL_SIZE + 1)
    if letters.getlength(title) <= MAX_TITLE_WIDTH:
        return title
    while letters.getlength(title + "...") > MAX_TITLE_WIDTH:
        title = title[:-1]
    return title + "..."


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


def _value(panel: Picture, left: int, number: str, unit: str) -> None:
    right = write(panel, left, VALUE_TOP, number, VALUE_SIZE, TEXT)
    if unit:
        write(panel, right + 4, VALUE_TOP + VALUE_SIZE - UNIT_SIZE - 1, unit, UNIT_SIZE, LABEL)


def _draw_bar(panel: Picture, throttle: float) -> None:
    """Draw the throttle from the middle: green to the right for gas, red to the left for the brake."""
    middle = THROTTLE_LEFT + BAR_WIDTH // 2
    end = middle + round(throttle * (BAR_WIDTH // 2 - 2))
    rows = slice(BAR_TOP + 2, BAR_TOP + BAR_HEIGHT - 2)
    panel[rows, min(middle, end) : max(middle, end)] = GREEN if throttle > 0 else RED
    panel[BAR_TOP - 2 : BAR_TOP + BAR_HEIGHT + 2, middle - 1 : middle + 1] = LABEL


def _clamp(value: float) -> float:
    return min(1.0, max(-1.0, value)) if math.isfinite(value) else 0.0
