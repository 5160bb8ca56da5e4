"""Which cores and which GPU there are, which library can use it, and which device a library computes on."""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil
import sys
from pathlib import Path

GPU_LIBRARIES = ("jax", "tensorflow", "torch")
"""Keras' backends, the fastest on a GPU first (docs/benchmarks.md)."""

CONTAINER_QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""Linux, in a container with a limit of processor time: microseconds that it may run, and of which period."""


def available_cores() -> int:
    """The cores that this process may use, and in a container no more than its limit of processor time, rounded up."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota_us, period_us = CONTAINER_QUOTA.read_text().split()
        return min(cores, max(1, -(-int(quota_us) // int(period_us))))
    except (OSError, ValueError):  # there is no limit: no such file, or the quota is "max"
        return cores


def nvidia_gpu() -> bool:
    """Whether there is an NVIDIA driver; the check imports no library."""
    return Path("/dev/nvidiactl").exists() or shutil.which("nvidia-smi") is not None


def gpu_library() -> str | None:
    """The first of GPU_LIBRARIES that is installed and sees a GPU, or None. It imports them until then."""
    decided = backend_in_use() or os.environ.get("KERAS_BACKEND")
    candidates = GPU_LIBRARIES if decided is None else (decided,)
    return next((name for name in candidates if importlib.util.find_spec(name) and device_of(name) != "CPU"), None)


def backend_in_use() -> str | None:
    """The backend on which Keras already runs in this process; it cannot be changed any more."""
    keras = sys.modules.get("keras")
    return None if keras is None else str(keras.backend.backend())


def device_of(library: str) -> str:
    """The device on which one of GPU_LIBRARIES computes: `CPU`, or the name of a GPU. The GPU's memory is left free."""
    if library == "jax":
        return _jax_device()
    if library == "torch":
        import torch  # noqa: PLC0415  # heavy: only when chosen

        return f"GPU {torch.cuda.get_device_name()}" if torch.cuda.is_available() else "CPU"
    gpus = _tensorflow_gpus()
    return f"GPU {gpus[0]}" if gpus else "CPU"


def _jax_device() -> str:
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # else JAX takes three quarters of the card
    import jax  # noqa: PLC0415  # heavy, and it reads the variable

    logging.getLogger("jax").setLevel(logging.WARNING)  # else it tells which other devices it has not found
    device = jax.devices()[0]
    return "CPU" if device.platform == "cpu" else f"{device.platform.upper()} {device.device_kind}"


def _tensorflow_gpus() -> list[str]:
    import tensorflow as tf  # noqa: PLC0415  # heavy: only when chosen

    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    return [tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in gpus]
