"""Which network is worth its cost: those that were trained alike beside one another, and who beats whom at no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from models.classifiers import TASKS
from models.cost import cost
from training.figures import save_figure
from training.study.results import Group

LABELS = ((7, -9, "left"), (-7, 4, "right"), (0, 8, "center"))
"""Where a point's name stands, in points to its right and above, by the number of its contest: they rarely overlap."""


@dataclass(frozen=True, slots=True)
class Contest:
    """Networks of one task, trained by one recipe with one optimizer for as many epochs; the cheapest first.

    spent: multiply-accumulates of one image, of each group.
    """

    groups: tuple[Group, ...]
    spent: tuple[int, ...]

    def name(self) -> str:
        """How all were trained."""
        return self.groups[0].way()

    def has(self, *models: str) -> bool:
        """Whether all of them take part."""
        return set(models) <= {group.model for group in self.groups}

    def __getitem__(self, model: str) -> tuple[Group, int]:
        """A network's group, and what it spends. Raises KeyError for one that takes no part."""
        pairs = zip(self.groups, self.spent, strict=True)
        return {group.model: (group, spent) for group, spent in pairs}[model]

    def beaten_by(self, number: int) -> list[str]:
        """The models that answer more test images rightly than this one and multiply no more often."""
        accuracy = self.groups[number].mean_accuracy
        pairs = zip(self.groups, self.spent, strict=True)
        return [g.model for g, spent in pairs if spent <= self.spent[number] and g.mean_accuracy > accuracy]


def contests(groups: Sequence[Group]) -> list[Contest]:
    """Every set of two or more networks of which only the network differs, the largest set first."""
    found: dict[str, list[Group]] = {}
    for group in groups:
        found.setdefault(group.way(), []).append(group)
    alike = []
    for each in found.values():
        ranked = sorted((_spent(group), group.model, group) for group in each)
        if len(ranked) > 1:
            alike.append(Contest(tuple(group for _, _, group in ranked), tuple(spent for spent, _, _ in ranked)))
    return sorted(alike, key=lambda contest: -len(contest.groups))


def _spent(group: Group) -> int:
    return cost(TASKS[group.task].networks[group.model]()).multiply_accumulates


def contest_rows(contest: Contest) -> list[str]:
    """A line for each network, its cells set apart by ` | `: how it was trained, network, cost, accuracy, beaten by."""
    rows = []
    for number, (group, spent) in enumerate(zip(contest.groups, contest.spent, strict=True)):
        beaten = ", ".join(f"`{model}`" for model in contest.beaten_by(number)) or "none"
        cells = contest.name(), f"`{group.model}`", f"{spent / 1e6:.2f}", str(len(group.runs)), group.accuracy(), beaten
        rows.append(" | ".join(cells))
    return rows


def draw_contests(found: Sequence[Contest], path: Path) -> None:
    """Accuracy against cost, a line for each way of training."""
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes: Any = figure.subplots()
    for number, contest in enumerate(found):
        percent = [100 * group.mean_accuracy for group in contest.groups]
        millions = [spent / 1e6 for spent in contest.spent]
        axes.plot(millions, percent, "o-", color=f"C{number}", linewidth=1.2, label=contest.name())
        for group, across, up in zip(contest.groups, millions, percent, strict=True):
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
