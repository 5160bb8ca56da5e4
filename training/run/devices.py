"""More than one accelerator, where the backend can share a batch out among them."""

from __future__ import annotations

import keras


def use_all_devices(batch: int) -> list[str]:
    """Have Keras give each device its part of every batch, from here on; returns the devices, `gpu:0` and so on.

    That is Keras' own distribution, which it offers on JAX: weights are on all devices, batch norm's means are of the
    whole batch, so a training comes to the same result as on one, to within rounding. Elsewhere one device works.

    batch: images in one; of three devices two work where three do not divide it.
    """
    if keras.backend.backend() != "jax":
        return []
    devices: list[str] = keras.distribution.list_devices()
    while batch % len(devices):
        devices = devices[:-1]
    if len(devices) > 1:
        keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices, auto_shard_dataset=False))
    return devices
