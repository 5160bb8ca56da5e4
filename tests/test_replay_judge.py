"""The replay as a judge: never steering fails every bend of a recording, and the human's own steering fails none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from protocol.messages import MPS_PER_MPH, Control
from protocol.recorder import Recorder
from protocol.recording import read_recording
from simulator.replay.reference_path import ReferencePath, reference_path
from simulator.replay.replay_world import ReplayWorld
from simulator.world.car import STEP_S
from tests.conftest import jpeg_of, road_frame

pytestmark = pytest.mark.slow

Bend = tuple[float, float]
"""Where a bend begins and ends, in metres along the recording."""

WINDOW_M, LEAST_RAD_PER_M = 10.0, 1 / 200
"""A bend is where the heading changes by this much over this length."""

LEAST_TURN_RAD = 0.45
"""26 degrees: whoever drives straight on through such a bend leaves the line by a metre, for any radius from 10 m."""

SPEED_MPH, ROW_S = 20.0, 0.1
LEFT_ROWS, RIGHT_ROWS = range(50, 75), range(125, 150)


def never_steers(_: ReplayWorld) -> float:
    """Straight on."""
    return 0.0


def as_the_human(world: ReplayWorld) -> float:
    """What the human steered at this place."""
    return world.human_steering


def interventions_at_m(line: ReferencePath, steering: Callable[[ReplayWorld], float]) -> tuple[float, ...]:
    """Where along the recording an intervention happened. Nobody looks at the frames, so none is warped."""
    world = ReplayWorld(line)
    while not world.finished:
        world.apply(Control(steering(world), 0.0))
        world.step(STEP_S)
    return world.log.report().off_road_at_m


def bends(line: ReferencePath) -> list[Bend]:
    """Every stretch of one sense that turns by LEAST_TURN_RAD or more."""
    result: list[Bend] = []
    before_m = 0.0
    half = round(WINDOW_M / 2)
    for stretch in line.segments:
        metres = np.arange(0.0, stretch.length_m, 1.0)
        heading = np.interp(metres, stretch.distance_m, np.unwrap(stretch.heading_rad))
        curvature = np.zeros(metres.size)
        curvature[half:-half] = (heading[2 * half :] - heading[: -2 * half]) / WINDOW_M
        sense = np.sign(curvature) * (np.abs(curvature) > LEAST_RAD_PER_M)
        for piece in np.split(np.arange(metres.size), np.flatnonzero(np.diff(sense)) + 1):
            first, last = piece[0], piece[-1]
            if sense[first] and abs(heading[last] - heading[first]) >= LEAST_TURN_RAD:
                result.append((before_m + float(metres[first]), before_m + float(metres[last])))
        before_m += stretch.length_m
    return result


def failed(line: ReferencePath, steering: Callable[[ReplayWorld], float]) -> list[Bend]:
    """The bends with an intervention in them or just behind them."""
    places_m = interventions_at_m(line, steering)
    return [(first, last) for first, last in bends(line) if any(first <= m <= last + WINDOW_M for m in places_m)]


@pytest.fixture(scope="module")
def drawn_line(tmp_path_factory: pytest.TempPathFactory) -> ReferencePath:
    """Straight on, a bend of some 90 degrees to the left, straight on, and one to the right."""
    folder = tmp_path_factory.mktemp("judge") / "bends"
    jpeg = jpeg_of(road_frame())
    with Recorder(folder) as recorder:
        for row in range(200):
            steering = -0.2 if row in LEFT_ROWS else 0.2 if row in RIGHT_ROWS else 0.0
            recorder.write(1.6e9 + ROW_S * row, jpeg, steering, 0.3, 0, SPEED_MPH, jpeg, jpeg)
    return reference_path(read_recording(folder))


@pytest.fixture(scope="module")
def real(steering_data: Path) -> ReferencePath:
    """1.7 laps of Udacity's lake each way."""
    return reference_path(read_recording(steering_data / "lake-recording"))


def test_the_bends_are_where_they_were_drawn(drawn_line: ReferencePath) -> None:
    row_m = SPEED_MPH * MPS_PER_MPH * ROW_S
    left, right = bends(drawn_line)
    assert left == pytest.approx((LEFT_ROWS.start * row_m, LEFT_ROWS.stop * row_m), abs=8)
    assert right == pytest.approx((RIGHT_ROWS.start * row_m, RIGHT_ROWS.stop * row_m), abs=8)


@pytest.mark.parametrize("recording", ["drawn_line", "real"])
def test_never_steering_fails_every_bend_and_the_human_none(recording: str, request: pytest.FixtureRequest) -> None:
    line: ReferencePath = request.getfixturevalue(recording)
    assert len(bends(line)) >= 2
    assert failed(line, never_steers) == bends(line)
    assert interventions_at_m(line, as_the_human) == (), "nowhere, in a bend or between two"
