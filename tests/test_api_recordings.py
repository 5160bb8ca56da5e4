"""The API records a drive, saves its last seconds afterwards, and tells of a disk that fails."""

import io
import json
import threading
import zipfile

from protocol.recording import read_recording
from server.web import recording_archive
from tests.api_client import GREY, post, status, steer
from tests.raw_client import RawClient


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
    (finished,) = state["recording"]["finished"]
    folder = server.folder / "recordings" / finished["name"]
    assert finished == {"name": folder.name, "path": str(folder.resolve()), "frames": 5}
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
        ending.join(60)
        assert not ending.is_alive()
    assert "is not complete: the disk does not answer" in caplog.text


def test_a_finished_recording_can_be_downloaded_with_all_its_simulators(server, simulator, tmp_path, monkeypatch):
    monkeypatch.setattr(recording_archive, "CHUNK_BYTES", 2 * len(GREY))
    with RawClient(server.port) as other:
        for client in (simulator, other):
            steer(client, 11.0)
        post(server, "recording/start")
        for client in (simulator, other, simulator, other, simulator):
            steer(client)
        server.wait_until(lambda: status(server)["recording"]["frames"] == 5)
        state = post(server, "recording/stop")[1]
    name = state["recording"]["finished"][-1]["name"]
    answer = server.get(f"/api/recordings/{name}.zip")
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.body)) as file:
        assert file.testzip() is None
        file.extractall(tmp_path)
    for folder, frames in ((name, 3), (f"{name}-simulator2", 2)):
        assert len(read_recording(tmp_path / folder).samples) == frames
        assert json.loads((tmp_path / folder / "run.json").read_text())["frames"] == frames
    for unknown in ("no", "..%2F..%2Fetc", name + "x", f"{name}-simulator2"):
        assert server.get(f"/api/recordings/{unknown}.zip").status == 404
