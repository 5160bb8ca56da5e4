"""A model's steering is compared with people's, on road that it was not trained on.

Each figure stands beside that of always answering 0, which is hard to beat in mean error on mostly straight roads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from protocol.arrays import Float64Array
from simulator.replay.agreement import agreement
from training.data.crops import Paths, Pixels
from training.data.samples import HELD_OUT, MEAN_S, Drive, centred_mean

Metrics = dict[str, dict[str, float]]

Reader = Callable[[Paths], Iterator[Pixels]]
"""Reads image files: batches of uint8 (n, rows, 320, 3) of what the network sees of them."""


def predict(network: Any, paths: npt.NDArray[np.str_], read: Reader) -> Float64Array:
    """Predict steering (n,) for image files. network: a Keras model of what `read` gives."""
    answers = [np.asarray(network.predict_on_batch(batch))[:, 0] for batch in read(paths)]
    return np.concatenate(answers).astype(np.float64)


def held_out_metrics(network: Any, drives: Sequence[Drive], read: Reader, every: int = 1) -> Metrics:
    """Measure agreement on held-out centre images, row by row and between 1 s means of both signals.

    A person at a keyboard steers in bursts, which no answer to one frame can follow; 1 s means show the intention.
    Keys: `all`, each recording's name, `NAME stretch k`; each again with `, 1 s means`. read: see `predict`; every:
    measures only every n-th row.
    """
    parts: dict[str, list[_Columns]] = {}
    for drive in drives:
        selection = np.flatnonzero(drive.part == HELD_OUT)[::every]
        if not selection.size:
            continue
        answer, steering = predict(network, drive.images[selection, 0], read), drive.steering[selection]
        means = (centred_mean(signal, drive.time_s[selection], MEAN_S) for signal in (answer, steering))
        columns = _Columns(answer, steering, *means)
        stretch = drive.stretch[selection]
        for key in ("all", drive.name):
            parts.setdefault(key, []).append(columns)
        for k in np.unique(stretch):
            parts[f"{drive.name} stretch {k}"] = [_Columns(*(column[stretch == k] for column in columns))]
    metrics = {}
    for key, pieces in parts.items():
        joined = _Columns(*(np.concatenate(column) for column in zip(*pieces, strict=True)))
        metrics[key] = agreement(joined.answer, joined.steering).figures()
        metrics[f"{key}, 1 s means"] = agreement(joined.mean_answer, joined.mean_steering).figures()
    return metrics


class _Columns(NamedTuple):
    answer: Float64Array
    steering: Float64Array
    mean_answer: Float64Array
    mean_steering: Float64Array


def squared_errors(network: Any, batches: Iterable[tuple[Pixels, Any]]) -> tuple[float, float] | None:
    """Return the mean squared error of the network's answers, and that of always 0; None without a batch.

    batches: crops, uint8 (n, rows, 320, 3), and their steering, (n, 1).
    """
    errors = []
    for crops, steering in batches:
        answers = np.asarray(network.predict_on_batch(crops), np.float64)
        errors.append((np.mean((answers - steering) ** 2), np.mean(steering.astype(np.float64) ** 2)))
    if not errors:
        return None
    loss, loss_of_0 = np.mean(errors, axis=0)
    return float(loss), float(loss_of_0)
