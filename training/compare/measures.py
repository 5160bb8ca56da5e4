"""Every row is measured: milliseconds on each engine, agreement with people, and driving.

The rows answer the same frames in turns, so that other work of the machine slows all of them alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from inference.engine import Engine, EngineError, open_engine
from inference.observations import Observations
from models.adapter.text import ModelSource
from models.card import Card
from protocol.arrays import Float64Array
from protocol.images import decode_image
from protocol.messages import FRAME_SHAPE
from protocol.recording import SESSION_GAP_S
from simulator.render.opening import open_scene
from simulator.world.course import judged_world
from simulator.world.drive_log import DriveReport
from simulator.world.track import Track
from training.compare.contender import Contender
from training.compare.intervals import Interval, blocks, over_blocks, over_seeds
from training.data.samples import MEAN_S, Drive, centred_mean
from training.evaluate import drive
from training.judge.timing import ROUNDS, milliseconds

ALL_ENGINES = ("litert", "onnx", "tensorflow", "keras")


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of one frame on one engine."""

    p50_ms: float
    p99_ms: float


def latencies(rows: Sequence[Contender], frames: int) -> list[dict[str, Latency]]:
    """Time `frames` frames with each row's first file; returns for each row the milliseconds by engine.

    Exported rows, .tflite and .onnx files run on one engine only. Engines that this machine does not have are left out.
    """
    frame = np.random.default_rng(0).integers(0, 256, (1, *FRAME_SHAPE), np.uint8)
    calls: dict[tuple[int, str], Callable[[], object]] = {
        (number, name): partial(engine.predict, frame)
        for number, row in enumerate(rows)
        for name in ALL_ENGINES
        if (engine := _engine(row, name)) is not None
    }
    times = milliseconds(calls, dict.fromkeys(calls, -(-frames // ROUNDS)))
    latency_by_row: list[dict[str, Latency]] = [{} for _ in rows]
    for (number, name), values in times.items():
        latency_by_row[number][name] = Latency(*map(float, np.percentile(values, (50, 99))))
    return latency_by_row


def _engine(row: Contender, name: str) -> Engine | None:
    """Open the engine; returns None where the row has no such form, or this machine no such engine."""
    if name == row.engine:
        return driving_engine(row, row.served[0])
    if name == "onnx" or row.weights != "float32":
        return None
    try:
        return open_engine(row.models[0].path, name, row.models[0].preprocess)
    except EngineError:
        return None


def driving_engine(row: Contender, file: ModelSource, threads: int | None = None) -> Engine:
    """The engine on which a row's file drives."""
    return open_engine(file.path, row.engine, file.preprocess, threads)


def agreements(rows: Sequence[Contender], tests: Sequence[Drive]) -> list[dict[str, Interval]]:
    """Measure each contender's agreement with the people who drove `tests`, on all their rows.

    Keys: `mae`, `bias`, `correlation`, and each again with ` 1 s` for means over one second. Intervals are over seeds
    where a contender has several, else over blocks of road. `always_zero` measures the same of always answering 0.
    """
    engines = [driving_engine(row, file, threads=1) for row in rows for file in row.served]
    answers = [_answers(test, engines) for test in tests]
    steering, means, block = _joined(tests)
    results, first = [], 0
    for row in rows:
        singles = []
        for number in range(first, first + row.seeds):
            own = [answer[number] for answer in answers]
            smooth = [centred_mean(signal, test.time_s, MEAN_S) for signal, test in zip(own, tests, strict=True)]
            singles.append(_agreement(np.concatenate(own), np.concatenate(smooth), steering, means, block))
        results.append(singles[0] if len(singles) == 1 else combine_seeds(singles))
        first += row.seeds
    return results


def combine_seeds(singles: Sequence[Mapping[str, Interval]]) -> dict[str, Interval]:
    """Combine the figures of several trainings into one, with intervals over seeds."""
    return {name: over_seeds([single[name].value for single in singles]) for name in singles[0]}


def from_cards(row: Contender) -> dict[str, Interval]:
    """Read from the cards the agreement on the road that each training held out; empty for exports or without cards.

    A card has no rows to resample, so a single file has no interval.
    """
    if row.weights != "float32" or not row.cards or len(row.cards) < row.seeds:
        return {}
    return combine_seeds([_of_card(card) for card in row.cards])


def _of_card(card: Card) -> dict[str, Interval]:
    intervals = {}
    for part, mark in (("all", ""), ("all, 1 s means", " 1 s")):
        figures = card.metrics.get(part, {})
        for name in ("mae", "bias", "correlation"):
            value = figures.get(name)
            intervals[f"{name}{mark}"] = Interval(math.nan if value is None else float(value))
    return intervals


def always_zero(tests: Sequence[Drive]) -> dict[str, Interval]:
    """Measure the agreement of always answering 0 on the same rows."""
    steering, means, block = _joined(tests)
    zeros = np.zeros_like(steering)
    return _agreement(zeros, zeros, steering, means, block)


def _answers(drive: Drive, engines: Sequence[Engine]) -> Float64Array:
    """Predict steering (engines, rows) for the centre images; each image is decoded once, as when driving."""
    steering = np.empty((len(engines), len(drive.steering)))
    observations = Observations()
    for number, path in enumerate(tqdm(drive.images[:, 0], desc=drive.name, unit=" frames")):
        frame = decode_image(Path(path).read_bytes())
        observations.add(frame)
        steering[:, number] = [engine.answer(observations).steering for engine in engines]
    return steering


def _joined(tests: Sequence[Drive]) -> tuple[Float64Array, Float64Array, npt.NDArray[np.intp]]:
    """Concatenate steering, its 1 s means and block numbers, (n,) each, of all recordings."""
    means = [centred_mean(drive.steering, drive.time_s, MEAN_S) for drive in tests]
    numbers: list[npt.NDArray[np.intp]] = []
    for test in tests:
        first = numbers[-1][-1] + 1 if numbers else 0
        numbers.append(first + blocks(test.time_s, SESSION_GAP_S))
    return np.concatenate([drive.steering for drive in tests]), np.concatenate(means), np.concatenate(numbers)


def _agreement(
    raw: Float64Array, smooth: Float64Array, steering: Float64Array, means: Float64Array, block: npt.NDArray[np.intp]
) -> dict[str, Interval]:
    of_means = over_blocks(smooth, means, block)
    return over_blocks(raw, steering, block) | {f"{name} 1 s": value for name, value in of_means.items()}


def drives(
    rows: Sequence[Contender], tracks: Sequence[Track], laps: float, speed_mph: float
) -> list[dict[str, list[DriveReport]]]:
    """Let each row's files drive each track; returns for each row the files' reports by track."""
    files = sum(row.seeds for row in rows)
    total_m = sum(track.length_m for track in tracks) * laps * files
    reports_by_row: list[dict[str, list[DriveReport]]] = [{} for _ in rows]
    with tqdm(total=round(total_m), unit="m", unit_scale=True, desc="driving", smoothing=0.05) as bar:
        for track in tracks:
            scene = open_scene(track)
            for reports, row in zip(reports_by_row, rows, strict=True):
                bar.set_postfix_str(f"{row.title}, {track.name}")
                reports[track.name] = []
                for file in row.served:
                    world = judged_world(track, scene, laps)
                    drive(driving_engine(row, file, threads=1), world, speed_mph, bar)
                    reports[track.name].append(world.log.report())
            scene.close()
    return reports_by_row
