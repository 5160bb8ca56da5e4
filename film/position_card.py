"""Draws a card for the film's upper corner, where only sky is: lap, distance from the middle, and a map of the drive.

It shows what the simulator reports, and nothing where that is nothing.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from film.lettering import ACCENT, GROUND, LABEL, LINE, RED, TEXT, Colour, Picture, clock_text, font, text_width, write
from protocol.position import LinePoint, Position, Whereabouts

MAP_SIZE, MAP_MARGIN = 104, 10
TEXT_COLUMNS, ROW_TOP, ROW_STEP, EDGE = 148, 4, 19, 8
LABEL_SIZE, VALUE_SIZE = 10, 13

SCALE = 3
"""The map is drawn this many times as large and made smaller, which smooths its lines."""

SMALLEST_M = 60.0
"""Side of the ground that the map shows at least, so that a drive's first metres do not fill it."""

MIDWAY: Colour = (245, 205, 70)
FAR_M = 2.0
"""Distance from the middle at which the line is wholly red; it is blue in the middle, and yellow half way."""


def position_card(car: Whereabouts) -> Picture | None:
    """Draw what is known of the car: uint8 RGB, an even number of rows and columns; None if nothing is known."""
    rows = _rows(car.position, car)
    has_map = car.position.x_m is not None and bool(car.line)
    if not rows and not has_map:
        return None
    height = MAP_SIZE if has_map else ROW_TOP + len(rows) * ROW_STEP + (ROW_TOP + len(rows) * ROW_STEP) % 2
    text_columns = TEXT_COLUMNS if rows else 0
    card = Image.new("RGB", (text_columns + MAP_SIZE * has_map, height), GROUND)
    draw = ImageDraw.Draw(card)
    for i, (label, _, _) in enumerate(rows):
        draw.text((EDGE, ROW_TOP + i * ROW_STEP + VALUE_SIZE - LABEL_SIZE), label, LABEL, font(LABEL_SIZE))
    if has_map:
        card.paste(_map(car), (text_columns, 0))
    draw.rectangle((0, 0, card.width - 1, card.height - 1), outline=LINE)
    picture = np.array(card)
    for i, (_, value, colour) in enumerate(rows):
        left = TEXT_COLUMNS - EDGE - text_width(value, VALUE_SIZE)
        write(picture, left, ROW_TOP + i * ROW_STEP, value, VALUE_SIZE, colour)
    return picture


def _rows(position: Position, car: Whereabouts) -> list[tuple[str, str, Colour]]:
    """Label, value and the value's colour of each line of text."""
    rows = []
    if position.lap is not None:
        rows.append(("LAP", str(position.lap), TEXT))
    if car.lap_time_s is not None:
        rows.append(("LAP TIME", clock_text(car.lap_time_s), TEXT))
    if position.lateral_offset_m is not None:
        rows.append(("FROM MIDDLE", f"{abs(position.lateral_offset_m):.1f} m", TEXT))
    if position.off_road is not None:
        rows.append(("OFF THE ROAD", str(position.off_road), RED if position.off_road else TEXT))
    if car.last_lap_s is not None:
        rows.append(("LAST LAP", clock_text(car.last_lap_s), TEXT))
    return rows


def _map(car: Whereabouts) -> Image.Image:
    """The driven line, scaled to fit, coloured by its distance from the middle, with the car as a dot."""
    here = (car.position.x_m or 0.0, car.position.y_m or 0.0)
    xy = np.array([here, *((point.x_m, point.y_m) for point in car.line)])
    low, high = xy.min(0), xy.max(0)
    room = (MAP_SIZE - 2 * MAP_MARGIN) * SCALE
    scale = room / max(SMALLEST_M, float((high - low).max()))
    middle = MAP_SIZE * SCALE / 2
    pixels = middle + (xy - (low + high) / 2) * (scale, -scale)
    (car_x, car_y), *places = pixels.tolist()
    picture = Image.new("RGB", (MAP_SIZE * SCALE, MAP_SIZE * SCALE), GROUND)
    draw = ImageDraw.Draw(picture)
    for start, end, point in zip(places, places[1:], list(car.line)[1:], strict=False):
        if point.joined:
            draw.line((*start, *end), fill=_colour(point), width=2 * SCALE)
    for radius, colour in ((5 * SCALE, GROUND), (3.5 * SCALE, TEXT)):
        draw.ellipse((car_x - radius, car_y - radius, car_x + radius, car_y + radius), fill=colour)
    return picture.resize((MAP_SIZE, MAP_SIZE), Image.Resampling.LANCZOS)


def _colour(point: LinePoint) -> Colour:
    if point.lateral_offset_m is None:
        return LABEL
    share = min(1.0, abs(point.lateral_offset_m) / FAR_M) * 2
    start, end, share = (ACCENT, MIDWAY, share) if share < 1 else (MIDWAY, RED, share - 1)
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(start, end, strict=True))
    return red, green, blue
