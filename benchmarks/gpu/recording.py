"""The recording that the trainings learn: one that was carried here, or a drawn one."""

from __future__ import annotations

from pathlib import Path

from benchmarks.frames import drawn_frames
from protocol.recorder import Recorder

DRAWN_FRAMES = 60


def drawn_recording(folder: Path, rows: int) -> Path:
    """Draw a recording of so many rows with three cameras, always in a bend; its images repeat after DRAWN_FRAMES."""
    frames = drawn_frames(DRAWN_FRAMES)
    with Recorder(folder) as recorder:
        for row in range(rows):
            center, left, right = (frames[(3 * row + camera) % DRAWN_FRAMES] for camera in range(3))
            recorder.write(1.6e9 + row / 10, center, 0.3 * (-1) ** (row // 50), 0.3, 0.0, 15.0, left, right)
    return folder


def megabytes(recording: Path) -> float:
    """The size of a recording's files."""
    return sum(file.stat().st_size for file in recording.rglob("*") if file.is_file()) / 1e6
