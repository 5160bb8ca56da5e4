"""Driving by hand without a browser: recordings, tracks, and turns with a model."""

import numpy as np
import pytest

from protocol.exclusions import read_rules
from protocol.recorder import Recorder
from protocol.recording import read_recording
from simulator.by_hand.game import Game
from simulator.by_hand.messages import DriverInput
from simulator.by_hand.model_link import ModelLink
from simulator.render.camera import AUTONOMOUS, RECORDING
from tests.conftest import road_frame
from tests.driver_inputs import NOTHING, holding

GENTLE = DriverInput(pedal=0.3)


class PaintedScene:
    """A scene whose pictures cost nothing: tests of the drive need no landscape."""

    def __init__(self, track):
        self.show(track)

    def show(self, track):
        self.track = track

    def render(self, *place, scale=1, **more):
        return np.repeat(np.repeat(road_frame(), scale, 0), scale, 1)

    def close(self):
        pass


@pytest.fixture
def link(server):
    model_link = ModelLink(f"http://127.0.0.1:{server.port}")
    yield model_link
    model_link.close()


@pytest.fixture
def no_server():
    model_link = ModelLink("http://127.0.0.1:9")
    yield model_link
    model_link.close()


@pytest.fixture
def game(no_server, tmp_path):
    by_hand = Game("lake", tmp_path, no_server, PaintedScene)
    yield by_hand
    by_hand.close()


def drive(game, seconds, hands=NOTHING):
    """Advance as the loop does."""
    for _ in range(round(seconds * 30)):
        game.advance(1 / 30, hands)
        game.record()


def test_a_drive_is_recorded_in_udacitys_format_and_a_second_one_is_appended(game, tmp_path):
    drive(game, 1, GENTLE)
    game.press("record")
    drive(game, 3, GENTLE)
    game.press("record")
    assert "Recorded 31 rows" in game.notice or "Recorded 30 rows" in game.notice
    assert game.command == f"python -m training {tmp_path / 'lake'} --lap-m 1137 --out my-model.h5"
    drive(game, 1, GENTLE)
    game.press("record")
    drive(game, 1, holding("left"))
    game.press("record")
    recording = read_recording(tmp_path / "lake")
    assert not recording.problems
    assert np.all(np.diff([s.time_s for s in recording.samples]) > 0)
    first = [s for s in recording.samples if s.session == 0]
    second = [s for s in recording.samples if s.session == 1]
    assert len(first) in (30, 31)
    assert len(second) in (10, 11)
    assert np.diff([s.time_s for s in first]) == pytest.approx(0.1, abs=0.05)
    assert all(s.left and s.right and s.throttle == 0.3 and s.brake == 0 for s in first)
    assert [s.speed_mph for s in first] == sorted(s.speed_mph for s in first)
    assert second[5].steering == -1
    assert second[5].throttle == 0


def test_the_way_off_the_road_is_left_out_and_another_session_begins(game, tmp_path):
    game.press("record")
    drive(game, 3, GENTLE)
    before = game.world.log.off_road_events
    while game.world.log.off_road_events == before:
        drive(game, 0.1, holding("faster", "left"))
    rows = len((tmp_path / "lake" / "driving_log.csv").read_text().splitlines())
    drive(game, 2, GENTLE)
    game.press("record")
    (rule,) = read_rules(tmp_path / "lake")
    assert rule.spans[0][1] in (rows, rows - 1)
    recording = read_recording(tmp_path / "lake")
    assert recording.excluded == 20
    assert len({s.session for s in recording.samples}) == 2
    assert not recording.problems


def test_a_cut_off_last_row_does_not_spoil_the_next_one(tmp_path):
    with Recorder(tmp_path) as recorder:
        recorder.write(1.6e9, b"\xff\xd8", 0, 0, 0, 0)
    with open(tmp_path / "driving_log.csv", "a") as log:
        log.write("IMG/center")
    with Recorder(tmp_path, append=True) as recorder:
        assert recorder.earlier_rows == 2
        recorder.write(1.6e9 + 9, b"\xff\xd8", 0.5, 0, 0, 0)
    assert (tmp_path / "driving_log.csv").read_text().splitlines()[2].endswith("0.5,0,0,0")


def test_without_a_server_the_page_says_how_to_get_a_model(game):
    game.press("hand")
    assert "python server/drive.py" in game.notice
    assert not game.model_drives


def test_the_camera_and_the_track_change(game, tmp_path):
    game.press("camera")
    assert game.state()["camera"] == "behind"
    drive(game, 1, holding("faster"))
    game.press("record")
    drive(game, 0.5)
    game.press("track")
    assert "Recorded" in game.notice
    state = game.state()
    assert (state["track"], state["distance_m"], state["speed_mph"]) == ("jungle", 0, 0)
    game.press("record")
    drive(game, 0.5)
    game.press("track")
    assert game.state()["track"] == "mountain"
    assert "--lap-m" not in game.next_command(), "two tracks have no common lap"


def test_the_weather_stays_and_a_folder_has_no_colon(no_server, tmp_path):
    by_hand = Game("lake:night", tmp_path, no_server, PaintedScene)
    by_hand.press("record")
    drive(by_hand, 0.5)
    by_hand.press("track")
    assert by_hand.state()["track"] == "jungle:night"
    by_hand.close()
    assert [folder.name for folder in tmp_path.iterdir()] == ["lake-night"], "Windows takes no colon"


def drive_with_link(game, link, condition, hands=NOTHING):
    """Advance as the loop does until the condition holds; a reply may take its time."""
    for _ in range(2000):
        game.advance(1 / 30, hands)
        game.update_link()
        game.record()
        if condition():
            return
        link.wait(0.02)
    raise AssertionError("it did not happen")


def test_a_model_takes_over_and_what_is_taken_back_is_kept_as_corrections(server, link, tmp_path):
    """The server's test model steers by brightness; the painted road gives a steady answer."""
    game = Game("lake", tmp_path, link, PaintedScene)
    drive_with_link(game, link, lambda: game.state()["server"])
    session = next(iter(server.app.sessions.values()))
    assert session.manual, "the server knows that a person drives"
    assert game.world.rig is RECORDING, "a person drives and records as in training mode"
    game.press("record")
    drive_with_link(game, link, lambda: game.state()["recording"]["rows"] > 3, holding("faster"))
    game.press("hand")
    assert game.state()["recording"] is None, "a model's drive is no lesson"
    assert server.policy.answers == [], "a person's drive sends no picture"
    drive_with_link(game, link, lambda: link.control is not None)
    drive_with_link(game, link, lambda: len(server.policy.answers) > 3)
    assert game.world.car.steering == pytest.approx(server.policy.answers[0], abs=0.01)
    assert game.world.rig is AUTONOMOUS, "the model sees as in autonomous mode"
    game.press("record")
    assert game.state()["recording"] is None
    drive_with_link(game, link, lambda: not game.model_drives, holding("right"))
    assert game.state()["recording"]["corrections"]
    assert game.world.rig is RECORDING
    drive_with_link(game, link, lambda: game.state()["recording"]["rows"] > 9, holding("right"))
    game.press("hand")
    assert game.model_drives
    game.close()
    assert game.next_command().count("lake") == 2
    corrections = read_recording(tmp_path / "lake-corrections")
    assert len(corrections.samples) == 10
    assert corrections.samples[-1].steering > 0.9
    assert len(read_recording(tmp_path / "lake").samples) == 4


def test_a_key_that_is_still_held_does_not_take_the_wheel_back(server, link, tmp_path):
    game = Game("lake", tmp_path, link, PaintedScene)
    drive_with_link(game, link, lambda: game.state()["server"], holding("faster"))
    game.press("hand")
    drive_with_link(game, link, lambda: link.control is not None, holding("faster"))
    assert game.model_drives
    game.advance(1 / 30, NOTHING)
    game.advance(1 / 30, holding("faster"))
    assert not game.model_drives
    game.close()


def test_a_server_that_goes_away_gives_the_wheel_back(server, link, tmp_path):
    game = Game("lake", tmp_path, link, PaintedScene)
    drive_with_link(game, link, lambda: game.state()["server"])
    game.press("hand")
    drive_with_link(game, link, lambda: link.control is not None)
    link.close()
    game.advance(1 / 30, NOTHING)
    assert not game.model_drives
    assert "gone" in game.notice
    game.close()
