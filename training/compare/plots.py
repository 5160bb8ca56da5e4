"""The comparison's pictures plot a network's cost against its quality, and mark the networks on the Pareto front.

They answer what a table of a dozen columns hides: how small a network may be before it drives worse.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from training.compare.intervals import Interval
from training.compare.pareto import pareto_front
from training.compare.report import ENGINE_TITLES, Result
from training.run.figures import save_figure

Point = tuple[float, Interval, Result]

MARKERS = {"float32": "o", "float16": "s", "int8": "^", "": "D"}


def draw_pareto(results: Sequence[Result], path: Path) -> None:
    """Draw milliseconds and multiply-accumulates, each against error and against lateral offset on each track."""
    costs: list[tuple[str, Callable[[Result], float]]] = [
        ("milliseconds a frame (p50)", lambda result: result.latency[result.contender.engine].p50_ms),
        ("million multiply-accumulates", _millions),
    ]
    gains: list[tuple[str, Callable[[Result], Interval]]] = []
    if any("mae 1 s" in result.agreement for result in results):
        gains.append(("mean error, 1 s means", lambda result: result.agreement.get("mae 1 s", Interval(math.nan))))
    gains += [(f"mean lateral offset in metres, {track}", _offset_on(track)) for track in results[0].driving]
    if not gains:
        return
    figure = Figure(figsize=(13, 4.2 * len(gains)), layout="constrained")
    panels = figure.subplots(len(gains), len(costs), squeeze=False)
    for line, (gain_title, gain) in zip(panels, gains, strict=True):
        for axes, (cost_title, cost) in zip(line, costs, strict=True):
            _panel(axes, [(cost(result), gain(result), result) for result in results])
            axes.set(xlabel=cost_title, ylabel=gain_title)
    figure.suptitle(
        "No network is both cheaper and better than those on the grey line. Bars show 95 % confidence.",
        fontsize="medium",
    )
    figure.legend(*panels[-1, 0].get_legend_handles_labels(), loc="outside right center", fontsize="small")
    save_figure(figure, path)


def _panel(axes: Any, points: Sequence[Point]) -> None:
    finite_points = [point for point in points if math.isfinite(point[0]) and math.isfinite(point[1].value)]
    colours = {name: f"C{number}" for number, name in enumerate(dict.fromkeys(p[2].contender.name for p in points))}
    front = pareto_front([(cost, interval.value) for cost, interval, _ in finite_points])
    axes.step([cost for cost, _ in front], [error for _, error in front], where="post", color="0.7", zorder=0)
    for cost, interval, result in finite_points:
        row = result.contender
        bar_below, bar_above = interval.value - interval.low, interval.high - interval.value
        bars = None if math.isnan(bar_below) else [[max(0, bar_below)], [max(0, bar_above)]]
        colour, marker = colours[row.name], MARKERS[row.weights]
        axes.errorbar(cost, interval.value, bars, color=colour, capsize=3)
        axes.plot(cost, interval.value, marker, color=colour, label=row.title)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(alpha=0.3, which="both")


def draw_bars(results: Sequence[Result], path: Path) -> None:
    """Draw each row's parameters, file size, and milliseconds on each engine, p50 and p99."""
    titles = [result.contender.title for result in results]
    engines = [name for name in ENGINE_TITLES if any(name in result.latency for result in results)]
    figure = Figure(figsize=(2.8 * (2 + len(engines)) + 1, 1.2 + 0.32 * len(results)), layout="constrained")
    parameters, sizes, *times = figure.subplots(1, 2 + len(engines), sharey=True)
    parameters.barh(titles, [_thousands(result) for result in results])
    parameters.set(xlabel="thousand parameters")
    sizes.barh(titles, [result.file_bytes / 1e6 for result in results])
    sizes.set(xlabel="file, MB")
    for axes, name in zip(times, engines, strict=True):
        timed = [result for result in results if name in result.latency]
        rows = [result.contender.title for result in timed]
        p50, p99 = (
            ([getattr(result.latency[name], percentile) for result in timed]) for percentile in ("p50_ms", "p99_ms")
        )
        axes.barh(rows, p50)
        axes.plot(p99, rows, "|", color="black", markersize=12, label="p99")
        axes.set(xlabel=f"{ENGINE_TITLES[name]}, p50")
        axes.legend(fontsize="small")
    parameters.invert_yaxis()
    save_figure(figure, path)


def _millions(result: Result) -> float:
    return result.contender.cost.multiply_accumulates / 1e6 if result.contender.cost else math.nan


def _thousands(result: Result) -> float:
    return result.contender.cost.parameters / 1e3 if result.contender.cost else 0.0


def _offset_on(track: str) -> Callable[[Result], Interval]:
    return lambda result: result.lateral_offset_m(track)
