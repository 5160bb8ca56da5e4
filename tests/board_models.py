"""Boards of drives that nobody has driven, for tests of what is made of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from training.leaderboard.board import Board, BoardDrive, DrivenModel, make_board
from training.leaderboard.rules import BoardRules
from training.leaderboard.submissions import Submission
from training.leaderboard.tasks import DriveResult, DriveTask

MADE = {
    "time": "2026-11-28T12:00:00+00:00",
    "commit": "abc",
    "commits": ["abc"],
    "hardware": "a computer",
    "computers": {"pc2": "another computer"},
    "workers": 2,
    "versions": {"python": "3.11"},
}
CLEAN = DriveResult(
    asked_m=1000.0,
    distance_m=1000.0,
    clean_m=1000.0,
    elapsed_s=150.0,
    autonomy_percent=100.0,
    off_road_events=0,
    crashes=0,
    wheels_off_events=0,
    mean_cte_m=0.25,
    max_cte_m=0.75,
    mean_speed_mph=15.0,
    reversals_per_min=10.0,
    jerk_mps3=0.0,
    worst_s=60.0,
    trace=tuple((float(n), float(n % 7), 0.3 * n, 0.3 * n) for n in range(8)),
)
BAD = replace(
    CLEAN,
    clean_m=500.0,
    autonomy_percent=50.0,
    off_road_events=2,
    trace=(*CLEAN.trace, (math.nan,) * 4, (5.0, 5.0, -3.0, 5.0)),
)

FACTS: dict[str, Any] = {
    "kind": "keras",
    "file": "model.h5",
    "file_bytes": 1_000_000,
    "sha256": "ab" * 32,
    "parameters": 1000,
    "multiply_accumulates": 2_000_000,
    "notes": ["pixels: rows=60:140"],
    "driving": "converted.tflite",
    "driving_sha256": "cd" * 32,
    "driving_bytes": 100_000,
    "milliseconds": 2.0,
    "card": None,
}


def driven_model(name: str, rules: BoardRules, drive: Callable[[DriveTask], DriveResult], **facts: Any) -> DrivenModel:
    """A model whose drives came out as `drive` says."""
    drives = tuple(BoardDrive(task, drive(task)) for task in rules.tasks(name))
    return DrivenModel(Submission(name, name, Path(name)), FACTS | {"sha256": name * 8} | facts, drives)


def board_of(rules: BoardRules, *models: DrivenModel, refused: tuple[Submission, ...] = ()) -> Board:
    """The board of these models."""
    return make_board(rules, models, refused, MADE)
