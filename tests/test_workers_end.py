"""Workers that end, hang or are stopped: no answer is lost, and their simulators go on with another one."""

import contextlib
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from protocol.recording import read_recording
from tests.films import read_film
from tests.raw_client import RawClient, telemetry_packet
from tests.worker_server import VIEWS, Workers, drive

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="it finds the workers as Linux lists processes"),
]


def test_a_killed_workers_simulators_connect_again_and_no_count_is_lost(workers, fleet):
    clients = fleet(4)
    for client in clients:
        drive(client)
    workers.wait_until(lambda: [one["answered"] for one in workers.status()["simulators"]] == [3] * 4)
    before = workers.figures()["drive_answers_total event=steer"]
    old = workers.workers()
    os.kill(old[0], signal.SIGKILL)
    assert drive_all(clients) == 2
    for client in fleet(2):
        drive(client)
    workers.wait_until(lambda: workers.figures()["drive_answers_total event=steer"] == before + 12)
    workers.wait_until(lambda: workers.figures()["drive_workers"] == 2)
    assert len(workers.workers()) == 2
    assert workers.workers() != old
    (line,) = [line for line in workers.log().splitlines() if "has ended" in line]
    assert "worker 1 has ended (signal 9); its 2 simulators connect to the others, and a new worker starts" in line
    for client in fleet(2):
        drive(client)
    assert sorted(workers.loads()) == [2, 4], "the new one has the two that came last"


def drive_all(clients) -> int:
    """Let all drive; returns how many have lost their connection."""
    lost = 0
    for client in clients:
        try:
            drive(client)
        except ConnectionError:
            lost += 1
    return lost


def readiness(server: Workers) -> tuple[int, dict]:
    """What /readyz answers."""
    code, content = server.ask("/readyz")
    return code, json.loads(content)


def test_a_worker_that_hangs_is_replaced_and_its_simulators_drive_with_another(workers, fleet):
    clients = fleet(4)
    for client in clients:
        drive(client)
    assert readiness(workers) == (200, {"status": "ready", "workers": {"1": "ready", "2": "ready"}})
    before = workers.figures()
    old = workers.workers()
    os.kill(old[0], signal.SIGSTOP)
    workers.wait_until(lambda: "silent" in readiness(workers)[1]["workers"].values())
    code, state = readiness(workers)
    assert (code, state["status"], sorted(state["workers"].values())) == (200, "ready", ["ready", "silent"])
    hung = next(number for number, worker_state in state["workers"].items() if worker_state == "silent")
    assert f"Worker {hung} answers nothing." in workers.status()["doctor"][0]["text"]
    for client in fleet(3):
        drive(client)
    assert sorted(workers.loads()) == [2, 5], "a silent worker gets no new simulator"
    assert drive_all(clients) == 2
    for client in fleet(2):
        drive(client)
    workers.wait_until(lambda: readiness(workers)[1]["workers"] == {"1": "ready", "2": "ready"})
    assert old[0] not in workers.workers()
    after = workers.figures()
    restarts = {reason: f"drive_worker_restarts reason={reason}" for reason in ("hung", "signal", "exit")}
    assert {reason: after[name] - before[name] for reason, name in restarts.items()} == {
        "hung": 1,
        "signal": 0,
        "exit": 0,
    }
    assert f"worker {hung} answers nothing for 10 s, so it is killed" in workers.log()


def test_without_a_worker_the_server_is_not_ready_and_a_short_pause_costs_nothing(workers, fleet):
    (client,) = fleet(1)
    drive(client)
    before, pids = workers.figures(), workers.workers()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        workers.wait_until(lambda: readiness(workers)[0] == 503)
        state = readiness(workers)[1]
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    assert state == {"status": "no worker is ready", "workers": {"1": "silent", "2": "silent"}}
    workers.wait_until(lambda: readiness(workers)[0] == 200)
    drive(client)
    assert workers.workers() == pids
    assert workers.figures()["drive_worker_restarts reason=hung"] == before["drive_worker_restarts reason=hung"]


@pytest.mark.parametrize("everybody", [False, True], ids=["the first process", "all processes"])
def test_a_signal_stops_the_cars_and_leaves_whole_files_and_code_0(tmp_path, everybody):
    film = tmp_path / "drive.mp4"
    server = Workers("--record", str(tmp_path / "runs"), "--video", str(film))
    workers = server.workers()
    with RawClient(server.port, timeout_s=60) as first, RawClient(server.port, timeout_s=60) as second:
        for client in (first, second):
            drive(client, 30)
        for pid in (server.pid, *(workers if everybody else ())):
            os.kill(pid, signal.SIGINT)
        for client in (first, second):
            client.send(telemetry_packet(VIEWS[1], speed_mph=0.0))
            last = b""
            with contextlib.suppress(ConnectionError):
                while True:
                    last = client.receive()
            assert b'"throttle":"0.0000"' in last, "the throttle is released"
    assert server.wait() == 0
    log = server.log()
    server.stop()
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    runs = sorted((tmp_path / "runs").iterdir())
    assert [run.name.endswith("-simulator2") for run in runs] == [False, True]
    for run in runs:
        report = json.loads((run / "run.json").read_text())
        assert report["frames"] == len(read_recording(run).samples) >= 30
        assert report["ended"]
    times, pictures, _ = read_film(film)
    assert len(times) >= 2
    assert pictures[0].shape == (400, 640, 3)
    assert "Traceback" not in log


def test_a_worker_ends_with_the_first_process():
    server = Workers()
    workers = server.workers()
    with RawClient(server.port, timeout_s=60) as client:
        drive(client)
        os.kill(server.pid, signal.SIGKILL)
        server.wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
    server.stop()
