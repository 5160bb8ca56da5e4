"""The folder for what is made once and used again: converted models, checked files, scenes of other simulators."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import platformdirs


def preferred_folder() -> Path:
    """STEERING_CACHE, else the system's cache folder of the user."""
    return Path(os.environ.get("STEERING_CACHE") or platformdirs.user_cache_path("steering-models"))


def cache_folder() -> Path:
    """The preferred folder; if it is not writable (read-only home), one among the temporary files. Raises OSError."""
    preferred = preferred_folder()
    for folder in (preferred, Path(tempfile.gettempdir()) / "steering-models"):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    raise OSError(f"no writable cache folder: neither {preferred} nor {tempfile.gettempdir()}; set STEERING_CACHE")
