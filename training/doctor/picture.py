"""The doctor draws a recording on one page: steering and speed as histograms and over time, and its extreme frames.

On the page a person sees at once a turned car, a black frame or another track, and checks in seconds what the numbers
say about the driver.
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
"""Extremes of one kind lie at least this far apart in time, so that they do not all show one moment."""

BLUE, ORANGE = "#2a6fb0", "#d9772b"


def draw_picture(
    report: Examination, samples: Sequence[Sample], time_s: Float64Array, frames: Frames, path: Path
) -> None:
    """Write the page as a PNG, whole or not at all. It shows only frames that decode correctly."""
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
    recorded_s = _without_pauses(time_s)
    steering_axes = charts.add_subplot(grid[1, :])
    _trace(steering_axes, recorded_s, steering, report, "steering", BLUE)
    steering_axes.set_ylim(-1.05, 1.05)
    speed_axes = charts.add_subplot(grid[2, :], sharex=steering_axes)
    _trace(speed_axes, recorded_s, speed, report, "mph", ORANGE)
    speed_axes.set_xlabel("seconds recorded, without the pauses between sessions (dotted)")
    tiles = list(sheet.subplots(2, 6).flat)
    for axes, (i, title) in zip(tiles, _extremes(steering, speed, time_s, frames), strict=False):
        _tile(axes, samples[i], title)
    for axes in tiles:
        axes.axis("off")
    save_figure(figure, path, dpi=90)


def _histogram(axes: Axes, values: Float64Array, bins: Float64Array, title: str) -> None:
    axes.hist(values, bins=list(bins), color=BLUE)
    axes.set_yscale("log")
    axes.set(title=title, ylabel="rows", ylim=(0.7, 1.5 * values.size))
    axes.grid(alpha=0.3)


def _trace(
    axes: Axes, recorded_s: Float64Array, values: Float64Array, report: Examination, name: str, color: str
) -> None:
    axes.plot(recorded_s, values, color=color, linewidth=0.6)
    start = 0
    for session in report.sessions[:-1]:
        start += session.rows
        axes.axvline(float(recorded_s[start]), color="black", linewidth=0.8, linestyle=":")
    axes.set_ylabel(name)
    axes.margins(x=0)
    axes.grid(alpha=0.3)


def _without_pauses(time_s: Float64Array) -> Float64Array:
    """Remove the pauses between sessions from (n,) seconds; the result begins at 0."""
    steps = np.diff(time_s, prepend=time_s[0])
    usual = float(np.median(steps)) if steps.size > 1 else 0.0
    return np.cumsum(np.where((steps < 0) | (steps > 1.5), usual, steps))


def _extremes(
    steering: Float64Array, speed: Float64Array, time_s: Float64Array, frames: Frames
) -> list[tuple[int, str]]:
    """Choose twelve extreme rows; returns their indices and titles."""
    intact = ~np.isnan(frames.views[:, 0, 0])
    moving = intact & (speed > STANDSTILL_MPH)
    brightness = frames.views.mean(axis=(1, 2))
    kinds: list[tuple[npt.NDArray[Any], npt.NDArray[np.bool_], int, str]] = [
        (-steering, intact & (steering < 0), 3, "hardest left"),
        (steering, intact & (steering > 0), 3, "hardest right"),
        (-brightness, intact, 1, "darkest"),
        (brightness, intact, 1, "brightest"),
        (-speed, moving, 1, "slowest, moving"),
        (speed, moving, 1, "fastest"),
        (frames.change, moving, 1, "most changed"),
        (-frames.change, moving, 1, "least changed"),
    ]
    tiles: list[tuple[int, str]] = []
    for value, allowed, count, title in kinds:
        order = np.argsort(np.where(allowed & ~np.isnan(value), -value, np.inf), kind="stable")
        order = order[: int((allowed & ~np.isnan(value)).sum())]
        indices: list[int] = []
        for i in map(int, order):
            if len(indices) < count and all(abs(time_s[i] - time_s[j]) > APART_S for j in indices):
                indices.append(i)
        tiles += [(i, title) for i in indices]
    return tiles


def _tile(axes: Axes, sample: Sample, title: str) -> None:
    frame = decode_image(sample.center.read_bytes())
    axes.imshow(frame)
    angle = np.radians(25.0 * sample.steering)
    start, end = (160, 158), (160 + 90 * np.sin(2 * angle), 158 - 90 * np.cos(2 * angle))
    axes.add_patch(FancyArrowPatch(start, end, color="#ffe14a", arrowstyle="-|>", mutation_scale=12, linewidth=2))
    axes.set_title(f"{title}\nrow {sample.row}: {sample.steering:+.2f}, {sample.speed_mph:.0f} mph", fontsize=9)
    axes.axis("off")
