"""The report says which corruption costs a model how much, as a table for people (Markdown)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from training.robustness.catalogue import CLEAN
from training.robustness.corruption import Corruption
from training.robustness.drives import Outcome, Plan

Outcomes = Mapping[tuple[str, int], Outcome]
"""What a model did, by the corruption's name and the strength; the strength of CLEAN is 1."""


MAIN_STRENGTH = 3
"""Models are compared at this one."""


@dataclass(frozen=True, slots=True)
class RobustnessReport:
    """outcomes: of each model by its name; strengths: rising, without repetition."""

    plan: Plan
    corruptions: Sequence[Corruption]
    strengths: Sequence[int]
    outcomes: Mapping[str, Outcomes]

    @property
    def strength(self) -> int:
        """The strength of the table: MAIN_STRENGTH, or the highest if that was not driven."""
        return MAIN_STRENGTH if MAIN_STRENGTH in self.strengths else self.strengths[-1]

    def by_harm(self) -> list[Corruption]:
        """The corruptions by autonomy at that strength, least first, then by the distance from the middle."""

        def harm(corruption: Corruption) -> tuple[float, float]:
            cases = [outcomes[corruption.name, self.strength] for outcomes in self.outcomes.values()]
            return (
                float(np.mean([case.autonomy_percent for case in cases])),
                -float(np.mean([case.mean_cte_m for case in cases])),
            )

        return sorted(self.corruptions, key=harm)

    def mean_autonomy(self, model: str, strength: int) -> float:
        """The mean over all corruptions, in percent."""
        outcomes = self.outcomes[model]
        return float(np.mean([outcomes[c.name, strength].autonomy_percent for c in self.corruptions]))


def markdown(report: RobustnessReport) -> str:
    """All tables, and what was driven."""
    plan = report.plan
    places = ", ".join(f"{stretch.start_m:.0f}" for stretch in plan.stretches)
    lines = [
        f"Each model drove {len(plan.stretches)} x {plan.stretches[0].length_m:.0f} m of `{plan.track.name}` at "
        f"{plan.speed_mph:g} mph under each corruption, from {places} m on the lap. A cell has the autonomy, how often "
        f"the car left the road, and the mean distance from the middle. The most harmful corruption comes first.",
        *(_CAREFUL if plan.careful else ()),
        "",
        _table(_harm_rows(report)),
    ]
    if len(report.strengths) > 1:
        lines += ["", "Mean autonomy over all corruptions at each strength:", "", _table(_strength_rows(report))]
    return "\n".join(lines) + "\n"


def _harm_rows(report: RobustnessReport) -> list[list[str]]:
    strength, models = report.strength, report.outcomes
    rows = [["corruption", f"strength {strength}", *models]]
    for corruption in report.by_harm():
        cells = [_cell(outcomes[corruption.name, strength]) for outcomes in models.values()]
        rows.append([corruption.name, corruption.described(strength), *cells])
    means = [f"**{report.mean_autonomy(model, strength):.1f} %**" for model in models]
    rows.append([f"**mean of {len(report.corruptions)}**", "", *means])
    rows.append([CLEAN.name, CLEAN.unit, *(_cell(outcomes[CLEAN.name, 1]) for outcomes in models.values())])
    return rows


def _strength_rows(report: RobustnessReport) -> list[list[str]]:
    rows = [["strength", *report.outcomes]]
    rows += [
        [str(strength), *(f"{report.mean_autonomy(model, strength):.1f} %" for model in report.outcomes)]
        for strength in report.strengths
    ]
    return rows


_CAREFUL = (
    "The car drove carefully: the cell also has how often it stopped, because the model did not know the view, and how "
    "many metres it drove in all.",
)


def _cell(outcome: Outcome) -> str:
    stops = f", {outcome.stops} stops, {outcome.distance_m:.0f} m" if outcome.stops else ""
    return f"{outcome.autonomy_percent:.0f} %, {outcome.off_road_events}, {outcome.mean_cte_m:.2f} m{stops}"


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = rows
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *body])
