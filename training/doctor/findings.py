"""Findings on a recording describe its files, its steering and its speed, with their numbers.

Each finding says what was counted and what to do about it. Only what would spoil a training is a fault, because nearly
every recording has some stale row and a driver at a keyboard.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Literal

import numpy as np

from protocol.arrays import Float64Array
from protocol.messages import MPS_PER_MPH
from protocol.recording import Recording, Sample
from protocol.unbroken import STANDSTILL_MPH
from training.doctor.frames import Frames

FEW_ROWS = 100
"""Ten seconds are too few to judge a driver by."""

MANY_ROWS = 0.01
"""From this share of rows on, a kind of problem is a fault; every recording has single ones."""

MUCH_STANDSTILL = 0.05
MOSTLY_ZERO, STEADY = 0.95, 0.3
"""A recording is hardly steered above the first share of rows at exactly 0, and steered throughout below the second."""

FULL_LOCK = 0.99
BURST_S = 0.5
"""A keyboard's taps last a quarter of a second; a mouse or a stick is held for longer."""

UNCHANGED_GREY, MOVED_M = 1.5, 0.2
"""Neighbouring images that differ by fewer grey levels on average, though the car moved by more metres, are one image.
At 5 mph neighbours differ by 4.2 and more."""

LEANING = 0.03
"""Mean steering beyond this means a road that turns one way, laps in one direction, or a car out of trim."""


@dataclass(frozen=True, slots=True)
class DataFinding:
    """One finding. level: `good`, `note` (worth knowing) or `fault` (deserves attention); about: its subject.

    text: what was counted; advice: what to do, "" for nothing.
    """

    level: Literal["good", "note", "fault"]
    about: str
    text: str
    advice: str = ""


def file_findings(recording: Recording, frames: Frames) -> Iterator[DataFinding]:
    """Find rows that cannot be used, images that do not decode, and unusual ways in which the recording is read."""
    for note in recording.notes:
        yield DataFinding("note", "read", note)
    lost = [problem for problem in recording.problems if problem.camera in ("", "center")]
    kinds = Counter(kind for kind, _ in {(problem.kind, problem.row) for problem in lost})
    first = {problem.kind: problem for problem in reversed(lost)}
    texts = {
        "format": ("rows that cannot be read", "look at these lines of the csv"),
        "missing": ("rows name a centre image that is not there", "copy the recording again, or go on without them"),
        "broken": ("rows have a centre image that is empty or cut off", "copy them again, or go on without them"),
        "duplicate": ("rows name the image of an earlier row", "the log may have been written or copied twice"),
        "stale": ("rows end a session with its first view", "nothing to do: Udacity's recorder causes it"),
    }
    for kind, (what, advice) in texts.items():
        if kinds[kind]:
            level = "note" if kind == "stale" else _level(kinds[kind], recording.log_rows)
            example = f"row {first[kind].row}: {first[kind].detail}"
            text = f"{_part(kinds[kind], recording.log_rows)} {what} ({example}); left out by every command"
            yield DataFinding(level, kind, text, advice)
    yield from _side_findings(recording, {problem.row for problem in lost})
    if bad := frames.damaged:
        row, detail = next(iter(bad.items()))
        count = _part(len(bad), recording.log_rows)
        text = f"{count} rows have an image that does not decode as it should (row {row}: {detail})"
        yield DataFinding("fault", "damaged", text, "--exclude damaged leaves them out")
    if not recording.problems and not bad:
        yield DataFinding("good", "files", "every row can be read and every image decodes")


def _side_findings(recording: Recording, lost: Set[int]) -> Iterator[DataFinding]:
    """Find side images that are missing or broken in rows that are used nevertheless. lost: rows that are not used."""
    for kind, state in (("missing", "missing"), ("broken", "empty or cut off")):
        side = [p for p in recording.problems if p.kind == kind and p.camera in ("left", "right") and p.row not in lost]
        if not side:
            continue
        (camera, most), *other = Counter(problem.camera for problem in side).most_common()
        count = f"the {camera} camera's images are {state} for {_part(most, recording.log_rows)} rows"
        count += "".join(f", the {camera}'s for {number}" for camera, number in other)
        text = (
            f"{count} (row {side[0].row}: {side[0].detail}); the rows are used: training takes the centre image there,"
            " a replay shifts only centre images, and a film of that camera skips them"
        )
        yield DataFinding(_level(most, recording.log_rows), kind, text, "copy the recording again, or go on like this")


def repeated_rows(samples: Sequence[Sample], time_s: Float64Array, frames: Frames) -> list[int]:
    """Return the rows whose image is that of the row before although the car moved."""
    speed = np.array([s.speed_mph for s in samples])
    session = np.array([s.session for s in samples])
    moved_m = np.diff(time_s, prepend=np.nan) * speed * MPS_PER_MPH
    same = (frames.change < UNCHANGED_GREY) & (moved_m > MOVED_M) & (np.diff(session, prepend=-1) == 0)
    return [samples[int(i)].row for i in np.flatnonzero(same)]


def standstill_rows(samples: Sequence[Sample]) -> list[int]:
    """Return the rows in which the car stands or nearly stands, so that their steering moves nothing."""
    return [s.row for s in samples if abs(s.speed_mph) < STANDSTILL_MPH]


def motion_findings(samples: Sequence[Sample], time_s: Float64Array, frames: Frames) -> Iterator[DataFinding]:
    """Find what is notable about speed, standstill and images that do not change."""
    speed = np.array([s.speed_mph for s in samples])
    if not speed.any():
        text = "the speed is 0 in every row: no speeds were recorded, or the car never moved"
        advice = "check the log's last column; laps and places on the road cannot be found"
        yield DataFinding("fault", "speed", text, advice)
        return
    slow, middle, fast = np.percentile(speed, (5, 50, 95))
    yield DataFinding(
        "good", "speed", f"{slow:.0f} to {fast:.0f} mph, median {middle:.0f} (all but the slowest and fastest 5 %)"
    )
    if still := len(standstill_rows(samples)):
        level: Literal["note", "fault"] = "fault" if still >= MUCH_STANDSTILL * len(samples) else "note"
        text = f"{_part(still, len(samples))} rows stand still (below {STANDSTILL_MPH:g} mph)"
        yield DataFinding(level, "standstill", text, "--exclude standstill leaves them out")
    if same := repeated_rows(samples, time_s, frames):
        level = "fault" if len(same) >= MANY_ROWS * len(samples) else "note"
        text = f"{_part(len(same), len(samples))} rows show the image of the row before although the car moved"
        yield DataFinding(level, "repeated", f"{text} (first: row {same[0]})", "--exclude repeated leaves them out")


def steering_findings(samples: Sequence[Sample], time_s: Float64Array) -> Iterator[DataFinding]:
    """Find how the driver steers, and to which side."""
    steering = np.array([s.steering for s in samples])
    if not steering.any():
        text = f"all {steering.size} rows steer exactly 0: a model can only learn to go straight"
        yield DataFinding("fault", "steering", text, "record again with steering, or check the log's fourth column")
    elif steering.size < FEW_ROWS:
        text = f"{steering.size} rows are too few to judge the driver by"
        yield DataFinding("note", "steering", text, "record a lap or two")
    else:
        yield _driver(steering, burst_length_s(steering, time_s))
        lock = float((np.abs(steering) >= FULL_LOCK).mean())
        if lock >= MANY_ROWS:
            text = f"{percent(lock)} of rows are at full lock, 25 degrees"
            yield DataFinding("note", "lock", text, "turning round, or bang-bang steering? --picture shows them")
        yield _balance(steering)


def _driver(steering: Float64Array, burst_s: float) -> DataFinding:
    """Infer from the numbers who or what steered."""
    zero = float((steering == 0).mean())
    how = f"{percent(zero)} of rows steer exactly 0"
    if zero < STEADY:
        return DataFinding("good", "steering", f"{how}: steered throughout, as by a stick, a wheel or a program")
    how += f", the rest comes in bursts of {burst_s:.1f} s (median)"
    if zero > MOSTLY_ZERO:
        return DataFinding("fault", "steering", f"{how}: hardly any steering to learn from", "record more bends")
    off_step = np.abs(steering * 20 - np.round(steering * 20))[steering != 0]
    stepped = float((off_step < 0.02).mean())
    if stepped > 0.4:
        how += f", {percent(stepped)} of it in steps of 0.05"
    keyboard = burst_s <= BURST_S or stepped > 0.4
    who = "keyboard, bang-bang" if keyboard else "a mouse, or a keyboard held down for longer"
    return DataFinding(
        "note", "steering", f"{how}: {who}", "nothing to do: training smooths it and thins straight rows"
    )


def _balance(steering: Float64Array) -> DataFinding:
    left, right, mean = float((steering < 0).mean()), float((steering > 0).mean()), float(steering.mean())
    sides = f"{percent(left)} of rows steer left, {percent(right)} right, mean {mean:+.3f}"
    if abs(mean) <= LEANING:
        return DataFinding("good", "balance", f"{sides}: balanced")
    advice = "mirrored images balance it; driving the other way round shows a model more"
    return DataFinding("note", "balance", f"{sides}: leans to the {'left' if mean < 0 else 'right'}", advice)


def burst_length_s(steering: Float64Array, time_s: Float64Array) -> float:
    """Return the median length, in seconds, of runs of rows that steer other than 0; 0 where there are none."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (steering != 0).astype(int), [0]])))
    rows = edges[1::2] - edges[::2]
    return float(np.median(rows) * np.median(np.diff(time_s))) if rows.size else 0.0


def _level(count: int, rows: int) -> Literal["note", "fault"]:
    """The level of a fault of `count` rows of a log."""
    return "fault" if count >= MANY_ROWS * rows else "note"


def percent(share: float) -> str:
    """Format 0.723 as `72 %`; values below 10 % get one decimal, and below 0.1 % two."""
    return f"{100 * share:.{0 if share >= 0.1 or share == 0 else 1 if share >= 1e-3 else 2}f} %"


def _part(count: int, of: int) -> str:
    """Format a count such as `12 of 4052 (0.3 %)`."""
    return f"{count} of {of} ({percent(count / of)})"
