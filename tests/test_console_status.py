"""The console_status says what happens, once, in words that help."""

from dataclasses import dataclass

import pytest

from protocol.messages import Telemetry
from server.core.latency import LatencyLog
from server.core.session import Reply
from server.health.console_status import ConsoleStatus
from server.health.model_answers import CONSTANT_VIEWS, ModelAnswers
from server.health.refusals import Refusals
from server.health.slowness import CLEAR_MS, RECENT, SLOW_MS, Slowness
from tests.conftest import road_frame


@dataclass
class Session:
    number: int = 1
    speed_mph: float = 14.9
    manual: bool = False
    waits: bool = False
    views: int = 0
    answered: int = 0
    last_telemetry_s: float = 0.0
    resets: int = 0

    def reset(self):
        self.resets += 1


class Stage:
    """A console_status, its clock, and all it said."""

    def __init__(self):
        self.now_s, self.said, self.sessions, self.latency = 0.0, [], {}, LatencyLog()
        self.refusals = Refusals(clock=lambda: self.now_s)
        self.slowness, self.own_simulator = Slowness(), False
        self.answers = ModelAnswers("net.h5")
        self.latency.add(1.8)
        note = lambda text, *values: self.said.append(text % values)  # noqa: E731
        self.console_status = ConsoleStatus(note, note, lambda: self.now_s)

    def run(self, seconds, hz=0.0):
        """Time passes, with telemetry at `hz`; returns what was said meanwhile."""
        start = len(self.said)
        for _ in range(round(seconds * 10)):
            self.now_s += 0.1
            for session in self.sessions.values():
                if hz:
                    session.answered += round(hz / 10)
                    session.views += round(hz / 20)
                    session.last_telemetry_s = self.now_s
            self.console_status.look(
                self.sessions, self.latency, self.slowness, self.refusals, self.answers, self.own_simulator
            )
        return self.said[start:]


@pytest.fixture
def stage():
    return Stage()


def test_the_story_of_a_drive(stage):
    (waiting,) = stage.run(10)
    assert waiting.startswith("waiting for the simulator")
    stage.sessions["a"] = session = Session(last_telemetry_s=stage.now_s)
    assert stage.run(1, hz=20) == ["simulator 1: connected"]
    assert stage.run(3, hz=20) == [
        "simulator 1: driving at 14.9 mph; 10 views and 20 answers a second, each after 1.8 ms (p99 1.8)"
    ]
    assert len(stage.run(60, hz=20)) == 2, "every half minute"
    (silent,) = stage.run(20)
    assert "no telemetry for 5 s. Is it paused" in silent
    assert session.resets == 1
    session.manual = True
    (manual,) = stage.run(1, hz=20)
    assert "a person drives" in manual
    session.manual = False
    assert stage.run(3, hz=20)[0].startswith("simulator 1: driving at")
    session.waits = True
    (lost,) = stage.run(60, hz=20)
    assert "the model does not know this view: the car waits" in lost, "once"
    session.waits = False
    assert stage.run(3, hz=20)[0].startswith("simulator 1: driving at")
    answered, stage.sessions = session.answered, {}
    departure, waiting = stage.run(10)
    assert departure == f"simulator 1: disconnected after {answered} answers"
    assert waiting.startswith("waiting")


def test_a_client_that_never_sends_is_told_what_to_check(stage):
    stage.sessions["a"] = Session()
    assert stage.run(60)[1:] == ["simulator 1: connected, but no telemetry for 5 s. Is it paused, minimised or at its "
                                 "menu? It sends only in AUTONOMOUS MODE; if the car stands still there, restart the "
                                 "simulator."]  # fmt: skip


def test_nobody_is_asked_to_start_the_simulator_that_the_server_has_started(stage):
    stage.own_simulator = True
    assert stage.run(10) == []
    stage.sessions["a"] = Session(last_telemetry_s=stage.now_s)
    assert stage.run(1, hz=20) == ["simulator 1: connected"]
    stage.sessions = {}
    assert stage.run(10) == ["simulator 1: disconnected after 20 answers"]


def test_a_machine_that_is_too_slow_is_named_once_until_it_has_become_quick_again(stage):
    def answers(milliseconds):
        for _ in range(RECENT):
            stage.slowness.add(milliseconds)
        return [line for line in stage.run(10) if "too slow" in line]

    assert answers(SLOW_MS - 1) == []
    assert len(answers(SLOW_MS + 40)) == 1
    assert answers(SLOW_MS - 1) == [], "still too slow, and already named"
    assert stage.slowness.slow_ms() == pytest.approx(SLOW_MS - 1)
    assert answers(CLEAR_MS - 1) == []
    assert stage.slowness.slow_ms() is None
    assert len(answers(SLOW_MS + 40)) == 1


def test_a_few_late_answers_are_no_slowness():
    slowness = Slowness()
    for _ in range(RECENT // 20):
        slowness.add(500.0)
    assert slowness.slow_ms() is None, "the first answers of a drive are slower"
    for i in range(RECENT):
        slowness.add(500.0 if i % 20 == 0 else 2.0)
    assert slowness.slow_ms() is None


def test_each_refused_simulator_is_named_once_and_again_while_it_goes_on(stage):
    stage.run(1)
    stage.refusals.note("10.0.0.7", "it sends no token; start the server without --protect-simulators")
    assert stage.run(1) == [
        "a simulator at 10.0.0.7 is refused: it sends no token; start the server without --protect-simulators"
    ]
    for _ in range(58):
        stage.refusals.note("10.0.0.7", "it sends no token; start the server without --protect-simulators")
        stage.run(1)
    again = [line for line in stage.said if "10.0.0.7 is refused (" in line]
    assert len(again) == 1
    assert "3" in again[0].partition(" attempts so far")[0], "half a minute later"


def test_a_model_with_strange_answers_is_named_once_and_the_next_one_too(stage):
    stage.run(1)
    for name in ("net.h5", "other.h5"):
        stage.answers = ModelAnswers(name)
        assert stage.run(1) == []
        for i in range(CONSTANT_VIEWS):
            telemetry = Telemetry(road_frame(), str(i).encode(), 0.0, 0.2, 15.0)
            stage.answers.note(1, Reply("steer", "{}", telemetry, answer=0.5))
        (line,) = stage.run(100)
        assert line.startswith(f"{name} answers 0.5000 to every view")
