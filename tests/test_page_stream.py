"""The page's stream carries each simulator's frames and the status, and a page that reads nothing costs no answer."""

import http.client
import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from server.observers.live_view import LiveView
from server.web.page_stream import MAX_STREAMS
from tests.answered_frames import answered_frame
from tests.api_client import steer
from tests.raw_client import RawClient


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


def test_a_page_that_reads_nothing_costs_no_answer_and_others_are_refused_beyond_the_limit(server, simulator):
    streams = [Stream(server) for _ in range(MAX_STREAMS)]
    assert server.get("/api/events").status == 409
    for _ in range(300):
        steer(simulator)
    for stream in streams:
        stream.close()
    server.wait_until(lambda: b"drive_page_streams 0.0" in server.get("/metrics").body)


def test_the_rate_is_of_views_not_of_answers(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("server.observers.live_view.time", SimpleNamespace(monotonic=lambda: now[0]))
    view = LiveView()
    for i in range(20):
        view.answered(replace(answered_frame(i), fresh=i % 2 == 0))
        now[0] += 0.05
    assert view.simulators[1].rate_hz == pytest.approx(10.0)
