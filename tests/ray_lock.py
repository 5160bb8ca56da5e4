"""One test at a time has a Ray on this computer: `--ray auto` joins whatever Ray there is."""

from __future__ import annotations

import tempfile
from pathlib import Path

from filelock import FileLock


def ray_lock() -> FileLock:
    """The lock, for a `with` statement."""
    return FileLock(Path(tempfile.gettempdir()) / "steering-tests-ray.lock")
