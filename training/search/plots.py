"""The pictures of a search: how the trials' scores went, and what each searched value did to the score."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import (
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    ScalarFormatter,
    StrMethodFormatter,
)

from training.run.figures import save_figure
from training.search.results import TrialResult, value_text
from training.search.space import Choices, Domain, Space

BEST, FINISHED, STOPPED = "C3", "C0", "0.65"
COLUMNS = 3
LONG = 30
"""Choices with more letters than this together stand aslant."""


def draw_scores(results: Sequence[TrialResult], path: Path) -> None:
    """Draw each trial's score against the images that it had learned. results: the best first."""
    figure = Figure(figsize=(8.5, 5), layout="constrained")
    axes = figure.subplots()
    for result in reversed(results):
        images = [row["images"] for row in result.rows]
        scores = [row["score"] for row in result.rows]
        colour = _colour(result, results)
        axes.plot(images, scores, marker="o", markersize=4, color=colour, linewidth=2.5 if colour == BEST else 1.2)
        axes.annotate(
            str(result.plan.number), (images[-1], scores[-1]), (5, 0), textcoords="offset points", va="center",
            fontsize="small", color=colour,
        )  # fmt: skip
    _score_axis(axes, results)
    axes.set(xlabel="images learned", title="Each line is a trial, with its number at the end")
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.margins(x=0.06)
    _legend(axes)
    save_figure(figure, path)


def draw_values(space: Space, results: Sequence[TrialResult], path: Path) -> None:
    """Draw each trial's last score against each searched value. results: the best first."""
    columns = min(COLUMNS, len(space.domains))
    lines = math.ceil(len(space.domains) / columns)
    figure = Figure(figsize=(max(6.0, 4.2 * columns), 3.6 * lines + 0.4), layout="constrained")
    panels = iter(figure.subplots(lines, columns, squeeze=False, sharey=True).flat)
    for (name, domain), axes in zip(space.domains.items(), panels, strict=False):
        places = _places(axes, name, domain, results)
        for place, result in zip(places, results, strict=True):
            colour = _colour(result, results)
            axes.plot(place, result.last["score"], "o" if result.plan.is_finished else "x", color=colour)
            axes.annotate(
                f"{result.plan.number}{' (none)' if result.plan.values[name] is None else ''}",
                (place, result.last["score"]), (5, 3), textcoords="offset points", fontsize="small", color=colour,
            )  # fmt: skip
        _score_axis(axes, results)
        axes.set(xlabel=name, ylabel="last score" if axes.get_subplotspec().is_first_col() else "")
        axes.margins(0.12)
    for axes in panels:
        axes.set_visible(False)
    figure.suptitle("A cross was stopped early, after fewer images than the dots", fontsize="medium")
    save_figure(figure, path)


def _places(axes: Any, name: str, domain: Domain, results: Sequence[TrialResult]) -> list[float]:
    """Where the trials' values stand on the axis, which is prepared for them; None stands left of a range."""
    values = [result.plan.values[name] for result in results]
    if isinstance(domain, Choices):
        texts = list(dict.fromkeys(map(value_text, (*domain.values, *values))))
        is_long = len("".join(texts)) > LONG
        axes.set_xticks(range(len(texts)), texts, rotation=30 if is_long else 0, ha="right" if is_long else "center")
        return [float(texts.index(value_text(value))) for value in values]
    left = domain.at(0.0) if domain.is_log else domain.low - 0.1 * (domain.high - domain.low)
    if domain.is_log and 0 not in values:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    return [left if value is None else float(value) for value in values]


def _score_axis(axes: Any, results: Sequence[TrialResult]) -> None:
    """A logarithmic axis where the scores span more than a factor of five: beginners leave the road all the time."""
    scores = [row["score"] for result in results for row in result.rows]
    axes.set_ylabel("score (less is better)")
    if min(scores) > 0 and max(scores) > 5 * min(scores):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(ScalarFormatter())
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.grid(alpha=0.3, which="both")


def _colour(result: TrialResult, results: Sequence[TrialResult]) -> str:
    if result is results[0]:
        return BEST
    return FINISHED if result.plan.is_finished else STOPPED


def _legend(axes: Any) -> None:
    for colour, title in ((BEST, "the best"), (FINISHED, "learned all"), (STOPPED, "stopped early")):
        axes.plot([], [], color=colour, label=title)
    axes.legend(fontsize="small")
