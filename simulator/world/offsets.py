"""Draw a replay's drives: the distance from the human's line, and where interventions happened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from simulator.world.drive_log import DriveLog, FinishedDrive


def draw_offsets(drives: Sequence[tuple[str, DriveLog | FinishedDrive]], limit_m: float, file: Path) -> None:
    """Write a picture with a panel for each (title, drive). Raises OSError, and ValueError for an unknown file type."""
    figure = Figure(figsize=(14, 3 * len(drives)), layout="constrained")
    panels = figure.subplots(len(drives), 1, squeeze=False, sharex=True)[:, 0]
    for panel, (title, log) in zip(panels, drives, strict=True):
        positions = np.array(log.positions or [(np.nan,) * 4])
        report = log.report()
        panel.axhspan(-limit_m, limit_m, color="0.93")
        panel.axhline(0, color="0.6", linewidth=0.8)
        panel.plot(positions[:, 3], positions[:, 2], linewidth=0.9)
        panel.plot(log.off_road_at_m, np.zeros(len(log.off_road_at_m)), "x", color="black", markersize=8)
        panel.set_ylim(-1.1 * limit_m, 1.1 * limit_m)
        panel.set_ylabel("metres to the left")
        panel.set_title(
            f"{title}: autonomy {report.autonomy_percent:.1f} %, {report.off_road_events} interventions (x), "
            f"mean {report.mean_cte_m:.2f} m from the human's line"
        )
    panels[-1].set_xlabel("metres along the recording")
    figure.savefig(file, dpi=100)
