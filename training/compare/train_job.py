"""A process of the pool trains one network with one seed in a run folder; it takes and returns plain values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from protocol.cache_folder import cache_folder
from training.run.backend import take_backend


def train_job(argument: dict[str, Any]) -> dict[str, Any]:
    """Train, or resume what the folder contains. Raises ValueError, RuntimeError, OSError.

    argument: `arguments` of `python -m training`; `folder`, the run's; `name`, of the model file in it; `library`, the
    backend of Keras, None for what suits the computer; `crops`, the folder for decoded images, None for the cache.
    `home`: the folder's path for the user. Returns nothing but the folder.
    """
    take_backend(argument["library"])  # the comparison itself has another
    from training.__main__ import parse, training_settings  # noqa: PLC0415 - Keras comes after its backend
    from training.progress.progress import moved_page  # noqa: PLC0415
    from training.run.train import train  # noqa: PLC0415

    folder = Path(argument["folder"])
    crops = Path(argument["crops"]) if argument["crops"] else cache_folder() / "crops"
    train(training_settings(parse(argument["arguments"])), folder, folder / argument["name"], crops)
    moved_page(folder, argument["home"])
    return {}
