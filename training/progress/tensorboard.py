"""Training writes each epoch's figures as TensorBoard scalars, into an event file in the run's folder.

`tf.summary.scalar` and Keras' callback fail where TensorBoard is not installed, and training does not need it.
TensorFlow itself has both parts of the format, the TFRecord file and the `Event` message, on every backend.

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
    """Write per-epoch figures to folder/NAME.

    history: rows with `epoch` and `seconds`; started_s: time.time() when the run began.

    The file is written anew each time, and its earlier part is the same to the byte. So a TensorBoard that has read so
    far reads on, and a resumed run repeats nothing. Raises OSError.
    """
    try:
        _write(history, folder, started_s)
    except tf.errors.OpError as error:  # such as a full disk
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
