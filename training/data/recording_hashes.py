"""A recording on another computer is the same one if its log and its rules have the same hashes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from protocol.exclusions import RULES_NAME
from protocol.logs.files import find_recording
from training.jobs.ray_files import hashes


def recording_hashes(recordings: Iterable[Path]) -> dict[str, str]:
    """The SHA-256 of each recording's log and of its exclude.txt, "" where it has none, by their paths.

    Raises RecordingError for what is no recording.
    """
    files: list[Path] = []
    for place in map(find_recording, recordings):
        files += [place.log] if place.log else []
        files.append(place.folder / RULES_NAME)
    return hashes([str(file.resolve()) for file in files])
