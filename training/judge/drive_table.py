"""Drives as rows: of a table for the terminal, and of a file for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from models.whole_files import write_whole
from simulator.world.drive_log import DriveReport, FinishedDrive

HEADER = (
    f"{'model':<24}{'track':<22}{'latency':>8}{'laps':>7}{'interventions':>14}{'wheels off':>11}"
    f"{'autonomy':>9}{'mean m':>8}{'max m':>7}{'mph':>6}{'lap s':>8}{'reversals':>10}{'jerk':>7}{'frames/s':>9}"
)


@dataclass(frozen=True, slots=True)
class DrivenCase:
    """A model on a course. facts: the fields of its row that are not of a DriveReport.

    drive: None where `failure` says why there is none.
    """

    facts: dict[str, Any]
    drive: FinishedDrive | None
    failure: str = ""

    @property
    def title(self) -> str:
        """The model and the latency, for a picture."""
        return f"{Path(self.facts['model']).name}, {self.facts['latency_ms']:g} ms"


def line(case: DrivenCase) -> str:
    """The row of the table, and what else is to be told of the drive."""
    facts = case.facts
    track = facts["track"] + (" back" if facts["reverse"] else "")
    start = f"{Path(facts['model']).name:<24}{track:<22}{facts['latency_ms']:>5.0f} ms"
    if case.drive is None:
        return f"{start}  {case.failure}"
    report = case.drive.figures
    lap_s = f"{np.mean(report.lap_times_s):.1f}" if report.lap_times_s else "-"
    text = (
        f"{start}{report.laps:>7.2f}{report.off_road_events:>14}{_count(report.wheels_off_events):>11}"
        f"{report.autonomy_percent:>7.1f} %{report.mean_cte_m:>8.2f}{report.max_cte_m:>7.2f}"
        f"{report.mean_speed_mph:>6.1f}{lap_s:>8}{report.reversals_per_min:>10.0f}{report.jerk_mps3:>7.2f}"
        f"{facts['frames_per_s']:>9.0f}"
    )
    if stops := facts["stops"]:
        text += f"\n  stopped {stops} time{'s'[: stops != 1]}, because the model did not know the view"
    return text


def _count(number: int | None) -> str:
    return "-" if number is None else str(number)


def write_json(cases: Sequence[DrivenCase], more: dict[str, Any], file: Path) -> None:
    """Write all rows, whole or not at all. more: fields of each. A drive that failed has null for its figures."""
    unknown = {one.name: None for one in fields(DriveReport)}
    rows = [
        {**case.facts, **more, "failure": case.failure, **(asdict(case.drive.figures) if case.drive else unknown)}
        for case in cases
    ]
    write_whole(file, (json.dumps(rows, indent=2) + "\n").encode())


def finished_drive(result: dict[str, Any]) -> FinishedDrive:
    """The drive of what `course_drive.drive_course` returned."""
    report: dict[str, Any] = result["report"]
    values: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in report.items()}
    positions = [tuple(one) if one else (math.nan,) * 4 for one in result["positions"]]
    return FinishedDrive(DriveReport(**values), positions)
