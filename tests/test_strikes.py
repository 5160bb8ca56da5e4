"""A car that slows at full throttle struck something; one that brakes, lifts, climbs or turns round did not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from protocol.recording import Sample, read_recording, row_times_s
from training.doctor.strikes import strike_findings, strikes

BLANK = Path("x.jpg")


def drive(
    speeds: Sequence[float], throttle: float = 1.0, brake: float = 0.0, session_ends: int = 10**6
) -> list[Sample]:
    """A drive of 0.1 s a row; from row `session_ends` on it is another session."""
    return [
        Sample(BLANK, None, None, 0.0, throttle, brake, speed, 0.1 * i, int(i >= session_ends), i + 1)
        for i, speed in enumerate(speeds)
    ]


def spans(samples: list[Sample]) -> list[tuple[int, int]]:
    return strikes(samples, row_times_s(samples))


BLOW = [30.0] * 20 + [26.0, 20.0, 12.0, 6.0, 4.0] + [5.0] * 10


def test_a_blow_is_named_with_its_rows_and_speeds():
    samples = drive(BLOW)
    ((first, last),) = spans(samples)
    assert 15 <= first <= 19
    assert last >= 24
    (finding,) = strike_findings(samples, row_times_s(samples))
    assert finding.level == "note"
    assert f"(rows {first + 1}-{last + 1}, 30 to 4 mph)" in finding.text
    assert "--exclude rows=1-" in finding.advice


def test_two_blows_are_two_and_the_rest_is_counted():
    assert len(spans(drive(BLOW * 2))) == 2
    samples = drive(BLOW * 5)
    (finding,) = strike_findings(samples, row_times_s(samples))
    assert finding.text.startswith("at 5 places")
    assert finding.text.endswith("and 2 more)")


@pytest.mark.parametrize(
    "samples",
    [
        drive(BLOW, brake=0.3),
        drive(BLOW, throttle=0.0),
        drive([30 - i / 4 for i in range(100)]),
        drive([9.0, 9.0, 5.0, 1.0, 3.0, 8.0]),
        drive([30.0] * 10 + [2.0] * 10, session_ends=10),
    ],
    ids=["braked", "throttle closed", "a climb", "rolls back, then forward", "another session"],
)
def test_other_losses_of_speed_are_none(samples):
    assert spans(samples) == []


@pytest.mark.slow
def test_healthy_laps_have_none(steering_data):
    samples = read_recording(steering_data / "lake-recording").samples
    assert spans(list(samples)) == []
