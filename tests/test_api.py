"""The API does what the page's buttons say, to a car on the other end, and refuses in words."""

import json
import os
import re
import subprocess
import sys
import time

import numpy as np
import pytest

from server.health.diagnosis import listed
from server.health.slowness import RECENT
from server.web import access
from tests.api_client import post, status, steer
from tests.conftest import jpeg_of
from tests.live_server import LiveServer
from tests.raw_client import RawClient, packet, telemetry_packet


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ([4], "4"),
        ([1, 2], "1 and 2"),
        ([1, 2, 3], "1 to 3"),
        ([1, 3], "1 and 3"),
        ([1, 2, 3, 5, 6, 9], "1 to 3 and 5 and 6 and 9"),
    ],
)
def test_many_simulators_are_told_in_few_words(numbers, text):
    assert listed(numbers) == text


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
    with RawClient(server.port) as newcomer:
        assert steer(newcomer, 0.0)["throttle"] == "0.0000", "a car that comes during a pause waits too"
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


def test_a_stuck_car_and_a_broken_camera_are_told(server, simulator):
    steer(simulator, 0.0)
    server.wait_until(lambda: 1 in server.controls.view.simulators)
    server.controls.view.simulators[1].moved_s -= 10
    steer(simulator, 0.0)
    assert "stuck against something" in json.dumps(status(server)["doctor"])
    simulator.send(packet('42["telemetry",{"speed":"1","throttle":"0","steering_angle":"0","image":"?"}]'))
    simulator.receive_until(b"42")
    server.wait_until(lambda: "could not be driven (image)" in json.dumps(status(server)["doctor"]))


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


@pytest.fixture
def patient_server(monkeypatch):
    """A server that takes any number of requests."""
    for name in ("REQUESTS_PER_S", "REQUEST_BURST"):
        monkeypatch.setattr(access, name, 1e9)
    live = LiveServer()
    yield live
    live.close()


@pytest.mark.slow
def test_the_server_keeps_to_its_openapi_document_under_fuzzing(patient_server):
    server = patient_server
    with RawClient(server.port) as simulator:
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


def test_a_server_that_others_reach_opens_no_page_for_driving_by_hand(server):
    answer = server.get("/api/by-hand", "POST")
    assert answer.status == 409
    assert "python -m simulator --by-hand" in json.loads(answer.body)["error"]
