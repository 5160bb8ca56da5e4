"""The doctor names moments in which the car strikes something, or digs into soft ground: full throttle, yet it slows.

Speed and throttle alone show it, and no lap that stays on the road does. A drive over sand or grass that the driver
brakes, or that slows the car gently, cannot be told from a slow bend so; the pages of frames show that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from protocol.arrays import Float64Array
from protocol.recording import Sample
from training.doctor.findings import DataFinding

STRIKE_S, LOST_MPH = 0.5, 5.0
"""A car that loses so much speed in so short a time, with its throttle open and unbraked, struck something."""

FAST_MPH = 15.0
"""Below this, a car that rolls back while its driver turns it round loses its speed as fast."""

OPEN_THROTTLE = 0.5
SHOWN = 3


def strikes(samples: Sequence[Sample], time_s: Float64Array) -> list[tuple[int, int]]:
    """Return the spans of the moments, as indices of their first and last rows. time_s: (n,) seconds."""
    speed = np.array([s.speed_mph for s in samples])
    session = np.array([s.session for s in samples])
    pushed = np.array([s.throttle > OPEN_THROTTLE and s.brake == 0 for s in samples])
    spans: list[tuple[int, int]] = []
    for first in np.flatnonzero(pushed & (speed >= FAST_MPH)).tolist():
        last = first
        while (
            last + 1 < len(samples)
            and pushed[last + 1]
            and session[last + 1] == session[first]
            and time_s[last] < time_s[last + 1] <= time_s[first] + STRIKE_S
        ):
            last += 1
        if speed[first] - speed[first : last + 1].min() >= LOST_MPH:
            start = spans.pop()[0] if spans and first <= spans[-1][1] else first
            spans.append((start, last))
    return spans


def strike_findings(samples: Sequence[Sample], time_s: Float64Array) -> Iterator[DataFinding]:
    """Name the moments, by their rows."""
    spans = strikes(samples, time_s)
    if not spans:
        return
    examples = [
        f"rows {samples[first].row}-{samples[last].row},"
        f" {samples[first].speed_mph:.0f} to {min(s.speed_mph for s in samples[first : last + 1]):.0f} mph"
        for first, last in spans[:SHOWN]
    ]
    more = f" and {len(spans) - SHOWN} more" if len(spans) > SHOWN else ""
    text = (
        f"at {len(spans)} place{'s'[: len(spans) != 1]} the car slows at once though its throttle is open and its brake"
        f" is not: it struck something, or left the road ({'; '.join(examples)}{more})"
    )
    row = samples[spans[0][0]].row
    advice = (
        f"film these rows, and leave out the drive around them, such as --exclude rows={max(1, row - 20)}-{row + 40}"
    )
    yield DataFinding("note", "strikes", text, advice)
