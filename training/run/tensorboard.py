"""A run's progress for TensorBoard: the figures of each epoch as scalars, in an event file of the run's folder.

Without TensorBoard, which training does not need, `tf.summary.scalar` raises an error, and so does Keras' callback. But
TensorFlow has both parts of the format, the TFRecord file and the `Event` message, and they suffice on every backend.

    pip install tensorboard && tensorboard --logdir runs
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import tensorflow as tf

NAME = "events.out.tfevents.run"
VERSION = "brain.Event:2"


def write_events(history: Sequence[Mapping[str, float]], folder: Path, started_s: float) -> None:
    """Per-epoch figures, with the seconds that each took -> folder/NAME. started_s: time.time() of the run's beginning.

    Written in place and whole each time: what was there before is the same to the byte, so that a TensorBoard which has
    read so far reads on, and a run that goes on after a kill repeats nothing. Raises OSError.
    """
    try:
        _write(history, folder, started_s)
    except tf.errors.OpError as error:  # a full disk, for one
        raise OSError(str(error)) from None


def _write(history: Sequence[Mapping[str, float]], folder: Path, started_s: float) -> None:
    now_s = started_s
    with tf.io.TFRecordWriter(str(folder / NAME)) as writer:
        writer.write(tf.compat.v1.Event(wall_time=now_s, file_version=VERSION).SerializeToString())
        for row in history:
            now_s += row["seconds"]
            values = [
                tf.compat.v1.Summary.Value(tag=name, simple_value=value)
                for name, value in row.items()
                if name != "epoch" and not math.isnan(value)
            ]
            event = tf.compat.v1.Event(
                wall_time=now_s, step=int(row["epoch"]), summary=tf.compat.v1.Summary(value=values)
            )
            writer.write(event.SerializeToString())
