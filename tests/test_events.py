"""Event files hold what TensorBoard reads, and grow without changing what was there."""

import math

import pytest
import tensorflow as tf

from training.progress.tensorboard import NAME, write_events

HISTORY = [
    {"epoch": 1, "loss": 0.5, "mae": 0.25, "seconds": 10.0},
    {"epoch": 2, "loss": 0.125, "mae": math.nan, "seconds": 12.0},
]


def read(folder):
    records = tf.data.TFRecordDataset(str(folder / NAME))
    return [tf.compat.v1.Event.FromString(record.numpy()) for record in records]


def test_each_epoch_is_a_step_with_its_figures_and_time(tmp_path):
    write_events(HISTORY, tmp_path, 1.6e9)
    first, *epochs = read(tmp_path)
    assert first.file_version == "brain.Event:2"
    assert [(event.step, event.wall_time) for event in epochs] == [(1, 1.6e9 + 10), (2, 1.6e9 + 22)]
    one, two = ({value.tag: value.simple_value for value in event.summary.value} for event in epochs)
    assert one == pytest.approx({"loss": 0.5, "mae": 0.25, "seconds": 10})
    assert set(two) == {"loss", "seconds"}, "what was not measured is left out"


def test_a_longer_history_only_adds(tmp_path):
    write_events(HISTORY[:1], tmp_path, 1.6e9)
    before = (tmp_path / NAME).read_bytes()
    write_events(HISTORY, tmp_path, 1.6e9)
    after = (tmp_path / NAME).read_bytes()
    assert after.startswith(before)
    assert len(after) > len(before)
