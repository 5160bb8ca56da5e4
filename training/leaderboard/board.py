"""A board: the models in the order of their scores, and whatever could not be ranked, with its reason.

board.json has every figure, and board.csv a line for each submission.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from models.card import without_nan
from training.leaderboard.ranking import Standing, standings
from training.leaderboard.rules import BoardRules
from training.leaderboard.score import DrivePoints, ModelPoints, drive_points, mean_points, model_points, score
from training.leaderboard.submissions import Submission
from training.leaderboard.tasks import DriveResult, DriveTask, road_title

BOARD_FORMAT = 1
COLUMNS = (
    "rank", "name", "score", "score_low", "score_high", "rank_best", "rank_worst", "autonomy_percent",
    "off_road_events", "wheels_off_events", "distance_percent", "mean_cte_m", "jerk_mps3", "mean_speed_mph",
    "milliseconds", "driving_mb", "parameters", "sha256", "reason",
)  # fmt: skip
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so would be computed by a spreadsheet."""


@dataclass(frozen=True, slots=True)
class BoardDrive:
    """A task and what came of it."""

    task: DriveTask
    result: DriveResult

    @property
    def points(self) -> DrivePoints:
        """The drive's points."""
        return drive_points(self.result, self.task.speed_mph)

    @property
    def title(self) -> str:
        """The road, the speed and the start, for the user."""
        road = road_title(self.task.track, self.task.reverse)
        return f"{road}, {self.task.speed_mph:g} mph, start {self.task.seed}"


@dataclass(frozen=True, slots=True)
class DrivenModel:
    """A model that has driven all that the rules ask for."""

    submission: Submission
    facts: dict[str, Any]
    drives: tuple[BoardDrive, ...]

    @property
    def points(self) -> DrivePoints:
        """The mean points of its drives."""
        return mean_points([drive.points for drive in self.drives])

    @property
    def own_points(self) -> ModelPoints:
        """The points for its time and its size."""
        return model_points(self.facts["milliseconds"], self.facts["driving_bytes"])

    @property
    def worst(self) -> BoardDrive:
        """The drive with the fewest points; of several, the one farthest from the middle."""

        def quality(drive: BoardDrive) -> tuple[float, float]:
            points = drive.points
            return points.autonomy + points.distance, -drive.result.mean_cte_m

        return min(self.drives, key=quality)

    @property
    def failures(self) -> list[str]:
        """What went wrong in its drives, each reason once."""
        return list(dict.fromkeys(f"{d.title}: {d.result.failure}" for d in self.drives if d.result.failure))

    def figures(self) -> dict[str, Any]:
        """Sums and means of its drives, for the tables."""
        results = [drive.result for drive in self.drives]
        driven = [result for result in results if result.elapsed_s > 0]
        return {
            "autonomy_percent": 100 * self.points.autonomy,
            "distance_percent": 100 * self.points.distance,
            "off_road_events": sum(result.off_road_events for result in results),
            "wheels_off_events": sum(result.wheels_off_events for result in results),
            "mean_cte_m": _mean([result.mean_cte_m for result in driven]),
            "jerk_mps3": _mean([result.jerk_mps3 for result in driven]),
            "mean_speed_mph": _mean([result.mean_speed_mph for result in driven]),
        }


@dataclass(frozen=True, slots=True)
class BoardPlace:
    """A model and its standing."""

    model: DrivenModel
    standing: Standing


@dataclass(frozen=True, slots=True)
class Board:
    """places: by rank, then by name; refused: submissions that could not be opened, each with its reason.

    made: versions, hardware and time, which say where the figures come from and have no part in them.
    """

    rules: BoardRules
    places: tuple[BoardPlace, ...]
    refused: tuple[Submission, ...]
    made: dict[str, Any]


def road_scores(model: DrivenModel, rules: BoardRules) -> dict[tuple[str, bool], float]:
    """The score on each road of the rules, by track and direction."""
    roads: dict[tuple[str, bool], list[DrivePoints]] = {}
    for drive in model.drives:
        roads.setdefault(drive.task.road, []).append(drive.points)
    return {road: score(mean_points(points), model.own_points, rules.weights) for road, points in roads.items()}


def make_board(
    rules: BoardRules, models: Sequence[DrivenModel], refused: Sequence[Submission], made: dict[str, Any]
) -> Board:
    """Rank the models."""
    table = np.array([list(road_scores(model, rules).values()) for model in models])
    ranks = standings(table) if len(models) else []
    places = [BoardPlace(model, standing) for model, standing in zip(models, ranks, strict=True)]
    places.sort(key=lambda place: (place.standing.rank, place.model.submission.name.casefold()))
    return Board(rules, tuple(places), tuple(refused), made)


def board_json(board: Board) -> str:
    """Every figure of a board as JSON."""
    content = {
        "format": BOARD_FORMAT,
        "rules": asdict(board.rules),
        "rules_sha256": board.rules.sha256,
        "models": [_model_json(place, board.rules) for place in board.places],
        "refused": [{"name": submission.name, "reason": submission.refusal} for submission in board.refused],
        "made": board.made,
    }
    return json.dumps(without_nan(content), indent=1) + "\n"


def _model_json(place: BoardPlace, rules: BoardRules) -> dict[str, Any]:
    model, standing = place.model, place.standing
    return {
        "name": model.submission.name,
        "submission_sha256": model.submission.sha256,
        "rank": standing.rank,
        "rank_best": standing.best,
        "rank_worst": standing.worst,
        "score": asdict(standing.score),
        "points": {**model.points._asdict(), **asdict(model.own_points)},
        **model.figures(),
        **model.facts,
        "drives": [_drive_json(drive) for drive in model.drives],
    }


def _drive_json(drive: BoardDrive) -> dict[str, Any]:
    task = {name: value for name, value in asdict(drive.task).items() if name != "model"}
    result = {name: value for name, value in asdict(drive.result).items() if name not in ("trace", "steering")}
    return {**task, **result, "points": drive.points._asdict()}


def board_csv(board: Board) -> str:
    """A line for each submission, for a gradebook; no cell can be taken for a formula."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for place in board.places:
        writer.writerow({name: _cell(value) for name, value in _line(place).items()})
    for submission in board.refused:
        writer.writerow({"name": _cell(submission.name), "reason": _cell(submission.refusal)})
    return text.getvalue()


def _line(place: BoardPlace) -> dict[str, Any]:
    model, standing = place.model, place.standing
    figures = {name: round(value, 3) for name, value in model.figures().items()}
    return {
        **figures,
        "rank": standing.rank,
        "name": model.submission.name,
        "score": round(standing.score.value, 2),
        "score_low": round(standing.score.low, 2),
        "score_high": round(standing.score.high, 2),
        "rank_best": standing.best,
        "rank_worst": standing.worst,
        "milliseconds": model.facts["milliseconds"],
        "driving_mb": round(model.facts["driving_bytes"] / 1e6, 3),
        "parameters": model.facts["parameters"],
        "sha256": model.facts["sha256"],
        "reason": "; ".join(model.failures),
    }


def _cell(value: Any) -> Any:
    """A value of the csv: a text that a spreadsheet would compute gets an apostrophe, and nan is empty."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA_SIGNS) else value
    return "" if value is None or (isinstance(value, float) and math.isnan(value)) else value


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
