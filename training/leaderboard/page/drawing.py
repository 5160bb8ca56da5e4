"""The page's pictures, as SVG: roads with what happened on them, the way beside the middle, and scores against costs.

Colours are classes of the page's style, so that a picture suits light, dark and print.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup, escape

from simulator.world.track import Track
from training.compare.intervals import Interval
from training.compare.pareto import pareto_front
from training.leaderboard.tasks import MINUTE_S, DriveResult

MAP_SIZE, MARGIN = 150.0, 8.0
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 420.0, 270.0, 38.0, 10.0, 10.0, 40.0
WAY_WIDTH, WAY_HEIGHT, WAY_LEFT = 720.0, 150.0, 80.0
FAR_M = (1.0, 2.0)
"""Metres from the middle where a driven line changes its colour."""

ROAD_POINTS = 240
DECADES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

Points = Sequence[tuple[float, float]]


class RoadMap:
    """A track as a picture. number: of the symbol on the page that all maps of this track use."""

    def __init__(self, track: Track, number: int) -> None:
        self._number = number
        points = track.points
        low, high = points.min(0), points.max(0)
        self._scale = (MAP_SIZE - 2 * MARGIN) / max(high - low)
        self._left, self._top = float(low[0]), float(high[1])
        self.width = float(2 * MARGIN + (high - low)[0] * self._scale)
        self.height = float(2 * MARGIN + (high - low)[1] * self._scale)
        every = max(1, len(points) // ROAD_POINTS)
        self._road = [self._place(x, y) for x, y in points[::every].tolist()]

    def symbol(self) -> Markup:
        """The road, once for the page."""
        path = _path(self._road)
        return Markup('<symbol id="road-{}" viewBox="{}"><path class="road" d="{}Z"/></symbol>').format(
            self._number, self._box, path
        )

    def drive(self, result: DriveResult, title: str) -> Markup:
        """The road with a drive: where the car was far from the middle, and where it was put back."""
        parts = [Markup('<use href="#road-{}"/>').format(self._number)]
        for index, name in enumerate(("far", "farther")):
            far = (*FAR_M, math.inf)
            path = " ".join(
                _path([self._place(*a[:2]), self._place(*b[:2])])
                for a, b in pairwise(result.trace)
                if far[index] <= abs(b[2]) < far[index + 1] and not math.isnan(a[0])
            )
            if path:
                parts.append(Markup('<path class="{}" d="{}"/>').format(name, path))
        for before, after in pairwise(result.trace):
            if math.isnan(after[0]) and not math.isnan(before[0]):
                x, y = self._place(*before[:2])
                cross = f"M{x - 4:.1f},{y - 4:.1f}l8,8m0,-8l-8,8"
                parts.append(Markup('<path class="off" d="{}"/>').format(cross))
        return _svg(Markup("").join(parts), self._box, title)

    @property
    def _box(self) -> str:
        return f"0 0 {self.width:.0f} {self.height:.0f}"

    def _place(self, x: float, y: float) -> tuple[float, float]:
        return MARGIN + (x - self._left) * self._scale, MARGIN + (self._top - y) * self._scale


def draw_way(result: DriveResult, title: str) -> Markup:
    """How far the car was from the middle of the road, over the time of a drive, with its worst minute marked."""
    end_s = max(result.elapsed_s, 1.0)
    limit_m = max(FAR_M[-1], *(abs(point[2]) for point in result.trace if not math.isnan(point[2])), 0.0)

    def place(second: float, offset_m: float) -> tuple[float, float]:
        x = WAY_LEFT + (WAY_WIDTH - WAY_LEFT - RIGHT) * second / end_s
        return x, TOP + (WAY_HEIGHT - TOP - 26) * (0.5 - 0.5 * offset_m / limit_m)

    begin, top = place(min(result.worst_s, end_s), limit_m)
    stop, bottom = place(min(result.worst_s + MINUTE_S, end_s), -limit_m)
    parts = [_box("minute", begin, top, stop - begin, bottom - top)]
    for offset_m, text in ((limit_m, f"{limit_m:.1f} m left"), (0.0, "middle"), (-limit_m, f"{limit_m:.1f} m right")):
        y = place(0.0, offset_m)[1]
        parts += [_line(WAY_LEFT, y, WAY_WIDTH - RIGHT, y), _text(WAY_LEFT - 5, y + 4, text, "end")]
    driven: list[tuple[float, float]] = []
    for _, _, offset_m, second in result.trace:
        if not math.isnan(second):
            driven.append(place(second, offset_m))
        elif driven:
            parts += [_polyline(driven), _cross_line(driven[-1][0], top, bottom)]
            driven = []
    parts.append(_polyline(driven))
    step = next(step for step in (10, 30, 60, 120, 300, 600, 1e9) if end_s / step <= 10)
    for number in range(int(end_s / step) + 1):
        parts.append(_text(place(number * step, 0.0)[0], WAY_HEIGHT - 8, f"{number * step:g} s", "middle"))
    return _svg(Markup("").join(parts), f"0 0 {WAY_WIDTH:.0f} {WAY_HEIGHT:.0f}", title, "way-plot")


@dataclass(frozen=True, slots=True)
class PlotPoint:
    """A model in a plot. cost: more than 0."""

    name: str
    cost: float
    score: Interval


def draw_scores(points: Sequence[PlotPoint], cost_title: str) -> Markup:
    """Scores with their intervals against a cost, on a logarithmic axis; names stand at those that no other beats."""
    costs = [point.cost for point in points]
    low, high = min(costs) / 1.5, max(costs) * 1.5
    edges = [value for p in points for value in (p.score.value, p.score.low, p.score.high) if math.isfinite(value)]
    bottom = max(0.0, 10 * math.floor((min(edges) - 1) / 10))
    top = min(100.0, 10 * math.ceil((max(edges) + 1) / 10))

    def place(cost: float, score: float) -> tuple[float, float]:
        x = LEFT + (WIDTH - LEFT - RIGHT) * math.log(cost / low) / math.log(high / low)
        return x, TOP + (HEIGHT - TOP - BOTTOM) * (top - score) / (top - bottom)

    parts = []
    for number in range(6):
        score = bottom + (top - bottom) * number / 5
        y = place(low, score)[1]
        parts += [_line(LEFT, y, WIDTH - RIGHT, y), _text(LEFT - 5, y + 4, f"{score:g}", "end")]
    for mark in DECADES:
        if low <= mark <= high:
            parts.append(_text(place(mark, 0)[0], HEIGHT - BOTTOM + 16, f"{mark:g}", "middle"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, cost_title, "middle"))
    front = pareto_front([(point.cost, -point.score.value) for point in points])
    for point in sorted(points, key=lambda one: one.score.value):
        x, y = place(point.cost, point.score.value)
        if math.isfinite(point.score.low):
            span = f"M{x:.1f},{place(point.cost, point.score.low)[1]:.1f}V{place(point.cost, point.score.high)[1]:.1f}"
            parts.append(Markup('<path class="span" d="{}"/>').format(span))
        is_best = (point.cost, -point.score.value) in front
        title = Markup("<title>{}: {}</title>").format(point.name, f"{point.score.value:.2f}")
        dot = Markup('<circle class="{}" cx="{}" cy="{}" r="4">{}</circle>')
        parts.append(dot.format("best" if is_best else "dot", f"{x:.1f}", f"{y:.1f}", title))
    for cost, error in front:
        names = [point.name for point in points if (point.cost, -point.score.value) == (cost, error)]
        x, y = place(cost, -error)
        text = names[0][:24] + (f" and {len(names) - 1} more" if len(names) > 1 else "")
        is_left = x < (LEFT + WIDTH) / 2
        parts.append(_text(x + (7 if is_left else -7), y + 16, text, "start" if is_left else "end"))
    return _svg(Markup("").join(parts), f"0 0 {WIDTH:.0f} {HEIGHT:.0f}", f"score against {cost_title}")


def _svg(content: Markup, box: str, title: str, name: str = "picture") -> Markup:
    svg = Markup('<svg class="{}" viewBox="{}" role="img" aria-label="{}">{}</svg>')
    return svg.format(name, box, title, content)


def _path(points: Points) -> str:
    return "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _polyline(points: Points) -> Markup:
    return Markup('<path class="way" d="{}"/>').format(_path(points)) if len(points) > 1 else Markup("")


def _cross_line(x: float, top: float, bottom: float) -> Markup:
    return Markup('<path class="off" d="{}"/>').format(f"M{x:.1f},{top:.1f}V{bottom:.1f}")


def _line(x1: float, y1: float, x2: float, y2: float) -> Markup:
    return Markup('<path class="grid" d="{}"/>').format(f"M{x1:.1f},{y1:.1f}L{x2:.1f},{y2:.1f}")


def _box(name: str, x: float, y: float, width: float, height: float) -> Markup:
    numbers = (f"{value:.1f}" for value in (x, y, width, height))
    return Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>').format(name, *numbers)


def _text(x: float, y: float, text: str, anchor: str) -> Markup:
    return Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(f"{x:.1f}", f"{y:.1f}", anchor, escape(text))
