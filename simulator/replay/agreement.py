"""Compare steering with that of the human who drove, and with the baseline that always steers 0."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from protocol.arrays import Float64Array


@dataclass(frozen=True, slots=True)
class SteeringErrors:
    """Errors of steering, -1..1, against the human's.

    mae, rmse: mean absolute error and root mean squared error. bias: mean of answer minus human. correlation:
    Pearson's, nan if either is constant. All are nan if there are no rows.
    """

    mae: float
    rmse: float
    bias: float
    correlation: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """Errors of the answers over `rows` rows, and the errors that always steering 0 would have there."""

    rows: int
    answers: SteeringErrors
    always_zero: SteeringErrors

    def figures(self) -> dict[str, float]:
        """The figures under the names that model cards use."""
        return {
            "rows": float(self.rows),
            "mae": self.answers.mae,
            "rmse": self.answers.rmse,
            "correlation": self.answers.correlation,
            "bias": self.answers.bias,
            "zero_mae": self.always_zero.mae,
            "zero_rmse": self.always_zero.rmse,
        }


def agreement(answers: Float64Array, human: Float64Array) -> Agreement:
    """Compare two steering signals, (n,) each, -1..1, without nan."""
    return Agreement(answers.size, _errors(answers, human), _errors(np.zeros_like(human), human))


def _errors(answers: Float64Array, human: Float64Array) -> SteeringErrors:
    if not answers.size:
        return SteeringErrors(math.nan, math.nan, math.nan, math.nan)
    error = answers - human
    varies = answers.std() > 0 and human.std() > 0
    return SteeringErrors(
        mae=float(np.abs(error).mean()),
        rmse=float(np.sqrt(np.square(error).mean())),
        bias=float(error.mean()),
        correlation=float(np.corrcoef(answers, human)[0, 1]) if varies else math.nan,
    )
