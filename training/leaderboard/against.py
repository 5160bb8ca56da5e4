"""What changed between two boards: two terms, or the same models after a change of the code.

Only the drives that both boards have are compared, with the weights of the newer board, whatever else the rules say.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.compare.intervals import Interval
from training.leaderboard.board import BOARD_FORMAT
from training.leaderboard.ranking import change
from training.leaderboard.rules import ScoreWeights
from training.leaderboard.score import DrivePoints, ModelPoints, mean_points, score

MAX_BOARD_BYTES = 256 << 20
COURSE = ("track", "reverse", "speed_mph", "seed", "laps")

Course = tuple[Any, ...]


class BoardError(ValueError):
    """A file that is no board."""


@dataclass(frozen=True, slots=True)
class BoardChange:
    """What changed for a model of one name. before, now: scores on the drives of both boards; None without a model.

    gain: by how much the score rose, with its interval over roads. same_file: whether both boards drove the same file.
    """

    name: str
    before: float | None
    now: float | None
    gain: Interval | None = None
    same_file: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """models: in the order of the newer board, then those that are gone. notes: what else differs, for the user."""

    models: tuple[BoardChange, ...]
    notes: tuple[str, ...]


def read_board(file: Path) -> dict[str, Any]:
    """Read a board.json. Raises BoardError, OSError."""
    if file.is_dir():
        file = file / "board.json"
    if file.stat().st_size > MAX_BOARD_BYTES:
        raise BoardError(f"{file} is larger than {MAX_BOARD_BYTES:,} bytes; it is no board")
    try:
        content = json.loads(file.read_bytes())
        if content["format"] != BOARD_FORMAT:
            raise BoardError(f"{file} has format {content['format']!r}; this version reads {BOARD_FORMAT}")
        for model in content["models"]:
            _points(model)
            _own(model)
            str(model["name"]), str(model["sha256"])
        dict(content["made"])
    except BoardError:
        raise
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise BoardError(f"{file} is no board of this command ({type(error).__name__}: {error})") from None
    return dict(content)


def changes(before: dict[str, Any], now: dict[str, Any], weights: ScoreWeights) -> Changes:
    """Compare two boards, as `read_board` gives them."""
    old = {model["name"]: model for model in before["models"]}
    new = {model["name"]: model for model in now["models"]}
    models = [_compared(name, old.get(name), model, weights) for name, model in new.items()]
    models += [_compared(name, model, None, weights) for name, model in old.items() if name not in new]
    return Changes(tuple(models), tuple(_notes(before, now)))


def _compared(
    name: str, before: dict[str, Any] | None, now: dict[str, Any] | None, weights: ScoreWeights
) -> BoardChange:
    if before is None or now is None:
        scores = [_score(list(_points(model).values()), model, weights) for model in (before, now) if model]
        return BoardChange(name, scores[0] if before else None, scores[0] if now else None)
    old, new = _points(before), _points(now)
    common = [course for course in new if course in old]
    same = before["sha256"] == now["sha256"]
    if not common:
        return BoardChange(name, None, None, same_file=same)
    roads = list(dict.fromkeys(course[:2] for course in common))
    pairs = [
        [
            _score([points[course] for course in common if course[:2] == road], model, weights)
            for points, model in ((old, before), (new, now))
        ]
        for road in roads
    ]
    gain = change([later - earlier for earlier, later in pairs])
    earlier, later = (sum(column) / len(pairs) for column in zip(*pairs, strict=True))
    return BoardChange(name, earlier, later, gain, same)


def _notes(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    notes = []
    names = sorted(set(before["rules"]) | set(now["rules"]))
    if differences := [name for name in names if before["rules"].get(name) != now["rules"].get(name)]:
        notes.append(
            f"The rules differ in {', '.join(differences)}: only drives of both boards count, by the newer weights."
        )
    notes += [
        f"The older board was made with {name} {before['made'].get(name)}, the newer with {now['made'].get(name)}."
        for name in ("commit", "hardware")
        if before["made"].get(name) != now["made"].get(name)
    ]
    return notes


def _points(model: dict[str, Any]) -> dict[Course, DrivePoints]:
    """The points of each drive, by its course."""
    return {
        tuple(drive[name] for name in COURSE): DrivePoints(
            **{name: float(value) for name, value in drive["points"].items()}
        )
        for drive in model["drives"]
    }


def _own(model: dict[str, Any]) -> ModelPoints:
    return ModelPoints(float(model["points"]["latency"]), float(model["points"]["size"]))


def _score(points: list[DrivePoints], model: dict[str, Any], weights: ScoreWeights) -> float:
    return score(mean_points(points), _own(model), weights)


def changes_text(result: Changes) -> str:
    """The changes as a table for a terminal."""
    lines = [f"{'model':<40}{'before':>8}{'now':>8}{'change':>9}  95 % interval"]
    for row in result.models:
        gain = row.gain
        shown = f"{gain.value:>+9.2f}  [{gain.low:+.2f}, {gain.high:+.2f}]" if gain else f"{'-':>9}"
        remark = "" if gain is None or row.same_file else "  another file"
        lines.append(f"{row.name:<40}{_number(row.before):>8}{_number(row.now):>8}{shown}{remark}")
    return "\n".join([*lines, *result.notes])


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
