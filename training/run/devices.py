"""Training uses several accelerators where the backend can split a batch among them, and compiles no program twice."""

from __future__ import annotations

import keras

from protocol.cache_folder import cache_folder


def use_all_devices(batch: int) -> list[str]:
    """Let Keras give each device its part of every batch from now on; returns the devices' names, such as `gpu:0`.

    JAX's compiled programs are also kept for the next start.

    Keras offers this distribution on JAX only; other backends use one device. All devices hold the weights, and batch
    norm's means are those of the whole batch, so the result equals that of one device except for rounding.

    batch: images in a batch. The largest number of devices that divides it is used.
    """
    if keras.backend.backend() != "jax":
        return []
    from inference.compiled.jax_compiler import cache_programs  # noqa: PLC0415 - it imports JAX

    cache_programs(cache_folder() / "jax")
    devices: list[str] = keras.distribution.list_devices()
    while batch % len(devices):
        devices = devices[:-1]
    if len(devices) > 1:
        keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices, auto_shard_dataset=False))
    return devices
