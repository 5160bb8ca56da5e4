"""Finished cases of a model are kept in a file, so that a command that was stopped goes on where it was."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, NamedTuple

from models.whole_files import sha256, write_whole
from training.robustness.corruption import Corruption
from training.robustness.drives import Outcome, Plan

FORMAT = 2
MAX_BYTES = 4 << 20
"""All cases of a model have some 30 kB."""


class Case(NamedTuple):
    """The name of a corruption, and what it amounts to."""

    corruption: str
    amount: float


class Records:
    """The outcomes of one model, in a file. Raises ValueError for a file of other drives, or one that is damaged."""

    def __init__(self, file: Path, model: Path, preprocess: str | None, plan: Plan) -> None:
        self._file = file
        self._settings: dict[str, Any] = {
            "format": FORMAT,
            "model_sha256": sha256(model),
            "preprocess": preprocess or "",
            "track": plan.track.name,
            "speed_mph": plan.speed_mph,
            "stretches_m": [[round(metres, 2) for metres in stretch] for stretch in plan.stretches],
            "seed": plan.seed,
            "careful": plan.careful,
        }
        self._outcomes = self._read() if file.exists() else {}

    def has(self, corruption: Corruption, strength: int) -> bool:
        """Whether a case has been driven."""
        return Case(corruption.name, corruption.amount(strength)) in self._outcomes

    def outcome(self, corruption: Corruption, strength: int) -> Outcome:
        """The outcome of a case. Raises KeyError for one that has not been driven."""
        return self._outcomes[Case(corruption.name, corruption.amount(strength))]

    def add(self, corruption: Corruption, strength: int, outcome: Outcome) -> None:
        """Keep an outcome; the file is written whole. Raises OSError."""
        self._outcomes[Case(corruption.name, corruption.amount(strength))] = outcome
        cases = [{**case._asdict(), **asdict(result)} for case, result in self._outcomes.items()]
        text = json.dumps({**self._settings, "cases": cases}, indent=1)
        write_whole(self._file, f"{text}\n".encode())

    def _read(self) -> dict[Case, Outcome]:
        try:
            content = json.loads(_text(self._file))
            if not isinstance(content, dict):
                raise TypeError("it holds no object")
            settings = {name: content.get(name) for name in self._settings}
            outcomes = {} if settings["format"] != FORMAT else dict(map(_case, content["cases"]))
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"{self._file} is damaged ({error}); delete it, or name another --out") from None
        differences = [name for name, value in self._settings.items() if settings[name] != value]
        if differences:
            raise ValueError(
                f"{self._file} keeps drives with another {', '.join(differences)}; delete it, or name another --out"
            )
        return outcomes


def _text(file: Path) -> str:
    """Raises ValueError for a file that is too large."""
    size = file.stat().st_size
    if size > MAX_BYTES:
        raise ValueError(f"{size:,} bytes where at most {MAX_BYTES:,} are expected")
    return file.read_text(encoding="utf-8")


def _case(item: dict[str, Any]) -> tuple[Case, Outcome]:
    """A case and its outcome. Raises KeyError, TypeError and ValueError for anything else."""
    figures = {field.name: _number(item, field.name) for field in fields(Outcome)}
    for name in ("off_road_events", "wheels_off_events", "stops"):
        figures[name] = int(figures[name])
    return Case(str(item["corruption"]), _number(item, "amount")), Outcome(**figures)


def _number(item: dict[str, Any], name: str) -> Any:
    value = item[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
        raise ValueError(f"{name} is {value!r}")
    return value
