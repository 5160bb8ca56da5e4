"""A recording on one page: how it is steered and how fast, over all and over time, and its most extreme frames.

What a number says of a driver, an eye checks in seconds; a turned car, a black frame or a foreign track shows at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from protocol.arrays import Float64Array
from protocol.images import decode_image
from protocol.recording import Sample
from protocol.unbroken import STANDSTILL_MPH
from training.doctor.examination import Examination
from training.doctor.frames import Frames
from training.run.figures import save_figure

APART_S = 2.0
"""Extremes of one kind lie so far apart in time; else they would all be of one moment."""

BLUE, ORANGE = "#2a6fb0", "#d9772b"


def draw_picture(
    report: Examination, samples: Sequence[Sample], time_s: Float64Array, frames: Frames, path: Path
) -> None:
    """Write the page as a PNG, whole or not at all. Only frames that decode as they should are shown."""
    figure = Figure(figsize=(15, 11), layout="constrained")
    halves = figure.add_gridspec(2, 1, height_ratios=(2.1, 1))
    charts, sheet = (figure.add_subfigure(halves[half]) for half in range(2))
    sessions = len(report.sessions)
    charts.suptitle(
        f"{Path(report.recording).resolve().name}: {report.rows} rows in {sessions} session{'s'[: sessions != 1]}"
    )
    grid = charts.add_gridspec(3, 2)
    steering = np.array([s.steering for s in samples])
    speed = np.array([s.speed_mph for s in samples])
    _histogram(charts.add_subplot(grid[0, 0]), steering, np.linspace(-1.025, 1.025, 42), "steering, -1 left to 1 right")
    _histogram(charts.add_subplot(grid[0, 1]), speed, np.linspace(0, max(32.0, speed.max()), 42), "speed, mph")
    driven_s = _without_pauses(time_s)
    trace = charts.add_subplot(grid[1, :])
    _trace(trace, driven_s, steering, report, "steering", BLUE)
    trace.set_ylim(-1.05, 1.05)
    below = charts.add_subplot(grid[2, :], sharex=trace)
    _trace(below, driven_s, speed, report, "mph", ORANGE)
    below.set_xlabel("seconds recorded, without the pauses between sessions (dotted)")
    tiles = list(sheet.subplots(2, 6).flat)
    for axes, (i, words) in zip(tiles, _extremes(steering, speed, time_s, frames), strict=False):
        _tile(axes, samples[i], words)
    for axes in tiles:
        axes.axis("off")
    save_figure(figure, path, dpi=90)


def _histogram(axes: Axes, values: Float64Array, bins: Float64Array, title: str) -> None:
    axes.hist(values, bins=list(bins), color=BLUE)
    axes.set_yscale("log")
    axes.set(title=title, ylabel="rows", ylim=(0.7, 1.5 * values.size))
    axes.grid(alpha=0.3)


def _trace(
    axes: Axes, driven_s: Float64Array, values: Float64Array, report: Examination, name: str, color: str
) -> None:
    axes.plot(driven_s, values, color=color, linewidth=0.6)
    start = 0
    for session in report.sessions[:-1]:
        start += session.rows
        axes.axvline(float(driven_s[start]), color="black", linewidth=0.8, linestyle=":")
    axes.set_ylabel(name)
    axes.margins(x=0)
    axes.grid(alpha=0.3)


def _without_pauses(time_s: Float64Array) -> Float64Array:
    """Time in which only recording counts: (n,) seconds from 0."""
    steps = np.diff(time_s, prepend=time_s[0])
    usual = float(np.median(steps)) if steps.size > 1 else 0.0
    return np.cumsum(np.where((steps < 0) | (steps > 1.5), usual, steps))


def _extremes(
    steering: Float64Array, speed: Float64Array, time_s: Float64Array, frames: Frames
) -> list[tuple[int, str]]:
    """Twelve rows worth seeing, each with why."""
    whole = ~np.isnan(frames.views[:, 0, 0])
    moving = whole & (speed > STANDSTILL_MPH)
    light = frames.views.mean(axis=(1, 2))
    kinds: list[tuple[npt.NDArray[Any], npt.NDArray[np.bool_], int, str]] = [
        (-steering, whole & (steering < 0), 3, "hardest left"),
        (steering, whole & (steering > 0), 3, "hardest right"),
        (-light, whole, 1, "darkest"),
        (light, whole, 1, "brightest"),
        (-speed, moving, 1, "slowest, moving"),
        (speed, moving, 1, "fastest"),
        (frames.change, moving, 1, "most changed"),
        (-frames.change, moving, 1, "least changed"),
    ]
    chosen: list[tuple[int, str]] = []
    for value, allowed, count, words in kinds:
        order = np.argsort(np.where(allowed & ~np.isnan(value), -value, np.inf), kind="stable")
        order = order[: int((allowed & ~np.isnan(value)).sum())]
        taken: list[int] = []
        for i in map(int, order):
            if len(taken) < count and all(abs(time_s[i] - time_s[j]) > APART_S for j in taken):
                taken.append(i)
        chosen += [(i, words) for i in taken]
    return chosen


def _tile(axes: Axes, sample: Sample, words: str) -> None:
    frame = decode_image(sample.center.read_bytes())
    axes.imshow(frame)
    angle = np.radians(25.0 * sample.steering)
    start, end = (160, 158), (160 + 90 * np.sin(2 * angle), 158 - 90 * np.cos(2 * angle))
    axes.add_patch(FancyArrowPatch(start, end, color="#ffe14a", arrowstyle="-|>", mutation_scale=12, linewidth=2))
    axes.set_title(f"{words}\nrow {sample.row}: {sample.steering:+.2f}, {sample.speed_mph:.0f} mph", fontsize=9)
    axes.axis("off")
