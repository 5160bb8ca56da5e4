"""How a server's answers agree with the human who drove, beside the least that anybody must beat: always steering 0."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from protocol.arrays import Float64Array


@dataclass(frozen=True, slots=True)
class Errors:
    """Of steering, -1..1, against the human's. bias: mean of answer minus human; nan where there is nothing to say."""

    mae: float
    rmse: float
    bias: float
    correlation: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """Over `frames` telemetries, of which `unanswered` got no steering; latencies as the client sees them."""

    frames: int
    unanswered: int
    answers: Errors
    always_zero: Errors
    latency_p50_ms: float
    latency_p99_ms: float

    def table(self) -> str:
        """For people to read."""
        names = ("mae", "rmse", "bias", "correlation")
        lines = [f"{'steering, -1..1':<18}" + "".join(f"{name:>13}" for name in names)]
        for title, errors in (("the server", self.answers), ("always zero", self.always_zero)):
            values = (getattr(errors, name) for name in names)
            cells = "".join(f"{'-' if math.isnan(value) else f'{value:.4f}':>13}" for value in values)
            lines.append(f"{title:<18}{cells}")
        latency = f"latency p50 {self.latency_p50_ms:.2f} ms, p99 {self.latency_p99_ms:.2f} ms"
        return "\n".join([*lines, f"{self.frames} frames, {self.unanswered} unanswered; {latency}"])


def agreement(human: Sequence[float], answers: Sequence[float], latency_s: Sequence[float]) -> Agreement:
    """human, answers: steering of each frame, -1..1, nan where there was no answer; latency_s: of each answer."""
    wanted, given = np.array(human, np.float64), np.array(answers, np.float64)
    heard = ~np.isnan(given)
    latency_ms = np.array(latency_s, np.float64)[heard] * 1000
    p50, p99 = np.percentile(latency_ms, (50, 99)) if latency_ms.size else (math.nan, math.nan)
    return Agreement(
        frames=len(given),
        unanswered=int((~heard).sum()),
        answers=_errors(given[heard], wanted[heard]),
        always_zero=_errors(np.zeros(int(heard.sum())), wanted[heard]),
        latency_p50_ms=float(p50),
        latency_p99_ms=float(p99),
    )


def _errors(given: Float64Array, wanted: Float64Array) -> Errors:
    if not given.size:
        return Errors(math.nan, math.nan, math.nan, math.nan)
    error = given - wanted
    varies = given.std() > 0 and wanted.std() > 0
    return Errors(
        mae=float(np.abs(error).mean()),
        rmse=float(np.sqrt(np.square(error).mean())),
        bias=float(error.mean()),
        correlation=float(np.corrcoef(given, wanted)[0, 1]) if varies else math.nan,
    )
