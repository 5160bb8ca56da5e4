"""The last two minutes of a drive stay, four moments a second, whatever the clock does."""

import pytest

from protocol.messages import Control, Telemetry
from server.core.observer import AnsweredFrame
from server.observers.drive_history import HISTORY_S, SAMPLE_S, DriveHistory
from tests.conftest import road_frame

FRAME = road_frame()


def note(history, time_s, latency_ms=2.0, fresh=True, **extras):
    telemetry = Telemetry(FRAME, b"", 1.0, 0.2, 15.0, extras)
    history.note(AnsweredFrame(1, telemetry, Control(0.5, 0.1), time_s, latency_ms, fresh), 20.0)


def test_two_minutes_stay_at_four_moments_a_second():
    history = DriveHistory()
    for i in range(200 * 20):
        note(history, 1000.0 + i / 20)
    times_s = [sample.time_s for sample in history.samples]
    assert len(times_s) == round(HISTORY_S / SAMPLE_S)
    assert times_s[-1] - times_s[0] == pytest.approx(HISTORY_S - SAMPLE_S)
    assert history.samples[-1][1:] == (15.0, 12.5, 0.1, 2.0, 20.0, None, None)


def test_a_moments_answer_time_is_the_mean_since_the_one_before():
    history = DriveHistory()
    for i, latency_ms in enumerate((5.0, 1.0, 2.0, 43.0, 2.0, 2.0)):
        note(history, 1000.0 + i / 20, latency_ms)
    assert [sample.latency_ms for sample in history.samples] == [5.0, 10.0]


def test_a_clock_that_is_set_back_begins_the_history_anew_and_a_long_pause_empties_it():
    history = DriveHistory()
    for time_s in (1000.0, 1001.0, 900.0, 901.0):
        note(history, time_s)
    assert [sample.time_s for sample in history.samples] == [900.0, 901.0]
    note(history, 901.0 + 2 * HISTORY_S)
    assert len(history.samples) == 1


def test_the_best_lap_is_of_this_drive():
    history = DriveHistory()
    for game_s, lap in ((0, 1), (50, 2), (95, 3), (150, 4)):
        note(history, 1000.0 + game_s, sim_time=str(game_s), lapNumber=str(lap))
    assert (history.whereabouts.last_lap_s, history.best_lap_s) == (55.0, 45.0)
    note(history, 1151.0, sim_time="0", lapNumber="1")
    assert history.best_lap_s is None


def test_the_line_is_read_after_any_point_and_not_after_one_that_has_gone():
    history = DriveHistory()
    for i in range(6):
        note(history, 1000.0 + i, pos_x=str(3 * i), pos_z="0", sim_time=str(i), fresh=i != 3)
    assert [point.x_m for point in history.line_after(3, 9)] == [12.0, 15.0], "the same view again is no new place"
    assert [point.x_m for point in history.line_after(1, 2)] == [3.0, 6.0]
    history.whereabouts.line.popleft()
    assert history.line_after(0, 9) is None
    note(history, 1010.0, pos_x="0", pos_z="0", sim_time="0")
    assert (history.drives, [point.x_m for point in history.line_after(0, 9)]) == (1, [0.0])
