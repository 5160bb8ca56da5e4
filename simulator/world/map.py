"""Draw drives from above: the road, and the driven line coloured by its distance from the centre.

The colours reach as far as the farthest drive, so that a good drive shows where it is best. All panels share them. A
circle marks where a wheel left the carriageway, and a cross where the car did.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from protocol.arrays import Float64Array
from simulator.world.drive_log import DriveLog, FinishedDrive
from simulator.world.track import Track

SCALES_M = (0.25, 0.5, 1.0, 2.0, 4.0)
"""The distances at which the colours may end."""


def draw_map(track: Track, drives: Sequence[tuple[str, DriveLog | FinishedDrive]], file: Path) -> None:
    """Write a picture with a panel for each (title, drive). Raises OSError, and ValueError for an unknown file type."""
    figure = Figure(figsize=(8 * len(drives), 8), layout="constrained")
    panels = figure.subplots(1, len(drives), squeeze=False)[0]
    driven = [np.array(log.positions or [(np.nan,) * 4]) for _, log in drives]
    scale_m = _scale_m(driven)
    for panel, (title, log), positions in zip(panels, drives, driven, strict=True):
        _road(panel, track)
        pieces = np.stack([positions[:-1, :2], positions[1:, :2]], 1)
        line = LineCollection(list(pieces), cmap="turbo", linewidths=2)
        line.set_array(np.abs(positions[1:, 2]))
        line.set_clim(0, scale_m)
        panel.add_collection(line)
        report = log.report()
        wheels = f", a wheel off it {report.wheels_off_events} times" if report.wheels_off_events is not None else ""
        middle = f"mean {report.mean_cte_m:.2f} m from the centre"
        events = f"{report.off_road_events} times off the road{wheels}, {middle}"
        panel.set_title(f"{title}: {report.laps:.2f} laps at {report.mean_speed_mph:.1f} mph\n{events}")
        for distance_m in report.wheels_off_at_m:
            panel.plot(*track.point_at(distance_m), "o", color="black", markersize=8, fillstyle="none")
        for distance_m in log.off_road_at_m:
            panel.plot(*track.point_at(distance_m), "x", color="black", markersize=10, markeredgewidth=2)
    figure.colorbar(line, ax=panels, label="metres from the centre line", shrink=0.7)
    figure.savefig(file, dpi=100)


def _scale_m(driven: Sequence[Float64Array]) -> float:
    """Where the colours end: the least of SCALES_M that is no nearer than the farthest place of all drives."""
    farthest_m = max(np.nanmax(np.abs(positions[:, 2]), initial=0.0) for positions in driven)
    return next((scale for scale in SCALES_M if scale >= farthest_m), SCALES_M[-1])


def _road(panel: Axes, track: Track) -> None:
    left = np.stack([-np.sin(track.heading_rad), np.cos(track.heading_rad)], 1)
    widths_m = (track.shape.left.road_m, -track.shape.right.road_m)
    sides = [track.points + width_m[:, None] * left for width_m in widths_m]
    ring = np.concatenate([np.append(sides[0], sides[0][:1], 0), np.append(sides[1], sides[1][:1], 0)[::-1]])
    panel.fill(*ring.T, color="0.82", zorder=0)
    panel.plot(*track.points[0], "o", color="0.3", zorder=3)
    panel.set_aspect("equal")
    panel.set_xlabel("metres")
