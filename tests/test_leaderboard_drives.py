"""A process of the pool drives: the same task gives the same figures, whatever it has drawn before."""

from __future__ import annotations

import base64
import io
import math
from dataclasses import asdict
from pathlib import Path

import av
import numpy as np
import pytest

from inference.observations import Observations
from inference.policy import Answer
from simulator.world.drive_log import DriveLog
from training.leaderboard import drives
from training.leaderboard.drives import Workshop, drive_task, film_task, worst_minute_s
from training.leaderboard.tasks import DriveTask, read_result

MODEL = Path(__file__).resolve().parent.parent / "models" / "eff-small.tflite"


class Turns:
    """Drives straight for a while, then turns to the right; or answers what is no number."""

    def __init__(self, frames: int, steering: float) -> None:
        self._frames, self._steering = frames, steering

    def answer(self, observations: Observations) -> Answer:
        self._frames -= 1
        return Answer(0.0 if self._frames >= 0 else self._steering)


@pytest.fixture
def workshop(monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """A process that has not driven yet."""
    new = Workshop()
    monkeypatch.setattr(drives, "_workshop", new)
    return new


def argument(laps: float, track: str = "lake", seed: int = 0, **more: object) -> dict[str, object]:
    return {"task": asdict(DriveTask("m", track, False, 15.0, seed, laps)), "file": str(MODEL), **more}


def test_a_departure_ends_the_clean_way_and_breaks_the_trace(workshop, monkeypatch):
    monkeypatch.setattr(workshop, "engine", lambda file: Turns(60, 1.0))
    result = read_result(drive_task(argument(0.03)))
    assert result.off_road_events > 0
    assert 0 < result.clean_m < result.distance_m
    breaks = [number for number, place in enumerate(result.trace) if math.isnan(place[0])]
    assert len(breaks) == result.off_road_events
    assert result.clean_m == pytest.approx(15, abs=5), "three seconds of acceleration, and a turn"
    assert result.trace[breaks[0] + 1][2] == pytest.approx(0, abs=0.3), "put back to the middle"
    seconds = [place[3] for place in result.trace if not math.isnan(place[0])]
    assert seconds == sorted(seconds)
    assert seconds[-1] == pytest.approx(result.elapsed_s, abs=0.4)


def test_an_answer_that_is_no_number_ends_the_drive(workshop, monkeypatch):
    monkeypatch.setattr(workshop, "engine", lambda file: Turns(40, math.nan))
    result = read_result(drive_task(argument(0.03)))
    assert result.failure.startswith("it answered nan after ")
    assert 1 < result.distance_m < 10


def test_a_track_that_cannot_be_drawn_is_no_models_fault(workshop, monkeypatch):
    monkeypatch.delenv("UDACITY_SIMULATOR", raising=False)
    assert "udacity-lake cannot be drawn: " in drive_task(argument(0.01, "udacity-lake"))["no_world"]


@pytest.mark.slow
def test_what_was_drawn_before_changes_no_digit(workshop, monkeypatch):
    first = drive_task(argument(0.01, seed=3))
    drive_task(argument(0.005, "mountain"))
    drive_task(argument(0.005, "lake:rain"))
    assert drive_task(argument(0.01, seed=3)) == first
    assert drive_task(argument(0.01, seed=4)) != first, "another start"
    monkeypatch.setattr(drives, "_workshop", Workshop())
    assert drive_task(argument(0.01, seed=3)) == first, "in a new process"


def test_the_film_shows_the_worst_minute_of_the_same_drive_without_the_model(workshop, monkeypatch):
    monkeypatch.setattr(drives, "MINUTE_S", 4.0)
    monkeypatch.setattr(workshop, "engine", lambda file: Turns(60, 1.0))
    worlds, start = [], workshop.world
    monkeypatch.setattr(workshop, "world", lambda task: worlds.append(start(task)) or worlds[-1])
    result = read_result(drive_task(argument(0.03)))
    monkeypatch.setattr(workshop, "engine", None)
    task = argument(0.03, steering=result.steering, start_s=1.5, title="<turns>")
    film = base64.b64decode(film_task(task)["film"])
    driven, filmed = (world.log.positions for world in worlds)
    assert len(filmed) == pytest.approx(55, abs=2), "5.5 s, ten a second"
    assert np.array_equal(filmed, driven[: len(filmed)], equal_nan=True)
    assert np.isnan(filmed).any(), "with a departure"
    with av.open(io.BytesIO(film)) as container:
        pictures = [picture.to_ndarray(format="rgb24") for picture in container.decode(video=0)]
        assert float(container.duration / av.time_base) == pytest.approx(4.0, abs=0.3)
    assert len(pictures) == pytest.approx(4.0 * drives.PICTURES_PER_S, abs=2)
    assert min(picture[:160].std() for picture in pictures) > 10, "each shows a road"


def test_the_worst_minute_has_the_most_departures_and_then_the_largest_offsets():
    log = DriveLog(1000.0)
    assert worst_minute_s(log) == 0.0
    offsets = np.zeros(3000)
    offsets[2000:2100] = 1.5
    log.positions = [(0.0, 0.0, offset, 0.0) for offset in offsets]
    assert 150 <= worst_minute_s(log) <= 200, "it has all of 200 to 210 s"
    log.positions.insert(500, (math.nan,) * 4)
    assert worst_minute_s(log) <= 50 - 0.1
