"""What a server did with a recording that was played to it: how it agreed with the human, and how long it took."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulator.replay.agreement import Errors, agreement


@dataclass(frozen=True, slots=True)
class PlaybackReport:
    """Over `frames` telemetries, of which `unanswered` got no steering; latencies as the client sees them.

    Errors are over the frames that were answered. Figures of which nothing is known are nan.
    """

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


def playback_report(human: Sequence[float], answers: Sequence[float], latency_s: Sequence[float]) -> PlaybackReport:
    """human, answers: steering of each frame, -1..1, nan where there was no answer; latency_s: of each answer."""
    steering, given = np.array(human, np.float64), np.array(answers, np.float64)
    answered = ~np.isnan(given)
    latency_ms = np.array(latency_s, np.float64)[answered] * 1000
    p50, p99 = np.percentile(latency_ms, (50, 99)) if latency_ms.size else (math.nan, math.nan)
    compared = agreement(given[answered], steering[answered])
    return PlaybackReport(
        frames=given.size,
        unanswered=given.size - compared.rows,
        answers=compared.answers,
        always_zero=compared.always_zero,
        latency_p50_ms=float(p50),
        latency_p99_ms=float(p99),
    )
