"""Drivers whose worth is known beforehand, to judge the judge: the human, the careless, and a model made worse."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from protocol.messages import Control
from server.driver import Policy
from simulator.car import STEP_S
from simulator.human_line import HumanLine
from simulator.replay import ReplayWorld
from training.evaluate import FRAME_S

Floats = npt.NDArray[np.float64]

HOME_PER_M, HOME_PER_RAD = 0.15, 1.5
"""How a person steers back: for each metre off the line and each radian across it."""

DRIFT_S = 0.5
"""Within which a person's error fades."""

BEND_WINDOW_M, BEND_RAD_PER_M = 10.0, 1 / 200
LEAST_TURN_RAD = 0.45
"""26 degrees: of a bend in which going straight on leads a metre off the line, for any radius from 10 m."""


class Zero:
    """Never steers."""

    step_s = FRAME_S

    def steering(self, world: ReplayWorld) -> float:
        """Straight on."""
        return 0.0


class Random:
    """Steers anywhere, anew each frame."""

    step_s = FRAME_S

    def __init__(self, seed: int = 0) -> None:
        self._generator = np.random.default_rng(seed)

    def steering(self, world: ReplayWorld) -> float:
        """-1..1."""
        return float(self._generator.uniform(-1, 1))


class NoisyHuman:
    """The recorded steering with an error that drifts, and a person's steering home. noise: its standard deviation."""

    step_s = FRAME_S

    def __init__(self, noise: float, seed: int = 0) -> None:
        self._noise = noise
        self._generator = np.random.default_rng(seed)
        self._error = 0.0

    def steering(self, world: ReplayWorld) -> float:
        """-1..1; a car to the left of the line, or turned left, is steered right."""
        kept = math.exp(-FRAME_S / DRIFT_S)
        self._error = kept * self._error + math.sqrt(1 - kept**2) * float(self._generator.normal(0, self._noise))
        home = HOME_PER_M * world.place.offset_m + HOME_PER_RAD * world.turned_rad
        return min(1.0, max(-1.0, world.human_steering + self._error + home))


class Human:
    """The recorded steering and nothing else, at each step of the car."""

    step_s = STEP_S

    def steering(self, world: ReplayWorld) -> float:
        """-1..1."""
        return world.human_steering


StandIn = Zero | Random | NoisyHuman | Human


def drive_stand_in(driver: StandIn, world: ReplayWorld) -> None:
    """To the end; nobody looks at the frames."""
    while not world.finished:
        world.apply(Control(driver.steering(world), 0.0))
        world.step(driver.step_s)


@dataclass
class Weakened:
    """A model whose answers are scaled, biased, noisy and late by `frames_late` frames; a Policy like any other."""

    name: str
    policy: Policy
    scale: float = 1.0
    bias: float = 0.0
    noise: float = 0.0
    frames_late: int = 0
    generator: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def __post_init__(self) -> None:
        self._underway: deque[float] = deque([0.0] * self.frames_late)

    def predict(self, frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """uint8 (1, 160, 320, 3) -> float32 (1,)."""
        answer = float(self.policy.predict(frames)[0]) * self.scale + self.bias
        self._underway.append(answer + float(self.generator.normal(0, self.noise)))
        return np.array([self._underway.popleft()], np.float32)


def bends(line: HumanLine) -> list[tuple[float, float]]:
    """Where each bend of the line begins and ends, in metres along the recording."""
    found: list[tuple[float, float]] = []
    before_m = 0.0
    half = round(BEND_WINDOW_M / 2)
    for stretch in line.stretches:
        metres = np.arange(0.0, stretch.length_m, 1.0)
        heading = np.interp(metres, stretch.distance_m, np.unwrap(stretch.heading_rad))
        bend = np.zeros(metres.size)
        bend[half:-half] = (heading[2 * half :] - heading[: -2 * half]) / BEND_WINDOW_M
        sense = np.sign(bend) * (np.abs(bend) > BEND_RAD_PER_M)
        pieces = np.split(np.arange(metres.size), np.flatnonzero(np.diff(sense)) + 1)
        found += [
            (before_m + float(metres[piece[0]]), before_m + float(metres[piece[-1]]))
            for piece in pieces
            if sense[piece[0]] and abs(heading[piece[-1]] - heading[piece[0]]) >= LEAST_TURN_RAD
        ]
        before_m += stretch.length_m
    return found


def failed_bends(where: list[tuple[float, float]], put_back_at_m: tuple[float, ...]) -> int:
    """In how many of the bends, or just behind them, the car was put back."""
    return sum(any(first <= m <= end + BEND_WINDOW_M for m in put_back_at_m) for first, end in where)


def rank_correlation(one: Floats, other: Floats) -> float:
    """Spearman's, ties at their mean rank; nan where either is constant."""
    ranks = [_ranks(values) for values in (one, other)]
    if any(np.ptp(rank) == 0 for rank in ranks):
        return math.nan
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _ranks(values: Floats) -> Floats:
    below = (values[:, None] > values).sum(1)
    return np.asarray(below + ((values[:, None] == values).sum(1) - 1) / 2, np.float64)
