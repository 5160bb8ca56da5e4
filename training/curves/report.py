"""A curve is written as a table (Markdown), as all its figures (JSON), and as a picture."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from models.whole_files import write_whole
from training.compare.intervals import Interval
from training.curves.measures import TRACKS, Seed, interval
from training.run.figures import save_figure


@dataclass(frozen=True, slots=True)
class CurveRow:
    """A place on the curve. position: on the picture's horizontal axis; cost: figures by their titles, as text."""

    name: str
    position: float
    cost: Mapping[str, str]
    seeds: Sequence[Seed]


FIGURES: dict[str, tuple[Callable[[Sequence[Seed]], Interval], int]] = {
    "agreement, lake": (lambda seeds: interval(seeds, "agreement", "lake"), 3),
    "agreement, jungle": (lambda seeds: interval(seeds, "agreement", "jungle"), 3),
    "agreement, mountain": (lambda seeds: interval(seeds, "agreement", "mountain"), 3),
    "autonomy %": (lambda seeds: interval(seeds, "autonomy"), 1),
    "mean m, lake": (lambda seeds: interval(seeds, "lake_m"), 2),
    "furthest m, lake": (lambda seeds: interval(seeds, "furthest_lake_m"), 2),
}
"""The columns over seeds, and their digits. Times off the road are summed instead."""

LEGEND = (
    "Agreement is the correlation of 1 s means with strangers' steering, averaged over the strangers of a track. "
    "Off the road and wheels off count the times of all seeds' drives. [low, high] is the 95 % interval over seeds."
)


def markdown(rows: Sequence[CurveRow]) -> str:
    """Format the table, with a line for each place on the curve."""
    head = ["network", "seeds", *rows[0].cost, *FIGURES, "off the road", "wheels off"]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        cells = [_text(figure(row.seeds), digits) for figure, digits in FIGURES.values()]
        counts = [f"{sum(getattr(seed, name) for seed in row.seeds):.0f}" for name in ("off_road", "wheels_off")]
        lines.append([row.name, str(len(row.seeds)), *row.cost.values(), *cells, *counts])
    table = "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
    return f"{table}\n\n{LEGEND}\n"


def write(rows: Sequence[CurveRow], axis: str, folder: Path) -> str:
    """Write curve.md, curve.json and curve.png in `folder`, each whole; returns the Markdown.

    axis: the title of the picture's horizontal axis; it is logarithmic where the positions span a factor of 50.
    """
    text = markdown(rows)
    write_whole(folder / "curve.md", text.encode())
    content = [
        {"name": row.name, "position": row.position, **row.cost, "seeds": [seed._asdict() for seed in row.seeds]}
        for row in rows
    ]
    write_whole(folder / "curve.json", f"{json.dumps(content, indent=1)}\n".encode())
    save_figure(_figure(rows, axis), folder / "curve.png")
    return text


def _figure(rows: Sequence[CurveRow], axis: str) -> Figure:
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    for track in TRACKS:
        _line(left, rows, [interval(row.seeds, "agreement", track) for row in rows], track)
    _line(middle, rows, [interval(row.seeds, "autonomy") for row in rows], "mean of all drives")
    _line(right, rows, [interval(row.seeds, "lake_m") for row in rows], "mean")
    _line(right, rows, [interval(row.seeds, "furthest_lake_m") for row in rows], "furthest")
    left.set(ylabel="agreement with strangers (correlation of 1 s means)")
    middle.set(ylabel="autonomy in %")
    right.set(ylabel="metres from the middle of the lake's road", ylim=(0, None))
    positions = [row.position for row in rows]
    for panel in (left, middle, right):
        if max(positions) > 50 * min(positions):
            panel.set_xscale("log")
        panel.set_xlabel(axis)
        panel.grid(alpha=0.3)
        panel.legend(fontsize="small")
    return figure


def _line(panel: Any, rows: Sequence[CurveRow], intervals: Sequence[Interval], label: str) -> None:
    """Draw the mean with bars of its interval; the names of networks that lie off the line of slim ones are marked."""
    points = sorted(zip(rows, intervals, strict=True), key=lambda point: point[0].position)
    for is_plain in (False, True):
        group = [(row.position, value) for row, value in points if row.name.startswith("baseline") == is_plain]
        if not group:
            continue
        values = [value.value for _, value in group]
        below = [0.0 if math.isnan(value.low) else value.value - value.low for _, value in group]
        above = [0.0 if math.isnan(value.high) else value.high - value.value for _, value in group]
        style = {"ls": "--", "marker": "s", "label": f"{label}, plain"} if is_plain else {"marker": "o", "label": label}
        colour = panel.lines[-1].get_color() if is_plain and panel.lines else None
        panel.errorbar([x for x, _ in group], values, [below, above], capsize=3, color=colour, **style)


def _text(value: Interval, digits: int) -> str:
    text = f"{value.value:.{digits}f}"
    return text if math.isnan(value.low) else f"{text} [{value.low:.{digits}f}, {value.high:.{digits}f}]"
