"""The doctor finds out whether all sessions of a recording drive one road, and counts the laps of each road.

A simulator offers several tracks, and its recorder writes them all into one folder. The views of another road never
come back on the first one. Neither do those of the same road in the other direction, but there the same bends are
steered. So a session drives another road only if neither its views nor its steering are found on the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from protocol.arrays import Float32Array, Float64Array
from protocol.recording import Sample
from training.data.road import Leg, legs, steering_agreement
from training.doctor.findings import DataFinding, percent
from training.doctor.laps import STEP_M, Laps, find_laps, flat_views

SHOWN_M = 25.0
"""Over this distance, views that come back move on as the car does; random matches do not."""

SHORTEST_M = 100.0
"""Shorter drives show too little of a road to be compared."""

SAME_VIEWS = 0.3
"""Share of views that must come back so. One road driven twice in one direction reaches 0.6, two roads 0.1."""


SAME_STEERING = 0.65
"""Least correlation of steering on one road, in either direction. Half a lap of it reaches 0.7, other roads 0.6."""


@dataclass(frozen=True, slots=True)
class RecordedRoad:
    """A road of a recording. sessions: their numbers; driven_m: metres driven; laps: None if no view repeats."""

    sessions: tuple[int, ...]
    driven_m: float
    laps: Laps | None

    def name(self) -> str:
        """Name it by its sessions: `session 3`, `sessions 0, 2-4`."""
        return f"session{'s'[: len(self.sessions) > 1]} {_spans(self.sessions)}"

    def lap_text(self) -> str:
        """Say how many laps were driven and how sure that is."""
        laps = self.laps
        if laps is None:
            return "no view repeats after a fixed distance: less than a lap and a half, or no closed course"
        return (
            f"{laps.laps:.1f} of {laps.lap_m:.0f} m, {laps.certainty()}: {percent(laps.agreement)} of views look most"
            f" like views whole laps away (by chance {percent(laps.by_chance)}) -> --lap-m {laps.lap_m:.0f}"
        )


@dataclass(frozen=True, slots=True)
class _Drive:
    """The legs of one session, and its own laps."""

    session: int
    legs: tuple[Leg, ...]
    laps: Laps | None

    @property
    def driven_m(self) -> float:
        return sum(_length_m(leg) for leg in self.legs)


def find_roads(samples: Sequence[Sample], time_s: Float64Array, views: Float32Array) -> tuple[RecordedRoad, ...]:
    """Sort the sessions of a recording by road; one road unless there is proof of another.

    time_s: (n,) seconds; views: (n, rows, columns) grey levels. Roads come in the order of their first sessions.
    """
    groups: list[list[_Drive]] = []
    drives = _drives(samples, time_s, views)
    for drive in sorted(drives, key=lambda drive: (drive.laps is None, -drive.driven_m)):
        known = [_is_same(drive, group, views) for group in groups]
        if True in known:
            groups[known.index(True)].append(drive)
        elif None in known:
            groups[known.index(None)].append(drive)
        else:
            groups.append([drive])
    roads = [_road(group, samples, time_s, views) for group in groups]
    return tuple(sorted(roads, key=lambda road: road.sessions))


def road_findings(roads: Sequence[RecordedRoad]) -> Iterator[DataFinding]:
    """Say which sessions drive which road, where there are several, and how to train on each with its own lap."""
    if len(roads) < 2:
        return
    drives = ", ".join(f"{road.name()} ({road.driven_m:.0f} m)" for road in roads)
    text = f"{len(roads)} roads are driven: {drives}; neither views nor steering of one come back on another"
    copies = []
    for road in roads:
        others = sorted(session for other in roads if other is not road for session in other.sessions)
        use = f"--lap-m {road.laps.lap_m:.0f}" if road.laps else "training's --also, for its lap is unknown"
        copies.append(f"--exclude sessions={_spans(others).replace(' ', '')} for {use}")
    yield DataFinding("fault", "roads", text, f"make a copy of the recording for each road: {'; '.join(copies)}")


def _spans(numbers: Sequence[int]) -> str:
    """Write ascending numbers as an exclusion rule's spans: `0, 2-4`."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][-1] + 1:
            spans[-1].append(number)
        else:
            spans.append([number])
    return ", ".join(f"{span[0]}-{span[-1]}" if len(span) > 1 else f"{span[0]}" for span in spans)


def _drives(samples: Sequence[Sample], time_s: Float64Array, views: Float32Array) -> list[_Drive]:
    session = np.array([s.session for s in samples])
    all_legs = legs(0, samples, time_s)
    drives = []
    for number in sorted(set(session.tolist())):
        rows = np.flatnonzero(session == number)
        own = tuple(leg for leg in all_legs if session[leg.rows[0]] == number)
        laps = find_laps([samples[int(i)] for i in rows], time_s[rows], views[rows])
        drives.append(_Drive(number, own, laps))
    return drives


def _is_same(drive: _Drive, group: Sequence[_Drive], views: Float32Array) -> bool | None:
    """Whether a session drives a road that others drive; None if that cannot be told."""
    lap_m = next((other.laps.lap_m for other in group if other.laps), None)
    own = [leg for leg in drive.legs if _length_m(leg) >= SHORTEST_M]
    others = [leg for other in group for leg in other.legs if _length_m(leg) >= SHORTEST_M]
    if any(_views_return(leg, other, lap_m, views) for leg in own for other in others):
        return True
    if not lap_m:
        return None
    reference = max(others, key=_length_m)
    agreements = [steering_agreement(reference, leg, lap_m) for leg in own]
    known = [agreement for agreement in agreements if agreement is not None]
    return max(known) >= SAME_STEERING if known else None


def _views_return(one: Leg, other: Leg, lap_m: float | None, views: Float32Array) -> bool:
    """Whether the views of one leg come back in another, where they move on as the car does, in laps of lap_m."""
    similarity = flat_views(one, views) @ flat_views(other, views).T
    ahead = round(SHOWN_M / STEP_M)
    for best in (similarity.argmax(axis=1), similarity.argmax(axis=0)):
        moved = (best[ahead:] - best[:-ahead] - ahead).astype(float)
        if lap_m:
            lap = lap_m / STEP_M
            moved = (moved + lap / 2) % lap - lap / 2
        if np.mean(np.abs(moved) < 2) >= SAME_VIEWS:
            return True
    return False


def _road(
    group: Sequence[_Drive], samples: Sequence[Sample], time_s: Float64Array, views: Float32Array
) -> RecordedRoad:
    sessions = sorted(drive.session for drive in group)
    rows = np.flatnonzero(np.isin([s.session for s in samples], sessions))
    laps = find_laps([samples[int(i)] for i in rows], time_s[rows], views[rows])
    return RecordedRoad(tuple(sessions), sum(drive.driven_m for drive in group), laps)


def _length_m(leg: Leg) -> float:
    return float(leg.distance_m[-1] - leg.distance_m[0])
