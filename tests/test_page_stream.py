"""The page's stream carries each simulator's frames and the status, and a page that reads nothing costs no answer."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from server.observers.live_view import LiveView
from server.web import drive_events
from server.web.page_stream import MAX_STREAMS
from server.web.schemas import SCHEMAS
from tests.answered_frames import answered_frame
from tests.api_client import GREY, Stream, status, steer
from tests.raw_client import RawClient, telemetry_packet


def test_a_page_sees_each_simulators_frames_and_the_status(server, simulator):
    steer(simulator, 7.0)
    with RawClient(server.port) as second:
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
