"""The report of a playback: how the server's steering agreed with the human's, and how long its replies took."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulator.replay.agreement import SteeringErrors, agreement


@dataclass(frozen=True, slots=True)
class PlaybackReport:
    """Figures over `frames` telemetries, of which `unanswered` got no steering; the client measured the latencies.

    Errors are over the answered frames whose human steering is known. Without such frames they are nan, and without
    answered frames the latencies are.
    """

    frames: int
    unanswered: int
    answers: SteeringErrors
    always_zero: SteeringErrors
    latency_p50_ms: float
    latency_p99_ms: float

    def table(self) -> str:
        """The report as text for people."""
        names = ("mae", "rmse", "bias", "correlation")
        lines = [f"{'steering, -1..1':<18}" + "".join(f"{name:>13}" for name in names)]
        for title, errors in (("the server", self.answers), ("always zero", self.always_zero)):
            values = (getattr(errors, name) for name in names)
            cells = "".join(f"{'-' if math.isnan(value) else f'{value:.4f}':>13}" for value in values)
            lines.append(f"{title:<18}{cells}")
        latency = f"latency p50 {self.latency_p50_ms:.2f} ms, p99 {self.latency_p99_ms:.2f} ms"
        return "\n".join([*lines, f"{self.frames} frames, {self.unanswered} unanswered; {latency}"])


def playback_report(human: Sequence[float], answers: Sequence[float], latency_s: Sequence[float]) -> PlaybackReport:
    """Sum up a playback. latency_s: of each frame.

    human, answers: steering of each frame, -1..1, nan where it is unknown, and where there is no answer.
    """
    human_steering, server_steering = np.array(human, np.float64), np.array(answers, np.float64)
    has_answer = ~np.isnan(server_steering)
    latency_ms = np.array(latency_s, np.float64)[has_answer] * 1000
    p50, p99 = np.percentile(latency_ms, (50, 99)) if latency_ms.size else (math.nan, math.nan)
    compared = has_answer & ~np.isnan(human_steering)
    comparison = agreement(server_steering[compared], human_steering[compared])
    return PlaybackReport(
        frames=server_steering.size,
        unanswered=int(np.count_nonzero(~has_answer)),
        answers=comparison.answers,
        always_zero=comparison.always_zero,
        latency_p50_ms=float(p50),
        latency_p99_ms=float(p99),
    )
