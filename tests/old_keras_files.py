"""Writes model files as Keras 1 and 2 did, because Keras 3 cannot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np


def write_weights(group: Any, weights: dict[str, dict[str, np.ndarray]]) -> None:
    """As `save_weights` of Keras 1 and 2: a group a layer, and the order in fixed-length byte strings."""
    group.attrs["layer_names"] = [name.encode() for name in weights]
    for name, arrays in weights.items():
        layer = group.create_group(name)
        layer.attrs["weight_names"] = [weight.encode() for weight in arrays]
        for weight, array in arrays.items():
            layer.create_dataset(weight, data=array)


def write_model(
    path: Path, config: object, weights: dict[str, dict[str, np.ndarray]], version: str, kind: str = "Sequential"
) -> Path:
    """As `model.save` of Keras 1 and 2."""
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = version.encode()
        file.attrs["model_config"] = json.dumps({"class_name": kind, "config": config}).encode()
        file.attrs["training_config"] = b'{"loss": "a_loss_that_is_long_gone"}'
        write_weights(file.create_group("model_weights"), weights)
    return path
