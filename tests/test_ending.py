"""The end of a server that drains: present simulators drive on, new ones are refused, and then the cars stop."""

import http.client
import json
import os
import signal
from types import SimpleNamespace

import pytest

from server.net import ending
from server.net.ending import Ending
from tests.conftest import jpeg_of, road_frame
from tests.raw_client import RawClient, telemetry_packet
from tests.server_process import ServerProcess

TELEMETRY = telemetry_packet(jpeg_of(road_frame()), speed_mph=5.0)
"""Of a car that is slower than the target, so that the model's throttle is above 0."""


@pytest.fixture
def app():
    return SimpleNamespace(sessions={"a": 1, "b": 2}, draining=False)


def test_it_ends_when_the_last_simulator_has_left(app):
    end = Ending(app, 60.0)
    end.look()
    assert (end.due, app.draining) == (False, False)
    end.on_signal(signal.SIGTERM)
    end.look()
    assert (end.due, app.draining) == (False, True)
    app.sessions.popitem()
    end.look()
    assert not end.due
    app.sessions.popitem()
    end.look()
    assert end.due


def test_it_ends_when_the_time_is_over(app):
    now = [5.0]
    end = Ending(app, 60.0, clock=lambda: now[0])
    end.on_signal(signal.SIGTERM)
    end.look()
    now[0] = 64.9
    end.look()
    assert not end.due
    now[0] = 65.0
    end.look()
    assert end.due


@pytest.mark.parametrize(
    ("drain_s", "numbers"),
    [(0.0, [signal.SIGTERM]), (60.0, [signal.SIGINT]), (60.0, [signal.SIGTERM] * 2), (60.0, [15, signal.SIGINT])],
)
def test_it_ends_at_once(drain_s, numbers, app):
    end = Ending(app, drain_s)
    for number in numbers:
        assert not end.due
        end.on_signal(number)
    assert end.due


def test_a_signal_after_the_end_has_come_kills(app, monkeypatch):
    codes = []
    monkeypatch.setattr(ending.os, "_exit", codes.append)
    end = Ending(app, 0.0)
    end.on_signal(signal.SIGTERM)
    assert codes == []
    end.on_signal(signal.SIGTERM)
    assert codes == [130]


def test_a_draining_server_answers_its_simulators_and_refuses_new_ones(server):
    with RawClient(server.port) as present:
        steer(present)
        server.app.draining = True
        steer(present)
        with pytest.raises(ConnectionError, match="503"):
            RawClient(server.port)
        steer(present)
    ready = server.get("/readyz")
    assert (ready.status, json.loads(ready.body)) == (503, {"status": "draining"})
    assert server.get("/healthz").status == 200
    assert "takes no new simulators" in server.get("/socket.io/?EIO=4&transport=polling").body.decode()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no POSIX signals")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_drive_goes_on_after_sigterm_until_its_simulator_leaves(workers):
    server = ServerProcess(
        "server/drive.py", "models/eff-small.h5", "--port", "0", "--workers", workers, "--drain", "60"
    )
    with RawClient(server.port) as client:
        steer(client)
        os.kill(server.pid, signal.SIGTERM)
        while readiness(server.port) == 200:
            steer(client)
        for _ in range(20):
            assert b'"throttle":"0.0000"' not in steer(client)
        with pytest.raises(ConnectionError, match="503"):
            RawClient(server.port)
    assert server.wait() == 0
    assert "takes no new simulators; 1 may drive on for 60 s" in server.log()
    server.stop()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no POSIX signals")
def test_a_drive_that_goes_on_too_long_is_braked():
    server = ServerProcess("server/drive.py", "models/eff-small.h5", "--port", "0", "--drain", "0.5")
    with RawClient(server.port) as client:
        steer(client)
        os.kill(server.pid, signal.SIGTERM)
        last = b""
        try:
            while True:
                last = steer(client)
        except (ConnectionError, TimeoutError):
            pass
        assert b'"throttle":"-1.0000"' in last
    assert server.stop() == 0


def steer(client: RawClient) -> bytes:
    """What the server answers to a telemetry."""
    client.send(TELEMETRY)
    return client.receive_until(b'42["steer"')


def throttle(message: bytes) -> float:
    """The throttle in an answer."""
    return float(json.loads(message[2:])[1]["throttle"])


def readiness(port: int) -> int:
    """The code of /readyz."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/readyz")
    with connection.getresponse() as reply:
        code = reply.status
    connection.close()
    return code
