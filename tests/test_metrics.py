"""What machines are told: alive, ready, and figures that add up."""

import json

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import jpeg_of
from tests.raw_client import RawClient, packet, telemetry_packet

TELEMETRY = telemetry_packet(jpeg_of(np.full((160, 320, 3), 99, np.uint8)))


def figures(server) -> dict[str, float]:
    """Every sample: `name{label=value}` -> value."""
    answer = server.get("/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        sample.name + "".join(f" {k}={v}" for k, v in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
    }


def test_frames_answers_errors_and_stages_are_counted(server):
    with RawClient(server.port) as client:
        for message in [TELEMETRY] * 3 + [packet('42["telemetry",{"speed":"x"}]'), packet('42["telemetry",{}]')]:
            client.send(message)
            client.receive_until(b"42")
        server.policy.fail = RuntimeError("a bug")
        client.send(TELEMETRY)
        client.receive_until(b"42")
        server.wait_until(lambda: figures(server)["drive_latency_seconds_count"] == 6)
        values = figures(server)
    assert values["drive_frames_total"] == 6
    assert values["drive_answers_total event=steer"] == 5
    assert values["drive_answers_total event=manual"] == 1
    assert values["drive_errors_total kind=missing"] == 1
    assert values["drive_errors_total kind=RuntimeError"] == 1
    assert values["drive_simulators"] == 1
    stages = {s: values[f"drive_stage_seconds_sum stage={s}"] for s in ("wait", "decode", "model", "reply")}
    assert sum(stages.values()) == pytest.approx(values["drive_latency_seconds_sum"], rel=0.01)
    assert stages["decode"] > 0
    assert stages["model"] > 0


def test_frames_that_wait_together_are_answered_each_and_counted_each(server):
    with RawClient(server.port) as client:
        client.send(TELEMETRY * 4)
        for _ in range(4):
            client.receive_until(b"42")
        server.wait_until(lambda: figures(server)["drive_answers_total event=steer"] == 4)
        assert figures(server)["drive_frames_total"] == 4


def test_alive_always_ready_until_the_end_begins(server):
    assert (server.get("/healthz").status, server.get("/readyz").status) == (200, 200)
    server.call(server.app.stop_cars)
    assert server.get("/healthz").status == 200
    ended = server.get("/readyz")
    assert (ended.status, json.loads(ended.body)) == (503, {"status": "stopping"})
