"""Where TensorFlow can compile by XLA, which not every build and device can."""

from __future__ import annotations

from functools import cache

import tensorflow as tf


@cache
def has_xla() -> bool:
    """Whether a function can be compiled for the device that TensorFlow computes on."""
    try:
        tf.function(lambda x: x + 1.0, jit_compile=True)(tf.constant(0.0))
    except (tf.errors.OpError, ValueError):
        return False
    return True


def compiles_steps() -> bool:
    """Whether to compile whole training steps: on a GPU; on a CPU a network's own kernels are faster."""
    return bool(tf.config.list_physical_devices("GPU")) and has_xla()
