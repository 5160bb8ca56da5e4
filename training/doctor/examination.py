"""An examination holds all findings on one recording, as text for people and as JSON for programs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

import numpy as np

from protocol.arrays import Float64Array
from protocol.exclusions import RULES_NAME
from protocol.messages import MPS_PER_MPH
from protocol.recording import Recording, Sample, row_times_s
from training.doctor.findings import DataFinding, file_findings, motion_findings, steering_findings
from training.doctor.frames import Frames
from training.doctor.roads import RecordedRoad, find_roads, road_findings
from training.doctor.strikes import strike_findings

MAX_SESSION_LINES = 8
MARKS = {"good": " ", "note": "-", "fault": "!"}


@dataclass(frozen=True, slots=True)
class RecordingSession:
    """A part recorded without a pause. number: from 0; rows: their count, from line first to line last of the csv.

    started: local time, "" where the image names have none; length_s: seconds; driven_m: metres, from the speeds.
    """

    number: int
    rows: int
    first: int
    last: int
    started: str
    length_s: float
    driven_m: float


@dataclass(frozen=True, slots=True)
class Examination:
    """The doctor's findings on one recording. rows: usable ones; excluded: rows left out by exclusion rules."""

    recording: str
    dialect: str
    rows: int
    excluded: int
    cameras: int
    sessions: tuple[RecordingSession, ...]
    roads: tuple[RecordedRoad, ...]
    findings: tuple[DataFinding, ...]

    @property
    def healthy(self) -> bool:
        """Whether nothing deserves attention before training."""
        return all(finding.level != "fault" for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """Return the examination as JSON values."""
        return {**asdict(self), "healthy": self.healthy}

    def text(self) -> str:
        """Return a dozen lines for people to read."""
        left_out = f", {self.excluded} more excluded by {RULES_NAME}" if self.excluded else ""
        cameras = f"{self.cameras} camera{'s'[: self.cameras != 1]}"
        lines = [f"{self.recording}", f"  {self.rows} rows{left_out}; {cameras}; {self.dialect}"]
        lines += [f"  {line}" for line in self._session_lines()]
        for finding in sorted(self.findings, key=lambda f: list(MARKS).index(f.level), reverse=True):
            lines.append(f"{MARKS[finding.level]} {finding.about}: {finding.text}")
            lines += [f"      -> {finding.advice}"] if finding.advice else []
        several = len(self.roads) > 1
        lines += [f"  laps{f' of {road.name()}' if several else ''}: {road.lap_text()}" for road in self.roads]
        faults = sum(finding.level == "fault" for finding in self.findings)
        lines.append(
            "  healthy" if self.healthy else f"! {faults} fault{'s deserve' if faults > 1 else ' deserves'} attention"
        )
        return "\n".join(lines)

    def _session_lines(self) -> Iterator[str]:
        for s in self.sessions[:MAX_SESSION_LINES]:
            when = f" from {s.started}" if s.started else ""
            yield f"session {s.number}: rows {s.first}-{s.last}{when}, {s.length_s:.1f} s, {s.driven_m:.0f} m"
        if rest := self.sessions[MAX_SESSION_LINES:]:
            yield f"and {len(rest)} more sessions, {sum(s.rows for s in rest)} rows"


def examine(recording: Recording, frames: Frames) -> Examination:
    """Examine a recording. frames: those of the recording's samples, in the same order."""
    samples, time_s = recording.samples, row_times_s(recording.samples)
    roads = find_roads(samples, time_s, frames.views)
    findings = (
        *file_findings(recording, frames),
        *steering_findings(samples, time_s),
        *motion_findings(samples, time_s, frames),
        *strike_findings(samples, time_s),
        *road_findings(roads),
    )
    return Examination(
        str(recording.folder),
        recording.dialect,
        len(samples),
        recording.excluded,
        1 + any(s.left for s in samples) + any(s.right for s in samples),
        tuple(
            _session(list(part), time_s) for _, part in groupby(enumerate(samples), key=lambda pair: pair[1].session)
        ),
        roads,
        findings,
    )


def _session(part: Sequence[tuple[int, Sample]], time_s: Float64Array) -> RecordingSession:
    rows = np.array([i for i, _ in part])
    first, last = part[0][1], part[-1][1]
    speed = np.array([s.speed_mph for _, s in part]) * MPS_PER_MPH
    driven = float((np.diff(time_s[rows]) * (speed[1:] + speed[:-1]) / 2).sum())
    started = "" if math.isnan(first.time_s) else f"{datetime.fromtimestamp(first.time_s):%Y-%m-%d %H:%M:%S}"
    length_s = float(time_s[rows[-1]] - time_s[rows[0]])
    return RecordingSession(first.session, len(part), first.row, last.row, started, length_s, driven)
