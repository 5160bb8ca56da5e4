"""The loops between a world and a real server: one telemetry for each reply, in lockstep and in real time."""

import numpy as np
import pytest

from protocol.messages import Control
from simulator.client import game_loop as client
from simulator.client.connection import Connection, Observation
from simulator.client.game_loop import ServerSilent, drive_in_lockstep, drive_in_real_time
from tests.conftest import jpeg_of


class Dimmer:
    """A world that gets brighter by each second; the server steers by brightness. Finished after `seconds`."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.time_s = 0.0
        self.steps = 0
        self.shown = 0
        self.controls: list[Control] = []

    @property
    def finished(self) -> bool:
        return self.time_s >= self.seconds - 1e-9

    def observe(self) -> Observation:
        self.shown += 1
        level = min(255, round(255 * self.time_s / self.seconds))
        return Observation(jpeg_of(np.full((160, 320, 3), level, np.uint8)), 0.0, 0.0, 10.0)

    def apply(self, control: Control) -> None:
        self.controls.append(control)

    def step(self, seconds: float) -> None:
        self.time_s += seconds
        self.steps += 1


@pytest.fixture
def connection(server):
    client = Connection(f"http://127.0.0.1:{server.port}")
    yield client
    client.close()


def test_lockstep_is_one_reply_one_step(connection):
    world = Dimmer(seconds=1.0)
    drive_in_lockstep(world, connection, frame_s=0.05)
    assert (world.steps, len(world.controls)) == (20, 20)
    assert [c.steering for c in world.controls] == pytest.approx([2 * i / 20 - 1 for i in range(20)], abs=0.01)
    assert {c.throttle for c in world.controls} == {0.3}


def test_lockstep_goes_on_after_a_lost_connection(connection):
    class Cutting(Dimmer):
        def apply(self, control: Control) -> None:
            super().apply(control)
            if len(self.controls) == 5:
                connection._socket.sock.shutdown(2)

    world = Cutting(seconds=1.0)
    drive_in_lockstep(world, connection)
    assert world.finished
    assert connection.connects == 2


def test_real_time_runs_two_loops_at_the_render_rate(connection):
    world = Dimmer(seconds=0.5)
    drive_in_real_time(world, connection, render_hz=40.0)
    assert 10 <= world.steps <= 21, "one a rendered frame"
    assert len(world.controls) > world.steps, "two loops"
    assert world.shown - len(world.controls) == 2, "telemetry only in answer, and at the two openings"


def test_a_person_at_the_keys_sends_no_image(connection):
    world = Dimmer(seconds=0.3)
    drive_in_real_time(world, connection, manual=lambda: True)
    assert not world.controls
    assert not world.shown
    assert world.finished


def test_replies_that_cannot_be_read_end_in_a_clear_line(connection, monkeypatch):
    monkeypatch.setattr(client, "SILENCE_S", 0.1)
    monkeypatch.setattr(Connection, "_in_own_locale", lambda self, data: {"steering_angle": 0.1})
    with pytest.raises(ServerSilent, match=r"no answer from ws://.* for 0 s; replies .* 1 x steering_angle"):
        drive_in_lockstep(Dimmer(1.0), connection)
    with pytest.raises(ServerSilent, match="x steering_angle"):
        drive_in_real_time(Dimmer(1.0), connection)
