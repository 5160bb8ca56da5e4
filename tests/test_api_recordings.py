"""The API records a drive, saves its last seconds afterwards, and tells of a disk that fails."""

import json
import threading

from protocol.recording import read_recording
from tests.api_client import GREY, post, status, steer


def test_recording_starts_and_stops_while_it_drives(server, simulator):
    steer(simulator)
    assert post(server, "recording/start")[1]["recording"]["on"] is True
    assert post(server, "recording/start")[0] == 409
    for _ in range(3):
        steer(simulator)
    server.wait_until(lambda: status(server)["recording"]["frames"] == 3)
    code, state = post(server, "recording/stop")
    assert (code, state["recording"]["on"]) == (200, False)
    (folder,) = (server.folder / "recordings").iterdir()
    samples = read_recording(folder).samples
    assert [s.speed_mph for s in samples] == [12.0] * 3
    assert json.loads((folder / "run.json").read_text())["model"] == "brightness.h5"


def test_the_last_moments_can_be_saved_after_the_fact(server, simulator):
    for i in range(5):
        steer(simulator, 10.0 + i)
    server.wait_until(lambda: status(server)["simulators"][0]["answered"] == 5)
    code, state = post(server, "recording/save")
    assert code == 200
    folder = server.folder / "recordings" / state["recording"]["saved"]
    samples = read_recording(folder).samples
    assert [s.speed_mph for s in samples] == [10.0, 11.0, 12.0, 13.0, 14.0]
    assert samples[0].center.read_bytes() == GREY


def test_a_folder_that_cannot_be_written_costs_the_recording_not_the_drive(server, simulator):
    (server.folder / "recordings").write_text("a file stands in the way")
    steer(simulator)
    for path in ("recording/start", "recording/save"):
        code, state = post(server, path)
        assert code == 507
        assert "recordings" in state["error"]
    assert status(server)["recording"]["on"] is False
    assert steer(simulator)["throttle"] == "0.3000"


def test_a_recording_that_another_thread_holds_does_not_hold_up_the_end(server, monkeypatch, caplog):
    monkeypatch.setattr("server.operator_controls.CLOSE_S", 0.05)
    post(server, "recording/start")
    ending = threading.Thread(target=server.controls.close, daemon=True)
    with server.controls._lock:  # as while the last moments are saved to a disk that does not answer
        ending.start()
        ending.join(5)
        assert not ending.is_alive()
    assert "is not complete: the disk does not answer" in caplog.text
