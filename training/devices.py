"""More than one accelerator, where the backend can share a batch out among them."""

from __future__ import annotations

import keras


def use_all_devices() -> list[str]:
    """Have Keras give every device its part of each batch, from here on; returns the devices, `gpu:0` and so on.

    That is Keras' own distribution, which it offers on JAX: weights are on all devices, batch norm's means are of the
    whole batch, so a training comes to the same result as on one, to within rounding. Elsewhere one device works.
    Batches must be of a number that the devices divide.
    """
    devices: list[str] = keras.distribution.list_devices() if keras.backend.backend() == "jax" else []
    if len(devices) > 1:
        keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices, auto_shard_dataset=False))
    return devices
