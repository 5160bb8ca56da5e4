"""What came of a search: the trials in order, the recipe of the best one, and a card that says how it came about."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from models.whole_files import write_whole
from training.commit import git_commit
from training.recipe_values import NONE
from training.search.plan import PlannedTrial, Row
from training.search.score import DISAGREEMENT_M, OFF_ROAD_M
from training.search.space import Space

FORMAT = 1
BEST = 5
"""The card and the terminal give the figures of so many trials; the card also lists all."""


@dataclass(frozen=True, slots=True)
class TrialResult:
    """plan: what was trained; rows: what is known after each epoch, at least one."""

    plan: PlannedTrial
    rows: Sequence[Row]

    @property
    def last(self) -> Row:
        """What is known after the last epoch."""
        return self.rows[-1]

    @property
    def state(self) -> str:
        """How the trial ended, for people."""
        if self.plan.is_finished:
            return "learned all"
        return "stopped early" if self.plan.is_stopped else self.plan.failure() or "not finished"

    def facts(self) -> dict[str, Any]:
        """The result as plain values, for the card."""
        return {
            "trial": self.plan.number,
            "seed": self.plan.settings["seed"],
            "values": dict(self.plan.values),
            "state": self.state,
            **{name: round(value, 4) for name, value in self.last.items() if name != "seconds"},
            "seconds": round(sum(row["seconds"] for row in self.rows)),
            "scores": [round(row["score"], 4) for row in self.rows],
        }


def ranked(plans: Sequence[PlannedTrial]) -> list[TrialResult]:
    """The trials that have a score, the best first: those that learned all their epochs before those that did not."""
    results = [TrialResult(plan, rows) for plan in plans if (rows := plan.rows())]
    return sorted(results, key=lambda result: (not result.plan.is_finished, result.last["score"], result.plan.number))


def write_best(space: Space, results: Sequence[TrialResult], folder: Path) -> Path:
    """Write the best trial's recipe as best.toml and return this file. Raises OSError."""
    best = results[0]
    file = folder / "best.toml"
    recipe = space.recipe_file(best.plan.values).text()
    head = f"# The best of {len(results)} trials: score {best.last['score']:.3f}, {best.state}. best.json tells more.\n"
    write_whole(file, (head + recipe).encode())
    return file


def write_card(
    space: Space, plans: Sequence[PlannedTrial], results: Sequence[TrialResult], data: Mapping[str, Any], file: Path
) -> None:
    """Write the card. data: what all trials learned from and were judged by, and Ray's version, as plain values.

    Raises OSError.
    """
    facts = [result.facts() for result in results]
    card = {
        "format": FORMAT,
        "space": space.text,
        **data,
        "score": f"offset_m + {OFF_ROAD_M:g} * off_road_per_km + {DISAGREEMENT_M:g} * (1 - correlation)",
        "trials": len(plans),
        "learned_all": sum(result.plan.is_finished for result in results),
        "stopped_early": sum(result.plan.is_stopped for result in results),
        "failed": {str(plan.number): plan.failure() for plan in plans if plan.failure()},
        "best": facts[:BEST],
        "all": sorted(facts, key=lambda fact: fact["trial"]),
        "versions": {"python": platform.python_version(), "keras": version("keras")},
        "commit": git_commit(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    write_whole(file, json.dumps(card, indent=2).encode())


def table(results: Sequence[TrialResult]) -> str:
    """The best trials for a terminal."""
    lines = [f"{'trial':>5} {'seed':>5} {'score':>7} {'m':>6} {'off/km':>7} {'corr.':>6} {'images':>9}  values"]
    for result in results[:BEST]:
        last, plan = result.last, result.plan
        values = ", ".join(f"{name} {value_text(value)}" for name, value in plan.values.items())
        state = "" if plan.is_finished else f" ({result.state})"
        lines.append(
            f"{plan.number:5} {plan.settings['seed']:5} {last['score']:7.3f} {last['offset_m']:6.2f}"
            f" {last['off_road_per_km']:7.2f} {last['correlation']:6.2f} {last['images']:9,.0f}  {values}{state}"
        )
    return "\n".join(lines)


def value_text(value: Any) -> str:
    """A searched value for people."""
    if value is None:
        return NONE
    return f"{value:g}" if isinstance(value, float) else json.dumps(value) if isinstance(value, tuple) else str(value)
