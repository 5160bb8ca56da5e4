"""Pictures show a training's curves, its confusion matrix and its wrong answers, and compare several trainings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, NullLocator

from training.run.figures import save_figure
from training.study.datasets import Images, Labels
from training.study.results import Group

MAX_WRONG = 120
"""The page of wrong answers has at most this many images, those with the highest probabilities."""

COLUMNS = 12

DASHES = ("-", "--", ":", "-.")

LABELS = ((7, -9, "left"), (-7, 4, "right"), (0, 8, "center"))
"""A point's name stands this far to its right and above it, in points, by its line's number, so that names rarely
overlap."""


def draw_curves(history: Sequence[Mapping[str, float]], path: Path) -> None:
    """Draw loss, and the share of wrong answers on a logarithmic scale, over the epochs."""
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    loss, errors = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in history]
    for key, title in (("", "training, with dropout"), ("test_", "test")):
        loss.plot(epochs, [row[f"{key}loss"] for row in history], marker=".", label=title)
        wrong = [max(100 * (1 - row[f"{key}accuracy"]), 1e-2) for row in history]
        errors.plot(epochs, wrong, marker=".", label=title)
    loss.set(title="loss (cross-entropy)", xlabel="epoch", yscale="log")
    errors.set(title="wrong answers, %", xlabel="epoch", yscale="log")
    for axes in (loss, errors):
        mark_axes(axes)
        axes.legend(fontsize="small")
    save_figure(figure, path)


def mark_axes(axes: Any) -> None:
    """Mark whole epochs on the horizontal axis and plain numbers on the logarithmic vertical axis."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(alpha=0.3)


def draw_confusion(confusion: npt.NDArray[np.int64], classes: Sequence[str], path: Path) -> None:
    """Draw the confusion matrix; only wrong answers are coloured, because the right ones would outshine them."""
    figure = Figure(figsize=(7, 6), layout="constrained")
    axes: Any = figure.subplots()
    wrong = confusion.astype(float)
    np.fill_diagonal(wrong, np.nan)
    axes.imshow(wrong, cmap="Oranges", vmin=0)
    for (row, column), count in np.ndenumerate(confusion):
        if count:
            strong = row != column and count > 0.6 * np.nanmax(wrong)
            weight = "bold" if row == column else "normal"
            axes.text(column, row, count, ha="center", va="center", weight=weight, color="white" if strong else "black")
    axes.set(xlabel="answer", ylabel="label", xticks=range(len(classes)), yticks=range(len(classes)))
    axes.set_xticklabels(classes, rotation=45 if len(classes[0]) > 1 else 0)
    axes.set_yticklabels(classes)
    right, total = int(np.trace(confusion)), int(confusion.sum())
    axes.set_title(f"{right:,} of {total:,} right, {total - right} wrong")
    save_figure(figure, path)


def draw_wrong(
    images: Images, labels: Labels, probabilities: npt.NDArray[np.float32], classes: Sequence[str], path: Path
) -> None:
    """Draw the images answered wrongly, most probable first, with label, answer and probability."""
    answers = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(answers != labels)
    wrong = wrong[np.argsort(-probabilities[wrong, answers[wrong]], kind="stable")]
    selection = wrong[:MAX_WRONG]
    rows = max(1, -(-len(selection) // COLUMNS))
    figure = Figure(figsize=(COLUMNS * 1.1, rows * 1.35 + 0.6), layout="constrained")
    figure.suptitle(
        f"{len(wrong)} of {len(labels):,} wrong" + (", the most probable ones" if len(selection) < len(wrong) else "")
    )
    grid: Any = figure.subplots(rows, COLUMNS, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for axes, number in zip(grid.flat, selection, strict=False):
        axes.imshow(images[number].squeeze(), cmap="gray")
        answer = answers[number]
        percent = 100 * probabilities[number, answer]
        axes.set_title(f"{classes[labels[number]]}, not {classes[answer]}\n{percent:.0f} %", fontsize=7)
    save_figure(figure, path)


def draw_errors(groups: Sequence[Group], path: Path) -> None:
    """Draw wrong test answers over the epochs; colours are networks, dashes are recipes, and each seed has a line."""
    models = list(dict.fromkeys(group.model for group in groups))
    ways = list(dict.fromkeys(group.way() for group in groups))
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes: Any = figure.subplots()
    for group in sorted(groups, key=lambda group: -group.epochs):  # a longer run hides no shorter one
        look = {"color": f"C{models.index(group.model)}", "linestyle": DASHES[ways.index(group.way()) % len(DASHES)]}
        for seed, run in enumerate(group.runs):
            label = f"{group.model}, {group.way()}" if seed == 0 else None
            percent = [max(100 * error, 0.01) for error in run.test_errors]
            axes.plot(range(1, len(percent) + 1), percent, label=label, linewidth=1.2, **look)
    axes.set(xlabel="epoch", ylabel="test images answered wrongly, %", yscale="log")
    mark_axes(axes)
    axes.legend()
    save_figure(figure, path)


def draw_rivals(contests: Sequence[Sequence[Group]], path: Path) -> None:
    """Draw accuracy against cost, with a line for each recipe. contests: as `comparable_groups` returns them."""
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes: Any = figure.subplots()
    for number, contest in enumerate(contests):
        percent = [100 * group.mean_accuracy for group in contest]
        millions = [group.multiply_accumulates / 1e6 for group in contest]
        axes.plot(millions, percent, "o-", color=f"C{number}", linewidth=1.2, label=contest[0].way())
        for group, across, up in zip(contest, millions, percent, strict=True):
            right, above, align = LABELS[number % len(LABELS)]
            place = {"xytext": (right, above), "textcoords": "offset points", "ha": align}
            axes.annotate(group.model, (across, up), fontsize="x-small", color=f"C{number}", **place)
    axes.set(xlabel="million multiply-accumulates an image", ylabel="test images answered rightly, %", xscale="log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.margins(x=0.18, y=0.12)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(loc="lower right")
    save_figure(figure, path)
