"""Fills the leaderboard's page, one file that needs neither a server nor the network.

Jinja escapes every text, because names and notes come from strangers.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from simulator.world.track import Track
from training.compare.intervals import Interval
from training.leaderboard.against import Changes
from training.leaderboard.board import Board, BoardPlace
from training.leaderboard.page.drawing import PlotPoint, RoadMap, draw_scores, draw_way
from training.leaderboard.score import FORMULA
from training.leaderboard.tasks import road_title

LEAST_COST = 0.01
"""Milliseconds or megabytes; a logarithm needs more than 0."""


def board_page(
    board: Board, tracks: Mapping[str, Track], films: Mapping[str, bytes | None], changed: Changes | None
) -> str:
    """The page as HTML. films: mp4 by a drive's key; changed: since another board."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.globals.update(number=_number, span=_span, road_title=road_title, commit_title=_commit_title)
    maps = {name: RoadMap(track, number) for number, (name, track) in enumerate(tracks.items())}
    totals = vars_of(board.rules.weights)
    return environment.get_template("page.html").render(
        board=board,
        models=[_model(place, number, maps, films) for number, place in enumerate(board.places, 1)],
        roads=len(board.rules.tracks) * len(board.rules.directions),
        symbols=Markup("").join(road.symbol() for road in maps.values()),
        plots=_plots(board),
        formula=[(name, meaning, totals[name] / sum(totals.values())) for name, meaning in FORMULA],
        changed=changed,
    )


def vars_of(weights: Any) -> dict[str, float]:
    """The weights by name."""
    return {name: getattr(weights, name) for name, _ in FORMULA}


def _model(
    place: BoardPlace, number: int, maps: Mapping[str, RoadMap], films: Mapping[str, bytes | None]
) -> dict[str, Any]:
    """What the template tells of a model."""
    model, worst = place.model, place.model.worst
    film = films.get(worst.task.key)
    return {
        "id": f"model-{number}",
        "place": place,
        "name": model.submission.name,
        "facts": model.facts,
        "figures": model.figures(),
        "drives": model.drives,
        "failures": model.failures,
        "worst": worst,
        "way": draw_way(worst.result, f"metres from the middle, {worst.title}") if worst.result.trace else None,
        "maps": [(drive, maps[drive.task.track].drive(drive.result, _of_map(drive))) for drive in model.drives],
        "film": Markup(f"data:video/mp4;base64,{base64.b64encode(film).decode('ascii')}") if film else None,
    }


def _of_map(drive: Any) -> str:
    times = drive.result.off_road_events
    return f"map of {drive.title}: {times} time{'s'[: times != 1]} off the road"


def _plots(board: Board) -> list[Markup]:
    if not board.places:
        return []
    costs = (
        ("milliseconds a frame", lambda facts: facts["milliseconds"]),
        ("megabytes of the driving file", lambda facts: facts["driving_bytes"] / 1e6),
    )
    return [
        draw_scores(
            [
                PlotPoint(place.model.submission.name, max(LEAST_COST, cost(place.model.facts)), place.standing.score)
                for place in board.places
            ],
            title,
        )
        for title, cost in costs
    ]


def _number(value: float | None, digits: int = 2) -> str:
    """A figure for the page."""
    return "–" if value is None or math.isnan(value) else f"{value:,.{digits}f}"


def _commit_title(commit: str) -> str:
    """A commit for the page, short."""
    name, changed, _ = commit.partition("-changed")
    return f"{name[:12]}{changed}" or "an unknown commit"


def _span(interval: Interval, digits: int = 1, sign: str = "") -> str:
    """An interval for the page, or nothing."""
    if math.isnan(interval.low):
        return ""
    return f"{interval.low:{sign}.{digits}f} to {interval.high:{sign}.{digits}f}"
