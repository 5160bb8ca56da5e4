"""The API does what the page's buttons say, to a car on the other end, and refuses in words."""

import http.client
import io
import json
import os
import re
import subprocess
import sys
import threading
import time
import zipfile
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from protocol.recording import read_recording
from server.health.slowness import RECENT
from server.observers.live_view import LiveView
from server.web import access as gate
from server.web import drive_events, recording_archive
from server.web.page_stream import MAX_STREAMS
from server.web.saliency_service import SaliencyPending
from server.web.schemas import SCHEMAS
from tests.conftest import jpeg_of
from tests.live_server import LiveServer
from tests.raw_client import RawClient, packet, telemetry_packet
from tests.test_run_recorder import answer as answered

GREY = jpeg_of(np.full((160, 320, 3), 191, np.uint8))
JSON = {"Content_Type": "application/json"}


def steer(client, speed_mph=12.0):
    """The answer to one frame."""
    client.send(telemetry_packet(GREY, speed_mph))
    return json.loads(client.receive_until(b"42")[2:])[1]


def post(server, path, body=None, method="POST"):
    """Code and JSON of a state-changing request."""
    answer = server.get(f"/api/{path}", method, json.dumps(body).encode() if body is not None else b"", **JSON)
    return answer.status, json.loads(answer.body)


def status(server):
    return json.loads(server.get("/api/status").body)


def test_status_while_nothing_is_connected(server):
    state = status(server)
    assert state["simulators"] == []
    assert state["model"]["name"] == "brightness.h5"
    assert state["doctor"][0]["text"].startswith("Waiting for the simulator")


def test_pause_brakes_the_car_keeps_it_standing_and_resume_drives(server, simulator):
    assert steer(simulator)["throttle"] == "0.3000"
    code, state = post(server, "pause")
    assert (code, state["paused"]) == (200, True)
    assert steer(simulator, 12.0)["throttle"] == "-1.0000"
    assert steer(simulator, 0.2)["throttle"] == "0.0000"
    with RawClient(server.port, timeout_s=5) as late:
        assert steer(late, 0.0)["throttle"] == "0.0000", "who comes during a pause waits too"
    assert "Paused" in json.dumps(status(server)["doctor"])
    assert post(server, "resume")[1]["paused"] is False
    assert steer(simulator)["throttle"] == "0.3000"


def test_pause_and_speed_are_logged_where_they_change_something(server, caplog):
    caplog.set_level("INFO", logger="server.operator_controls")
    for path in ("resume", "pause", "pause", "resume"):
        post(server, path)
    for mph in (20, 20, 25.5):
        post(server, "speed", {"mph": mph}, "PUT")
    assert caplog.messages == [
        "paused: every car brakes and stands",
        "the model drives again",
        "the target speed is 20 mph from now on",
        "the target speed is 25.5 mph from now on",
    ]


def test_a_simulator_that_the_server_has_started_is_not_asked_for(server):
    server.app.own_simulator = True
    (finding,) = status(server)["doctor"]
    assert (finding["level"], finding["kind"]) == ("note", "waiting")
    assert finding["text"] == "The built-in simulator starts and connects by itself."


def test_slow_answers_are_named_on_the_page_without_flickering(server, simulator):
    def findings(milliseconds):
        server.call(lambda: [server.app.slowness.add(milliseconds) for _ in range(RECENT)])
        return [finding["kind"] for finding in status(server)["doctor"]]

    steer(simulator)
    assert findings(33.0) == ["The model drives simulator 1."]
    assert findings(250.0)[0] == "slow"
    assert findings(190.0)[0] == "slow", "it ends only below a lower limit"
    assert findings(33.0) == ["The model drives simulator 1."]


def test_resuming_forgets_what_the_throttle_had_summed_up(server, simulator):
    """Of 15 mph 5 are missing: a controller that begins gives 0.15 for each, one that has run adds to it."""
    ahead = telemetry_packet(jpeg_of(np.full((160, 320, 3), 128, np.uint8)), 10.0)

    def throttle():
        simulator.send(ahead)
        return json.loads(simulator.receive_until(b"42")[2:])[1]["throttle"]

    server.call(lambda: server.pace.hold(15.0))
    assert throttle() == "0.7500"
    time.sleep(0.2)
    assert float(throttle()) > 0.8
    post(server, "pause")
    post(server, "resume")
    assert throttle() == "0.7500"


def test_another_speed_is_held_instead_of_the_throttle(server, simulator):
    code, state = post(server, "speed", {"mph": 25}, "PUT")
    assert (code, state["target_speed_mph"], state["constant_throttle"]) == (200, 25.0, None)
    assert float(steer(simulator, 5.0)["throttle"]) > 0.3
    post(server, "speed", {"mph": 3}, "PUT")
    assert float(steer(simulator, 5.0)["throttle"]) < 0.0


@pytest.mark.parametrize(
    ("method", "path", "body", "code", "message"),
    [
        ("PUT", "speed", {"mph": "fast"}, 400, "expected a number from 0 to 100"),
        ("PUT", "speed", {"mph": 101}, 400, "expected a number from 0 to 100, got 101"),
        ("PUT", "speed", {"mph": True}, 400, "expected a number"),
        ("PUT", "speed", {"mph": 1, "x": 2}, 400, "and nothing else"),
        ("PUT", "speed", [], 400, "and nothing else"),
        ("PUT", "speed", {"mph": 10**400}, 400, "expected a number"),
        ("PUT", "speed", {"mph": "x" * 20_000}, 413, ""),
        ("POST", "model", {"name": 7}, 400, "must be a model file's name"),
        ("POST", "model", {"name": "../brightness.h5"}, 404, "no model '../brightness.h5'"),
        ("POST", "model", {"name": "/etc/passwd"}, 404, "no model"),
        ("POST", "recording/stop", None, 409, "no recording is running"),
        ("POST", "recording/save", None, 409, "nothing to save"),
        ("GET", "nothing", None, 404, "not found"),
        ("DELETE", "pause", None, 405, "not allowed"),
    ],
)
def test_mistakes_are_named_in_json(server, method, path, body, code, message):
    status_code, response = post(server, path, body, method)
    assert status_code == code
    assert message in response["error"]


def test_a_body_must_be_json_so_that_no_form_can_send_one(server):
    assert server.get("/api/speed", "PUT", b'{"mph": 5}', Content_Type="text/plain").status == 415


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


def test_a_finished_recording_can_be_downloaded_with_all_its_simulators(server, simulator, tmp_path, monkeypatch):
    monkeypatch.setattr(recording_archive, "CHUNK_BYTES", 2 * len(GREY))
    with RawClient(server.port, timeout_s=5) as other:
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


def test_a_folder_that_cannot_be_written_costs_the_recording_not_the_drive(server, simulator):
    (server.folder / "recordings").write_text("a file stands in the way")
    steer(simulator)
    for path in ("recording/start", "recording/save"):
        code, state = post(server, path)
        assert code == 507
        assert "recordings" in state["error"]
    assert status(server)["recording"]["on"] is False
    assert steer(simulator)["throttle"] == "0.3000"


def test_another_model_takes_over_between_two_frames_and_garbage_does_not(server, simulator):
    assert float(steer(simulator)["steering_angle"]) == pytest.approx(0.5, abs=0.01)
    assert set(json.loads(server.get("/api/models").body)["models"]) == {"brightness.h5", "garbage.h5", "other.h5"}
    assert post(server, "model", {"name": "garbage.h5"})[0] == 202
    server.wait_until(lambda: status(server)["model"]["error"])
    assert status(server)["model"]["name"] == "brightness.h5"
    assert "goes on driving" in json.dumps(status(server)["doctor"])
    assert float(steer(simulator)["steering_angle"]) == pytest.approx(0.5, abs=0.01)
    post(server, "model", {"name": "other.h5"})
    server.wait_until(lambda: status(server)["model"]["name"] == "other.h5")
    assert steer(simulator)["steering_angle"] == "1.0000"
    assert status(server)["model"]["error"] is None


def test_a_model_may_be_asked_for_with_its_pixels(server, simulator):
    assert post(server, "model", {"name": "other.h5:course"})[0] == 202
    server.wait_until(lambda: status(server)["model"]["name"] == "other.h5")
    assert server.models.model.preprocess == "course"
    code, answer = post(server, "model", {"name": "brightness.h5:colour=red"})
    assert code == 400
    assert "the colours are rgb" in answer["error"]


def test_a_second_model_cannot_be_asked_for_while_one_loads(server, simulator):
    began, may_end = threading.Event(), threading.Event()
    load = server.models._load

    def slow(path):
        began.set()
        assert may_end.wait(10)
        return load(path)

    server.models._load = slow
    post(server, "model", {"name": "other.h5"})
    assert began.wait(10)
    assert post(server, "model", {"name": "garbage.h5"}) == (409, {"error": "other.h5 is still loading"})
    assert status(server)["model"]["loading"] == "other.h5"
    assert float(steer(simulator)["steering_angle"]) == pytest.approx(0.5, abs=0.01), "the old one drives meanwhile"
    may_end.set()
    server.wait_until(lambda: status(server)["model"]["name"] == "other.h5")


class Stream:
    """A reader of /api/events."""

    def __init__(self, server, query=""):
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        self._connection.request("GET", f"/api/events{query}")
        self.answer = self._connection.getresponse()

    def event(self, name):
        """The data of the next event of this name."""
        while True:
            line = self.answer.readline().strip()
            if line.startswith(b"event: "):
                kind = line[7:].decode()
            elif line.startswith(b"data: ") and kind == name:
                return json.loads(line[6:])

    def close(self):
        self.answer.close()
        self._connection.close()


def test_a_page_sees_each_simulators_frames_and_the_status(server, simulator):
    steer(simulator, 7.0)
    with RawClient(server.port, timeout_s=5) as second:
        steer(second, 9.0)
        for query, speed, number in (("", 7.0, 1), ("?simulator=2", 9.0, 2), ("?simulator=99", 7.0, 1)):
            stream = Stream(server, query)
            assert stream.answer.getheader("Content-Type") == "text/event-stream"
            assert len(stream.event("status")["simulators"]) == 2
            frame = stream.event("frame")
            assert (frame["speed_mph"], frame["simulator"]) == (speed, number)
            assert frame["image"].startswith("data:image/jpeg;base64,")
            assert frame["command_deg"] == pytest.approx(12.5, abs=0.2)
            stream.close()
    assert server.get("/api/events?simulator=../1").status == 400


def drive_to(client, x_m, lap=1, game_s=0.0):
    """One answered frame of a simulator that tells where its car is."""
    place = {"pos_x": f"{x_m:.1f}", "pos_z": "3.0", "lapNumber": str(lap), "sim_time": f"{game_s:.2f}"}
    view = GREY + f"{x_m} {lap}".encode()  # no view is like the one before; decoders ignore what follows the picture
    client.send(telemetry_packet(view, 12.0, cte="-0.25", tot_obes="1", **place))
    client.receive_until(b"42")


def test_a_page_sees_where_the_car_is_and_the_line_behind_it_also_after_a_reload(server, simulator, monkeypatch):
    monkeypatch.setattr(drive_events, "MAX_POINTS", 4)
    for i in range(10):
        drive_to(simulator, 3.0 * i, game_s=float(i))
    server.wait_until(lambda: status(server)["simulators"][0]["answered"] == 10)
    streams = [Stream(server), Stream(server)]
    for stream in streams:
        history = stream.event("history")
        assert history["offset_m"][0] == -0.25
        assert {len(history[name]) for name in set(history) - {"simulator"}} == {len(history["time_s"])}
        position = stream.event("frame")["position"]
        assert position == {
            "lap": 1, "lap_time_s": 9.0, "last_lap_s": None, "best_lap_s": None,
            "offset_m": -0.25, "off_road": 1, "x_m": 27.0, "y_m": 3.0,
        }  # fmt: skip
        lines = [stream.event("line") for _ in range(3)]
        assert [(line["anew"], len(line["points"])) for line in lines] == [(False, 4), (False, 4), (False, 2)]
        assert lines[0]["points"][:2] == [[0.0, 3.0, 1, -0.25, False], [3.0, 3.0, 1, -0.25, True]]
    drive_to(simulator, 30.0, lap=2, game_s=10.0)
    assert stream.event("line")["points"] == [[30.0, 3.0, 2, -0.25, True]]
    assert status(server)["simulators"][0]["position"]["best_lap_s"] == 10.0
    drive_to(simulator, 0.0, lap=1, game_s=0.0)
    assert stream.event("line") == {"simulator": 1, "anew": True, "points": [[0.0, 3.0, 1, -0.25, False]]}
    for stream in streams:
        stream.close()


def test_a_simulator_that_tells_no_place_has_none(server, simulator):
    steer(simulator)
    stream = Stream(server)
    assert stream.event("history")["offset_m"] == [None]
    assert stream.event("frame")["position"] is None
    assert status(server)["simulators"][0]["position"] is None
    stream.close()


def test_the_events_are_what_the_document_says(server, simulator):
    drive_to(simulator, 0.0)
    stream = Stream(server)
    for name in ("status", "history", "frame", "line"):
        assert set(stream.event(name)) == set(SCHEMAS[name.capitalize()]["properties"])
    stream.close()


def test_a_page_that_reads_nothing_costs_no_answer_and_others_are_refused_beyond_the_limit(server, simulator):
    streams = [Stream(server) for _ in range(MAX_STREAMS)]
    assert server.get("/api/events").status == 409
    for _ in range(300):
        steer(simulator)
    for stream in streams:
        stream.close()
    server.wait_until(lambda: b"drive_page_streams 0.0" in server.get("/metrics").body)


def test_what_the_model_looks_at_is_a_picture_or_a_word(server, simulator, monkeypatch):
    assert server.get("/api/saliency").status == 404
    steer(simulator)
    server.wait_until(lambda: 1 in server.controls.view.simulators)
    requests = []

    def picture(answer, model):
        requests.append((answer.telemetry.image, model.path.name))
        if len(requests) == 1:
            raise SaliencyPending("brightness.h5", 12.3)
        return b"a jpeg"

    monkeypatch.setattr(server.controls.saliency_service, "picture", picture)
    for query, code in (("", 202), ("", 200), ("?simulator=1", 200), ("?simulator=2", 404), ("?simulator=x", 400)):
        shown = server.get(f"/api/saliency{query}")
        assert shown.status == code
        if code == 202:
            assert json.loads(shown.body)["seconds"] == 12.3
            assert "brightness.h5 is being prepared for this, once" in json.loads(shown.body)["preparing"]
    assert requests == [(GREY, "brightness.h5")] * 3
    assert server.get("/api/saliency").headers["content-type"] == "image/jpeg"
    monkeypatch.undo()
    (server.folder / "brightness.h5").rename(server.folder / "elsewhere")
    server.wait_until(lambda: server.get("/api/saliency").status == 409)
    refused = server.get("/api/saliency")
    assert "brightness.h5" in json.loads(refused.body)["error"]
    assert float(steer(simulator)["steering_angle"]) == pytest.approx(0.5, abs=0.01), "and it still drives"


def test_a_stuck_car_and_a_broken_camera_are_told(server, simulator):
    steer(simulator, 0.0)
    server.wait_until(lambda: 1 in server.controls.view.simulators)
    server.controls.view.simulators[1].moved_s -= 10
    steer(simulator, 0.0)
    assert "stuck against something" in json.dumps(status(server)["doctor"])
    simulator.send(packet('42["telemetry",{"speed":"1","throttle":"0","steering_angle":"0","image":"?"}]'))
    simulator.receive_until(b"42")
    server.wait_until(lambda: "could not be driven (image)" in json.dumps(status(server)["doctor"]))


@pytest.fixture
def patient_server(monkeypatch):
    """A server that takes any number of requests."""
    for name in ("REQUESTS_PER_S", "REQUEST_BURST"):
        monkeypatch.setattr(gate, name, 1e9)
    live = LiveServer()
    yield live
    live.close()


@pytest.mark.slow
def test_the_server_keeps_to_its_openapi_document_under_fuzzing(patient_server):
    server = patient_server
    with RawClient(server.port, timeout_s=5) as simulator:
        fuzz(server, simulator)


def fuzz(server, simulator):
    steer(simulator)
    server.wait_until(server.controls.recent_frames.answers)
    url = f"http://127.0.0.1:{server.port}"
    command = ["run", f"{url}/api/openapi.json", "--max-examples", "40", "--seed", "1", "--no-color"]
    command += ["--exclude-path", "/api/events"]  # endless
    command += ["--exclude-checks", "positive_data_acceptance"]  # 404s and 409s
    process = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", *command],
        cwd=server.folder,
        env={**os.environ, "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert process.returncode == 0, process.stdout[-5000:] + process.stderr[-2000:]
    passed = max(map(int, re.findall(r"(\d+) passed", process.stdout)))  # the last of several counts is the whole
    assert passed > 200, process.stdout[-2000:]
    assert float(steer(simulator)["steering_angle"]) >= 0.49, "and it still drives"


def test_the_rate_is_of_views_not_of_answers(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("server.observers.live_view.time", SimpleNamespace(monotonic=lambda: now[0]))
    view = LiveView()
    for i in range(20):
        view.answered(replace(answered(i), fresh=i % 2 == 0))
        now[0] += 0.05
    assert view.simulators[1].rate_hz == pytest.approx(10.0)


def test_a_recording_that_another_thread_holds_does_not_hold_up_the_end(server, monkeypatch, caplog):
    monkeypatch.setattr("server.operator_controls.CLOSE_S", 0.05)
    post(server, "recording/start")
    ending = threading.Thread(target=server.controls.close, daemon=True)
    with server.controls._lock:  # as while the last moments are saved to a disk that does not answer
        ending.start()
        ending.join(5)
        assert not ending.is_alive()
    assert "is not complete: the disk does not answer" in caplog.text
