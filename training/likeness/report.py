"""What was found, as a table for people and as JSON: locations, answers, edges, odometers, replays, demands."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from simulator.replay.agreement import SteeringErrors
from training.likeness.answers import Answers
from training.likeness.criteria import Criterion
from training.likeness.drives import Lap, LongReplay
from training.likeness.edges import EdgeErrors
from training.likeness.location import LEAST_FIT
from training.likeness.motion import Odometer, Pair, Replay


@dataclass(frozen=True, eq=False, slots=True)
class Findings:
    """All figures. pairs: located frames; looks, edges: of each of them; left_out: those whose fit is poor."""

    track: str
    camera: str
    length_m: float
    pairs: Sequence[Pair]
    looks: Sequence[str]
    left_out: Sequence[Pair]
    answers: Mapping[str, Answers]
    edges: Sequence[EdgeErrors]
    odometers: Sequence[Odometer]
    replays: Sequence[Replay]
    drives: Sequence[LongReplay]
    laps: Sequence[Lap]
    demands: Sequence[Criterion]


def table(findings: Findings) -> str:
    """The figures as text."""
    parts = [_locations(findings), _answers(findings), _edges(findings), _motion(findings), _demands(findings)]
    return "\n\n".join(part for part in parts if part)


def as_json(findings: Findings) -> dict[str, Any]:
    """The figures as JSON's values, with each frame's place; null where a figure is undefined."""
    return _defined(_figures(findings))


def _figures(findings: Findings) -> dict[str, Any]:
    frames = [
        {
            "frame": frame.name,
            "file": frame.stretch.samples[frame.row].center.name,
            **asdict(located.pose),
            "fit": located.fit,
            "look": findings.looks[number],
            "answers": {
                model: {"real": float(answers.real[number]), "drawn": float(answers.drawn[number])}
                for model, answers in findings.answers.items()
            },
            "edges_px": findings.edges[number].columns.tolist(),
        }
        for number, (frame, located) in enumerate(findings.pairs)
    ]
    return {
        "track": findings.track,
        "camera": findings.camera,
        "length_m": findings.length_m,
        "demands": [asdict(demand) for demand in findings.demands],
        "models": {
            model: {"all": asdict(answers.errors)}
            | {recording: asdict(errors) for recording, errors in answers.by_recording.items()}
            for model, answers in findings.answers.items()
        },
        "odometers": [asdict(odometer) for odometer in findings.odometers],
        "replays": [asdict(replay) for replay in findings.replays],
        "drives": [asdict(drive) for drive in findings.drives],
        "laps": [asdict(lap) for lap in findings.laps],
        "frames": frames,
        "left_out": [
            {"frame": frame.name, **asdict(located.pose), "fit": located.fit} for frame, located in findings.left_out
        ],
    }


def _defined(value: Any) -> Any:
    """The same, with None for each nan."""
    if isinstance(value, dict):
        return {key: _defined(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_defined(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _locations(findings: Findings) -> str:
    fits = [located.fit for _, located in findings.pairs]
    lines = [f"{len(fits)} frames located on {findings.track}, {findings.length_m:.1f} m, camera {findings.camera}"]
    if fits:
        lines[0] += f"; likeness of outlines {min(fits):.2f} to {max(fits):.2f}, median {np.median(fits):.2f}"
    for look in dict.fromkeys(findings.looks):
        named = {
            pair[0].stretch.recording for pair, own in zip(findings.pairs, findings.looks, strict=True) if own == look
        }
        lines.append(f"drawn as {look}: {', '.join(sorted(named))}")
    if findings.left_out:
        lines.append(f"{len(findings.left_out)} left out, because their likeness is below {LEAST_FIT:g}:")
        lines += [f"  {frame.name}: {located.fit:.2f}" for frame, located in findings.left_out]
    return "\n".join(lines)


def _answers(findings: Findings) -> str:
    lines = [
        f"{'answers to drawn frames against real ones':<44}{'pairs':>6}{'correlation':>13}{'difference':>12}{'bias':>9}"
    ]
    for model, answers in findings.answers.items():
        lines.append(_answer_line(model, answers.real.size, answers.errors))
        recordings = [frame.stretch.recording for frame, _ in findings.pairs]
        for recording, errors in answers.by_recording.items():
            lines.append(_answer_line(f"  {recording}", recordings.count(recording), errors))
    return "\n".join(lines) if findings.answers else ""


def _answer_line(name: str, pairs: int, errors: SteeringErrors) -> str:
    return f"{name:<44}{pairs:>6}{errors.correlation:>13.3f}{errors.mae:>12.4f}{errors.bias:>+9.4f}"


def _edges(findings: Findings) -> str:
    errors = [edge.columns for edge in findings.edges if edge.columns.size]
    if not errors:
        return "edge lines: none seen"
    columns = np.concatenate(errors)
    middle, high = np.percentile(np.abs(columns), (50, 90))
    return (
        f"edge lines: {columns.size} places in {len(errors)} frames, median error {middle:.2f} pixels, 90 % within"
        f" {high:.2f}, on average {columns.mean():+.2f} to the right"
    )


def _motion(findings: Findings) -> str:
    lines = [
        f"odometer of {odometer.recording}: {odometer.lap_m:.1f} m a lap by speed and time, over {odometer.laps:.2f}"
        f" laps, {odometer.mean_offset_m:+.2f} m left of the middle; {odometer.middle_m:.1f} m on the middle, where the"
        f" track has {findings.length_m:.1f}; the frames scatter by {odometer.scatter_m:.2f} m"
        for odometer in findings.odometers
    ]
    if findings.replays:
        lines.append(_replays(findings.replays))
    for seconds in dict.fromkeys(drive.seconds for drive in findings.drives):
        lines += [_drives([drive for drive in findings.drives if drive.seconds == seconds])]
    lines += [_lap(lap) for lap in findings.laps]
    return "\n".join(lines)


def _replays(replays: Sequence[Replay]) -> str:
    farther = max(replay.farthest_m - replay.human_m for replay in replays)
    return (
        f"recorded steering, driven again for {_spread(replays, 'seconds')} s from {len(replays)} located frames, ends"
        f" {_spread(replays, 'left_m')} m beside the person's car (with a straight wheel"
        f" {_spread(replays, 'straight_m')}), {_spread(replays, 'ahead_m')} m before or behind it, and turned by"
        f" {_spread(replays, 'turned_deg')} degrees; it comes at most {farther:.2f} m farther from the middle."
        " (Medians, and the greatest in brackets.)"
    )


def _drives(drives: Sequence[LongReplay]) -> str:
    farthest = np.array([drive.farthest_m for drive in drives])
    return (
        f"driven again for {drives[0].seconds:g} s from {len(drives)} located frames, up to"
        f" {max(drive.metres for drive in drives):.0f} m: {sum(drive.on_road for drive in drives)} stay on the"
        f" carriageway; at most {np.median(farthest):.2f} ({farthest.max():.2f}) m from its middle"
    )


def _lap(lap: Lap) -> str:
    between = np.array([correction.seconds for correction in lap.corrections])
    return (
        f"driven again over {lap.laps:.2f} laps of {lap.recording}, set right at {len(between)} located frames,"
        f" {np.median(between):.1f} ({between.max():.1f}) s apart, by {_spread(lap.corrections, 'left_m')} m aside,"
        f" {_spread(lap.corrections, 'ahead_m')} m along and {_spread(lap.corrections, 'turned_deg')} degrees;"
        f" {lap.on_road:.1%} of the way on the carriageway, at most {lap.farthest_m:.2f} m from its middle"
    )


def _spread(replays: Sequence[Replay], name: str) -> str:
    sizes = np.abs([getattr(replay, name) for replay in replays])
    return f"{np.median(sizes):.2f} ({sizes.max():.2f})"


def _demands(findings: Findings) -> str:
    return "\n".join(
        f"{'met    ' if demand.met else 'NOT MET'} {demand.name}: {demand.value:.4g}, {demand.limit}"
        for demand in findings.demands
    )
