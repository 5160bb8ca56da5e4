"""Opens the scenes of Udacity's tracks; what their files need is imported only then."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path

from simulator.unity.checkout import checkout_folder
from simulator.unity.unity_scene import UnityScene

SCENES = {
    "udacity-lake": "Assets/1_SelfDrivingCar/Scenes/LakeTrackAutonomous.unity",
    "udacity-jungle": "Assets/1_SelfDrivingCar/Scenes/JungleTrackAutonomous.unity",
}
"""The scenes' files by the names of their tracks."""

PACKAGE = "yaml"


def open_unity_scene(track: str, folder: str | Path | None = None) -> UnityScene:
    """The scene of `udacity-lake` or `udacity-jungle`, from the cache or newly converted, with a progress bar.

    What the checkout lacks is told on standard error, once a process.
    folder: the checkout; UDACITY_SIMULATOR names it otherwise. Raises ValueError for an unknown track, without a
    checkout, and for damaged or missing files, which the message names; OSError.
    """
    if track not in SCENES:
        raise ValueError(f"Udacity's simulator has no track {track!r}; its tracks are {' and '.join(SCENES)}")
    checkout = checkout_folder(folder)
    if importlib.util.find_spec(PACKAGE) is None:
        raise ValueError("Udacity's files need the package PyYAML: pip install -r requirements-udacity.txt")
    from simulator.unity.cache import cached_scene  # noqa: PLC0415 - other tracks do not need the package

    scene = cached_scene(checkout, SCENES[track])
    for remark in scene.remarks:
        _say(f"{track}: {remark}")
    return scene


@cache
def _say(line: str) -> None:
    """Print a line on standard error, once a process."""
    print(line, file=sys.stderr)
