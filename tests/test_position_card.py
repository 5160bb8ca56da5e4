"""The card in a film's corner: a map that grows with the drive, and nothing where the simulator reports nothing."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import numpy as np
import pytest

from film.lettering import ACCENT, RED, TEXT
from film.overlay import CAMERA_ROWS, CARD_MARGIN, WIDTH, Overlay, Shot
from film.position_card import MAP_SIZE, TEXT_COLUMNS, position_card
from film.writer import FilmWriter
from protocol.position import NOWHERE, Position, Whereabouts
from tests.conftest import road_frame
from tests.driven_laps import drive, lap_position
from tests.films import read_film

SHOT = Shot(0.0, road_frame(), 0.2, 0.5, 15.0, 1.8)
HIGHEST_ROAD_ROW = 120
"""Row of the enlarged camera image above which networks look at nothing."""


def card(car: Whereabouts) -> np.ndarray:
    picture = position_card(car)
    assert picture is not None
    assert picture.dtype == np.uint8
    assert picture.shape[0] % 2 == picture.shape[1] % 2 == 0
    assert CARD_MARGIN + picture.shape[0] <= HIGHEST_ROAD_ROW, "it hides sky, not road"
    return picture


def near(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return np.abs(picture.astype(int) - colour).sum(axis=-1) < 60


def test_a_lap_becomes_a_closed_ring_and_the_car_is_on_it():
    car = Whereabouts()
    drive(car, 0.0, 200.0)
    half = card(car)[:, TEXT_COLUMNS:]
    drive(car, 200.0, 420.0)
    whole = card(car)[:, TEXT_COLUMNS:]
    assert half.shape == whole.shape == (MAP_SIZE, MAP_SIZE, 3)
    rows, columns = np.nonzero(near(whole, ACCENT))
    for share in range(8):
        angle = math.pi / 4 * share
        x, y = MAP_SIZE / 2 + 42 * math.cos(angle), MAP_SIZE / 2 - 42 * math.sin(angle)
        if share != 0:  # the car hides the line there
            assert np.hypot(columns - x, rows - y).min() < 2, "the ring is closed"
    car_rows, car_columns = np.nonzero(near(whole, TEXT))
    angle = 2 * math.pi * 419.5 / 400
    assert car_columns.mean() == pytest.approx(MAP_SIZE / 2 + 42 * math.cos(angle), abs=1.5)
    assert car_rows.mean() == pytest.approx(MAP_SIZE / 2 - 42 * math.sin(angle), abs=1.5), "north is up"
    fractions = [np.count_nonzero(near(m, ACCENT)) for m in (half, whole)]
    assert fractions[0] < 0.8 * fractions[1] + 60


def test_the_line_is_red_where_the_car_was_far_from_the_middle():
    for lateral_offset_m, colour, other in ((0.0, ACCENT, RED), (-2.5, RED, ACCENT)):
        car = Whereabouts()
        for i in range(100):
            car.note(replace(lap_position(3.0 * i), lateral_offset_m=lateral_offset_m), 0.0)
        picture = card(car)[:, TEXT_COLUMNS:]
        assert np.count_nonzero(near(picture, colour)) > 50
        assert not near(picture, other).any()


def test_a_jump_draws_no_line_through_the_country():
    car = Whereabouts()
    for x_m in (*range(0, 50, 2), *range(950, 1000, 2)):
        car.note(Position(x_m=float(x_m), y_m=0.0, lateral_offset_m=0.0), 0.0)
    picture = card(car)[:, TEXT_COLUMNS:]
    columns = np.flatnonzero(near(picture, ACCENT).any(axis=0))
    assert columns.size
    assert not ((columns > 20) & (columns < 80)).any()


@pytest.mark.parametrize(
    ("position", "columns"),
    [
        (Position(lap=2, lateral_offset_m=-0.4, off_road=0), TEXT_COLUMNS),
        (Position(lateral_offset_m=0.7), TEXT_COLUMNS),
        (Position(x_m=1.0, y_m=2.0), MAP_SIZE),
        (Position(1, 3.0, 0.1, 1.0, 2.0, 0), TEXT_COLUMNS + MAP_SIZE),
    ],
)
def test_the_card_holds_what_the_simulator_reports_and_no_more(position, columns):
    car = Whereabouts()
    car.note(position, 0.0)
    assert card(car).shape[1] == columns


def test_each_value_is_written_once_it_is_known():
    pictures = set()
    for position in (
        Position(lap=2),
        Position(lap=3),
        Position(lap=2, lateral_offset_m=0.4),
        Position(lap=2, lateral_offset_m=0.9),
        Position(lap=2, off_road=0),
        Position(lap=2, off_road=1),
    ):
        car = Whereabouts()
        car.note(position, 0.0)
        picture = card(car)
        pictures.add(picture.tobytes())
        assert near(picture, RED).any() == bool(position.off_road)
    assert len(pictures) == 6
    car = Whereabouts()
    car.note(Position(lateral_offset_m=0.4), 0.0)
    right = card(car)
    car.note(Position(lateral_offset_m=-0.4), 0.0)
    np.testing.assert_array_equal(right, card(car), err_msg="a distance has no sign")


def test_a_stock_simulators_film_has_no_card():
    car = Whereabouts()
    car.note(NOWHERE, 0.0)
    assert position_card(car) is None
    picture = Overlay("eff.h5").picture(SHOT, 0.0)
    reported = Overlay("eff.h5").picture(replace(SHOT, position=lap_position(100.0)), 0.0)
    changed = np.argwhere((picture != reported).any(axis=-1))
    (top, left), (bottom, right) = changed.min(0), changed.max(0)
    assert (top, right) == (CARD_MARGIN, WIDTH - CARD_MARGIN - 1)
    assert bottom < HIGHEST_ROAD_ROW
    assert left >= WIDTH // 2


def test_any_position_can_be_drawn():
    dice = random.Random(1)
    values = (None, 0.0, -0.0, 1e-300, 1e5, -1e5, 99_999.999)
    for _ in range(300):
        car = Whereabouts()
        for _ in range(dice.randint(1, 4)):
            x_m, y_m = dice.choice(values), dice.choice(values)
            place = (x_m, y_m) if x_m is not None and y_m is not None else (None, None)
            position = Position(
                dice.choice((None, 0, 1, 100_000)), dice.choice((None, 0.0, 1e6)), dice.choice((None, 1000.0, -0.1)),
                *place, dice.choice((None, 0, 100_000)),
            )  # fmt: skip
            car.note(position, dice.uniform(-1e9, 1e9))
        if position_card(car) is not None:
            card(car)


def test_another_simulators_car_begins_another_map():
    overlay = Overlay("eff.h5")
    for i in range(100):
        overlay.panel(replace(SHOT, time_s=i / 10, position=lap_position(3.0 * i)), i / 10)
    assert overlay.card is not None
    lines = np.count_nonzero(near(overlay.card, ACCENT))
    overlay.panel(replace(SHOT, time_s=12.0, position=lap_position(310.0), simulator=2), 12.0)
    assert np.count_nonzero(near(overlay.card, ACCENT)) < lines / 10


def test_the_card_of_an_mp4_is_where_the_overlay_puts_it(tmp_path):
    writer = FilmWriter(tmp_path / "film.mp4", "eff.h5")
    for i in range(20):
        writer.write(replace(SHOT, time_s=0.3 * i, position=lap_position(10.0 * i)))
    writer.close()
    _, pictures, _ = read_film(writer.path)
    overlay = Overlay("eff.h5")
    for i in range(20):
        picture = overlay.picture(replace(SHOT, time_s=0.3 * i, position=lap_position(10.0 * i)), 0.3 * i)
    difference = np.abs(pictures[-1].astype(int) - picture)[:CAMERA_ROWS]
    assert overlay.card is not None
    rows, columns = overlay.card.shape[:2]
    corner = difference[CARD_MARGIN : CARD_MARGIN + rows, WIDTH - CARD_MARGIN - columns : WIDTH - CARD_MARGIN]
    assert np.median(corner) < 8
    assert corner.mean() < 12
