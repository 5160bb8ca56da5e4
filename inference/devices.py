"""Which GPU there is, and which device a library computes on."""

from __future__ import annotations

import shutil
from pathlib import Path


def nvidia_gpu() -> bool:
    """Whether there is an NVIDIA driver; the check imports no library."""
    return Path("/dev/nvidiactl").exists() or shutil.which("nvidia-smi") is not None


def tensorflow_gpus() -> list[str]:
    """The names of the GPUs that TensorFlow sees."""
    import tensorflow as tf  # noqa: PLC0415  # heavy: only when chosen

    return [
        tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name)
        for gpu in tf.config.list_physical_devices("GPU")
    ]


def keras_device(backend: str) -> str:
    """The device of Keras' backend; Keras has no common function for it."""
    if backend == "jax":
        import jax  # noqa: PLC0415

        device = jax.devices()[0]
        return "CPU" if device.platform == "cpu" else f"{device.platform.upper()} {device.device_kind}"
    if backend == "torch":
        import torch  # noqa: PLC0415

        return f"GPU {torch.cuda.get_device_name()}" if torch.cuda.is_available() else "CPU"
    gpus = tensorflow_gpus()
    return f"GPU {gpus[0]}" if gpus else "CPU"
