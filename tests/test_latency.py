"""Percentiles of the latest answers, in constant memory."""

import numpy as np

from server.core.latency import LatencyLog


def test_percentiles_are_those_of_the_answers():
    log = LatencyLog()
    assert log.percentiles() == {}
    for value in np.random.default_rng(1).permutation(np.arange(1, 101)):
        log.add(float(value))
    assert log.percentiles() == {"p50": 50.5, "p90": 90.1, "p99": 99.01, "max": 100.0}
    assert log.count == 100


def test_only_the_latest_count():
    log = LatencyLog(size=10)
    for _ in range(25):
        log.add(100.0)
    for _ in range(10):
        log.add(2.0)
    assert log.percentiles()["max"] == 2.0
    assert log.count == 35
