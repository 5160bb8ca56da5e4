"""A server of two workers: one port, one page, one set of figures."""

import contextlib
import http.client
import json
import os
import signal
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import jpeg_of
from tests.modern_client import answers_to_a_modern_client
from tests.raw_client import RawClient, telemetry_packet
from tests.raw_messages import answer, nothing_more
from tests.worker_server import TELEMETRIES, VIEWS, Workers, drive

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="it finds the workers as Linux lists processes"),
]


def test_the_ready_line_tells_how_many_there_are(workers):
    assert workers.ready_line.endswith(", 2 workers")
    assert len(workers.workers()) == 2
    assert workers.figures()["drive_workers"] == 2


def test_simulators_are_spread_evenly_and_the_page_shows_all(workers, fleet):
    before = workers.figures()
    clients = fleet(6)
    answers = [drive(client) for client in clients]
    assert all(commands == answers[0] for commands in answers[1:]), "all workers have the same model"
    assert workers.loads() == [3, 3]
    workers.wait_until(lambda: [one["answered"] for one in workers.status()["simulators"]] == [3] * 6)
    state = workers.status()
    assert [one["simulator"] for one in state["simulators"]] == [1, 2, 3, 4, 5, 6]
    assert state["doctor"][0]["text"] == "The model drives simulators 1 to 6."
    assert state["latency_ms"]["p50"] > 0
    after = workers.figures()
    for name in ("drive_frames_total", "drive_answers_total event=steer", "drive_latency_seconds_count"):
        assert after[name] - before.get(name, 0.0) == 18, name
    assert after["drive_simulators"] == 6
    assert after["drive_views_left_out"] == 0


def test_telemetries_that_come_together_are_answered_once_each(workers, fleet):
    clients = fleet(4)
    before = workers.figures()
    for client in clients:
        client.send(b"".join(TELEMETRIES * 4))
    for client in clients:
        for _ in range(12):
            answer(client)
        assert nothing_more(client)
    workers.wait_until(lambda: workers.figures()["drive_frames_total"] - before["drive_frames_total"] == 48)
    name = "drive_answers_total event=steer"
    assert workers.figures()[name] - before[name] == 48


def test_a_place_that_becomes_free_is_the_next_one(workers, fleet):
    first, *others = fleet(3)
    drive(first, 1)
    first.close()
    workers.wait_until(lambda: workers.loads() == [1, 1])
    (another,) = fleet(1)
    drive(another, 1)
    workers.wait_until(lambda: [one["simulator"] for one in workers.status()["simulators"]] == [1])
    for client in others:
        drive(client, 1)
    workers.wait_until(lambda: len(workers.status()["simulators"]) == 3)


def test_the_page_controls_the_simulators_of_both(workers, fleet):
    clients = fleet(2)
    for client in clients:
        drive(client)

    def throttles() -> list[float]:
        return [float(drive(client, 1)[0]["throttle"]) for client in clients]

    assert workers.ask("/api/pause", "POST")[0] == 200
    workers.wait_until(lambda: throttles() == [-1.0, -1.0])  # the orders reach the workers a moment later
    clients += fleet(1)
    assert throttles() == [-1.0] * 3, "one that connects now brakes, too"
    assert workers.ask("/api/resume", "POST")[0] == 200
    assert workers.ask("/api/speed", "PUT", {"mph": 60})[0] == 200
    workers.wait_until(lambda: min(throttles()) > 0.5)
    assert workers.ask("/api/speed", "PUT", {"mph": 15})[0] == 200
    workers.wait_until(lambda: max(throttles()) < 0.5)


@pytest.mark.parametrize("number", [1, 2])
def test_the_live_picture_is_of_the_chosen_simulator(workers, fleet, number):
    clients = fleet(2)
    for view, client in zip(VIEWS, clients, strict=False):
        client.send(telemetry_packet(view))
        answer(client)
    workers.wait_until(lambda: len(workers.status()["simulators"]) == 2)
    connection = http.client.HTTPConnection("127.0.0.1", workers.port, timeout=60)
    connection.request("GET", f"/api/events?simulator={number}")
    stream = connection.getresponse()
    frame = next(line for line in stream if b'"image"' in line and f'"simulator":{number}'.encode() in line)
    assert json.loads(frame[6:])["latency_ms"] > 0
    stream.close()
    connection.close()


def test_another_model_takes_over_in_all(workers, fleet):
    clients = fleet(4)
    before = drive(clients[0])
    assert workers.ask("/api/model", "POST", {"name": "eff.h5"})[0] == 202
    workers.wait_until(lambda: all(drive(client)[0] != before[0] for client in clients))
    steering = {drive(client, 1)[0]["steering_angle"] for client in clients}
    assert len(steering) == 1
    assert workers.status()["model"]["name"] == "eff.h5"
    assert workers.ask("/api/model", "POST", {"name": "eff-small.h5"})[0] == 202
    workers.wait_until(
        lambda: all(drive(client)[0]["steering_angle"] == before[0]["steering_angle"] for client in clients)
    )


@pytest.mark.parametrize("transports", [["websocket"], ["polling"], ["polling", "websocket"]])
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_modern_client_finds_its_worker_with_each_request(workers, fleet, transports):
    fleet(1)  # so the session is not at the first worker
    answers = answers_to_a_modern_client(workers.port, transports)
    assert len(answers) == 3
    assert answers[1]["steering_angle"] == answers[2]["steering_angle"] != answers[0]["steering_angle"]


@pytest.mark.parametrize("session", ["1.unknown", "77.x", "x", ".", "-1.x", "9" * 50])
def test_an_unknown_session_is_refused_and_costs_nothing(workers, fleet, session):
    (client,) = fleet(1)
    assert workers.ask(f"/socket.io/?EIO=4&transport=polling&sid={session}")[0] == 400
    drive(client)


def test_a_page_of_another_origin_is_refused_before_any_worker(workers):
    with socket.create_connection(("127.0.0.1", workers.port), 20) as foreign:
        foreign.sendall(
            b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://evil.example\r\n"
            b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        assert foreign.recv(100).startswith(b"HTTP/1.1 403 ")
    assert workers.loads() == [0, 0]


def test_the_limit_of_simulators_is_one_for_all_workers(workers, fleet):
    fleet(64)
    assert workers.loads() == [32, 32]
    with pytest.raises(ConnectionError, match="503 Service Unavailable"):
        RawClient(workers.port, timeout_s=60)


def test_the_limit_holds_for_simulators_that_wait_for_a_worker(workers, fleet):
    def connect(_: int) -> str:
        try:
            fleet(1)
        except ConnectionError as error:
            return str(error)
        return "connected"

    pids = workers.workers()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        workers.wait_until(lambda: workers.ask("/readyz")[0] == 503)
        before = workers.figures()["process_open_fds"]
        threads = ThreadPoolExecutor(70)
        results = threads.map(connect, range(70))
        workers.wait_until(lambda: workers.figures()["process_open_fds"] >= before + 70)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    refusals = [result for result in results if result != "connected"]
    threads.shutdown()
    assert len(refusals) == 6
    assert all("503 Service Unavailable" in refusal for refusal in refusals)
    assert workers.loads() == [32, 32]


def test_no_answer_waits_for_the_first_process(workers, fleet):
    (client,) = fleet(1)
    drive(client, 1)
    noise = np.random.default_rng(1).integers(0, 256, (160, 320, 3), np.uint8)
    large = telemetry_packet(jpeg_of(noise, "PNG"))
    before = workers.figures()
    os.kill(workers.pid, signal.SIGSTOP)
    try:
        for _ in range(80):
            client.send(large)
            assert answer(client)[0] == "steer"
    finally:
        os.kill(workers.pid, signal.SIGCONT)
    names = ("drive_frames_total", "drive_answers_total event=steer", "drive_latency_seconds_count")
    for name in names:
        workers.wait_until(lambda name=name: workers.figures()[name] - before[name] == 80)
    assert 0 < workers.figures()["drive_views_left_out"] < 80, "what has waited too long came without its picture"


def test_workers_share_the_first_process_network_where_that_is_a_gpus_library():
    pytest.importorskip("jax")
    with Workers("--engine", "jax") as server, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(RawClient(server.port, timeout_s=60)) for _ in range(4)]
        answers = [drive(client) for client in clients]
        assert all(commands == answers[0] for commands in answers[1:])
        assert server.loads() == [2, 2]
        for pid, uses_jax in ((server.pid, True), *((pid, False) for pid in server.workers())):
            assert ("jaxlib" in Path(f"/proc/{pid}/maps").read_text()) is uses_jax
        threads = [threading.Thread(target=drive, args=(client, 30)) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        server.wait_until(lambda: server.figures()["drive_answers_total event=steer"] == 4 * 33)
        assert server.ask("/api/model", "POST", {"name": "eff.h5"})[0] == 202
        server.wait_until(lambda: all(drive(client) != answers[0] for client in clients))
        assert "Traceback" not in server.log()
