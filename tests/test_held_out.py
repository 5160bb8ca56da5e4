"""Held-out figures are of the rows that were held out, all of them and no others."""

import numpy as np
import pytest

from training.data.samples import HELD_OUT, TRAIN, load_drives
from training.judge import held_out
from training.judge.held_out import held_out_metrics
from training.run.recipe import Recipe


def test_only_held_out_rows_are_answered_and_counted(make_recording, monkeypatch):
    """A network that is right wherever it may be asked, and off by 1 elsewhere."""
    (drive,) = load_drives([make_recording(rows=100)], Recipe(), None, seed=0)
    rows = np.flatnonzero(drive.part == HELD_OUT)
    assert 0 < len(rows) < np.sum(drive.part == TRAIN)
    answers = dict(zip(drive.images[:, 0], drive.steering + (drive.part != HELD_OUT), strict=True))
    requests = []

    def predict(network, paths, read):
        requests.extend(paths)
        return np.array([answers[path] for path in paths])

    monkeypatch.setattr(held_out, "predict", predict)
    metrics = held_out_metrics(None, [drive], lambda paths: iter(()))
    assert requests == list(drive.images[rows, 0])
    for part in ("all", drive.name):
        assert (metrics[part]["rows"], metrics[part]["mae"]) == (len(rows), 0)
        assert metrics[part]["zero_mae"] == pytest.approx(np.abs(drive.steering[rows]).mean())
