"""The trainings of a curve: each is a run folder with a model file, which is not trained again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from inference.engine import open_engine
from models.card import Card, CardError, describes, read_card
from models.convert import ConversionError, convert
from models.cost import cost
from models.steering import BUILDERS
from protocol.messages import FRAME_SHAPE
from training.__main__ import announce
from training.curves.measures import seed_of
from training.curves.plans import Point
from training.curves.report import CurveRow
from training.judge.timing import milliseconds
from training.run.run import TrainingSettings, read_settings
from training.run.run_folder import RunError
from training.run.train import train
from training.shipped.data import ShippedData

TIMED_FRAMES = 40
"""So many frames are timed in each round."""


def train_missing(points: Sequence[Point], seeds: int, data: ShippedData, runs: Path) -> None:
    """Train all points with the first seed, then with the second, ...; finished trainings are left as they are.

    Raises RunError for a run folder with other settings, or one that another process trains in.
    """
    for seed in range(1, seeds + 1):
        for point in points:
            settings, out = data.settings(point.model, seed, point.recipe), _model_file(runs, point, seed)
            if _finished(out, settings) is None:
                announce(out.parent)
                train(settings, out.parent, out, runs / "crops")


def rows(points: Sequence[Point], runs: Path) -> list[CurveRow]:
    """The rows of all points with a finished training. Points without a position also get their networks' cost.

    Raises ValueError where no training is finished.
    """
    cards = {point.name: _cards(point, runs) for point in points}
    finished_points = [point for point in points if cards[point.name]]
    if not finished_points:
        raise ValueError("no training of this curve is finished")
    costs = _costs([point for point in finished_points if point.position is None], runs)
    return [
        CurveRow(
            point.name,
            float(cards[point.name][0].parameters if point.position is None else point.position),
            costs.get(point.name, {}),
            [seed_of(card) for card in cards[point.name]],
        )
        for point in finished_points
    ]


def _model_file(runs: Path, point: Point, seed: int) -> Path:
    return runs / "curves" / f"{point.name}-seed{seed}" / f"{point.name}.h5"


def _finished(out: Path, settings: TrainingSettings | None) -> Card | None:
    """The card of a finished training, of these settings if they are named; None where there is none."""
    try:
        card = read_card(out)
        is_same = settings is None or read_settings(out.parent).as_json() == settings.as_json()
        return card if is_same and describes(card, out) else None
    except (CardError, RunError, OSError):
        return None


def _cards(point: Point, runs: Path) -> list[Card]:
    return [card for card in (_finished(file, None) for file in _model_files(point, runs)) if card]


def _model_files(point: Point, runs: Path) -> list[Path]:
    return sorted((runs / "curves").glob(f"{point.name}-seed*/{point.name}.h5"))


def _costs(points: Sequence[Point], runs: Path) -> dict[str, dict[str, str]]:
    """Parameters, multiply-accumulates, milliseconds and file sizes of each point's network, by titles, as text."""
    calls: dict[str, Callable[[], object]] = {}
    sizes: dict[str, list[str]] = {}
    frame = np.random.default_rng(0).integers(0, 256, (1, *FRAME_SHAPE), np.uint8)
    for point in points:
        model = _model_files(point, runs)[0]
        sizes[point.name] = [_converted_kb(model, weights) for weights in ("float32", "int8")]
        calls[point.name] = partial(open_engine(_converted(model, "float32"), threads=1).predict, frame)
    times = milliseconds(calls, dict.fromkeys(calls, TIMED_FRAMES))
    return {point.name: _cost(point, times[point.name], sizes[point.name]) for point in points}


def _cost(point: Point, times_ms: Sequence[float], sizes_kb: Sequence[str]) -> dict[str, str]:
    counts = cost(BUILDERS[point.model]())
    p50_ms, p99_ms = np.percentile(times_ms, (50, 99))
    return {
        "parameters": f"{counts.parameters:,}",
        "M mult-acc": f"{counts.multiply_accumulates / 1e6:.1f}",
        "LiteRT ms": f"{p50_ms:.2f} ({p99_ms:.2f})",
        "kB": sizes_kb[0],
        "kB, int8": sizes_kb[1],
    }


def _converted(model: Path, weights: str) -> Path:
    return model.with_name(f"{model.stem}-{weights}.tflite")


def _converted_kb(model: Path, weights: str) -> str:
    """Convert a model and return the new file's size; "-" where the weights' format changes its answers too much."""
    try:
        convert(model, _converted(model, weights), None, weights)
    except ConversionError:
        return "-"
    return f"{_converted(model, weights).stat().st_size / 1000:.0f}"
