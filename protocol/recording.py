"""Reads recordings: `driving_log.csv` in any dialect, and the images in `IMG/`. `protocol.recorder` writes them.

Udacity's simulator, the server and the built-in simulator write this format; training, evaluation and the film maker
read it. This module detects and names every fault of a recording, and applies its owner's `protocol.exclusions`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from protocol.errors import RecordingError
from protocol.exclusions import RULES_NAME, RuleError, read_rules
from protocol.logs.columns import CAMERAS
from protocol.logs.dialect import LogDialect, sniff_dialect
from protocol.logs.files import (
    IMAGE_FOLDER,
    LOG_NAME,
    ImageFiles,
    RecordingPlace,
    file_name_time_s,
    find_recording,
    read_lines,
)
from protocol.logs.row import Row, RowError, parse_row
from protocol.logs.stale import shows_first_view

SESSION_GAP_S = 1.5
"""A longer gap between two frames begins a new session: the driver stopped the recording and began another."""

ROW_S = 0.1
"""Assumed interval of rows whose image names carry no time."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of one row. kind: `format`, `missing`, `broken`, `duplicate` or `stale`; row: its line, from 1.

    camera: the camera whose image is missing or broken, else "". A row without a side camera's image is used.
    """

    kind: str
    row: int
    detail: str
    camera: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """One moment of a drive. steering -1..1 (positive right), throttle and brake 0..1, speed in miles an hour.

    The four numbers are nan where only images were recorded, which only `read_frames` accepts.
    center, left, right: image files; left and right are None where the recording has none.
    time_s: seconds of the recording computer's clock, from the file name; nan when the name carries no time.
    session: 0, 1, ...; row: line of the csv, from 1, or the number of the image where there is no csv.
    """

    center: Path
    left: Path | None
    right: Path | None
    steering: float
    throttle: float
    brake: float
    speed_mph: float
    time_s: float
    session: int
    row: int


@dataclass(frozen=True, slots=True)
class Recording:
    """The usable samples of a recording, in order, and all its faults.

    excluded: number of rows that the folder's rules exclude; start_s: time of the first row, excluded or not, as
    Sample.time_s; log_rows: number of rows in the log, usable or not. dialect: how the log is written, in words.
    notes: a line for each unusual way in which log and images were found and read.
    """

    folder: Path
    samples: tuple[Sample, ...]
    problems: tuple[Problem, ...]
    excluded: int = 0
    start_s: float = math.nan
    log_rows: int = 0
    dialect: str = ""
    notes: tuple[str, ...] = ()

    def summary(self) -> str:
        """Counts of rows, sessions and faults by kind, with the first fault of each kind, and a line for each note."""
        first: dict[str, tuple[int, Problem]] = {}
        for problem in self.problems:
            kind = f"{problem.kind} {problem.camera} image" if problem.camera else problem.kind
            count, example = first.get(kind, (0, problem))
            first[kind] = (count + 1, example)
        sessions = len({s.session for s in self.samples})
        faults = "".join(
            f"; {n} {kind}{'s'[: p.camera != '' and n > 1]} (row {p.row}: {p.detail})" for kind, (n, p) in first.items()
        )
        faults += f"; {self.excluded} excluded by {RULES_NAME}" if self.excluded else ""
        name = self.folder.resolve().name
        line = f"{name}: {len(self.samples)} rows in {sessions} session{'s'[: sessions != 1]}{faults}"
        return "\n".join([line, *(f"  {note}" for note in self.notes)])


def row_times_s(samples: Sequence[Sample]) -> npt.NDArray[np.float64]:
    """Seconds, (n,). If any row has no time, all rows are taken to be ROW_S apart, from 0."""
    time_s = np.array([s.time_s for s in samples], np.float64)
    return time_s if not np.isnan(time_s).any() else np.arange(time_s.size, dtype=np.float64) * ROW_S


def recording_folder(path: Path | str) -> Path:
    """The folder of the recording that a path means, where its rules lie. Raises RecordingError."""
    return _find(path).folder


def read_recording(path: Path | str) -> Recording:
    """Read a recording in any csv dialect: header or not, foreign paths, decimal commas.

    path: its folder, its csv file, or a folder above it. Rows with a missing or broken centre image, or with unreadable
    numbers, are left out and listed in `problems`. So are rows that end a session with its first view, a fault of
    Udacity's recorder. Rows that the folder's rules exclude are left out and counted. Raises RecordingError, also for
    images without a log.
    """
    place = _find(path)
    if place.log is None:
        count = sum(1 for _ in ImageFiles(place.folder).frames())
        raise RecordingError(
            f"{place.folder} holds {count} frames and no {LOG_NAME}, so there is no steering;"
            " python -m film and python -m simulator.playback can show it"
        )
    return _read(place)


def read_frames(path: Path | str) -> Recording:
    """Read a recording for its frames alone: as `read_recording`, but also images that have no log.

    Udacity's own drive.py leaves such images; their numbers are nan. Raises RecordingError.
    """
    return _read(_find(path))


def _find(path: Path | str) -> RecordingPlace:
    place = find_recording(Path(path))
    if place.log is None and not any(ImageFiles(place.folder).frames()):
        raise RecordingError(f"no readable {LOG_NAME} in {place.folder}, nor images in it or in {IMAGE_FOLDER}/")
    return place


def _read(place: RecordingPlace) -> Recording:
    problems: list[Problem] = []
    images = ImageFiles(place.folder)
    rows: Iterator[Row]
    if place.log is None:
        note = f"there is no {LOG_NAME}: steering, throttle and speed are unknown"
        dialect = LogDialect(",", None, "images alone", (note,))
        rows = (Row(names, (math.nan,) * 4, number) for number, names in enumerate(images.frames(), 1))
    else:
        lines = read_lines(place.log)
        dialect = sniff_dialect(lines)
        rows = _rows(lines, dialect, problems)
    samples = list(_samples(rows, images, problems))
    if not samples:
        raise RecordingError(_why_empty(place, dialect, problems))
    stale = set(_stale_rows(samples, problems)) if place.log else set()
    usable = [s for s in samples if s.row not in stale]
    included = _apply_rules(place.folder, usable)
    notes = (*([place.note] if place.note else []), *dialect.notes, *images.notes())
    return Recording(
        place.folder,
        included,
        tuple(sorted(problems, key=lambda p: p.row)),
        len(usable) - len(included),
        usable[0].time_s,
        len(usable) + len({p.row for p in problems} - {s.row for s in usable}),
        dialect.text,
        notes,
    )


def _why_empty(place: RecordingPlace, dialect: LogDialect, problems: Sequence[Problem]) -> str:
    reason = [f"{place.log or place.folder} has no usable row"]
    if problems:
        reason.append(f"row {problems[0].row}: {problems[0].detail}")
    if problems and all(problem.kind == "missing" for problem in problems):
        reason.append(f"put its images into {place.folder / IMAGE_FOLDER}")
    return "; ".join([*reason, *dialect.notes])


def _apply_rules(folder: Path, samples: Sequence[Sample]) -> tuple[Sample, ...]:
    """The samples that the rules beside the recording do not exclude."""
    try:
        rules = read_rules(folder)
    except RuleError as error:
        raise RecordingError(str(error)) from None
    start_s = samples[0].time_s
    included = tuple(s for s in samples if not any(rule.covers(s.row, s.session, s.time_s - start_s) for rule in rules))
    if not included:
        raise RecordingError(f"{folder / RULES_NAME} excludes all {len(samples)} rows; delete the file to undo that")
    return included


def _rows(lines: Sequence[str], dialect: LogDialect, problems: list[Problem]) -> Iterator[Row]:
    for line, cells in dialect.rows(lines):
        try:
            yield parse_row(cells, dialect.columns, line)
        except RowError as error:
            problems.append(Problem("format", line, str(error)))


def _samples(rows: Iterator[Row], images: ImageFiles, problems: list[Problem]) -> Iterator[Sample]:
    session, last_s = 0, float("nan")
    names: set[str] = set()
    for row in rows:
        images_by_camera = zip(CAMERAS, row.images, strict=True)
        cameras = [_image(name, camera, images, row.line, problems) for camera, name in images_by_camera]
        if cameras[0] is None:
            continue
        if row.images[0] in names:
            problems.append(Problem("duplicate", row.line, f"an earlier row names {row.images[0]} too"))
            continue
        names.add(row.images[0])
        time_s = file_name_time_s(row.images[0])
        session += time_s - last_s > SESSION_GAP_S or time_s < last_s
        last_s = time_s
        yield Sample(cameras[0], cameras[1], cameras[2], *row.numbers, time_s, session, row.line)


def _image(name: str, camera: str, images: ImageFiles, line: int, problems: list[Problem]) -> Path | None:
    if not name:
        return None
    path = images.find(name)
    if path is None:
        problems.append(Problem("missing", line, f"no file {name}", camera))
        return None
    if not images.is_complete(path):
        problems.append(Problem("broken", line, f"{name} is not a complete JPEG or PNG file", camera))
        return None
    return Path(path)


def _stale_rows(samples: Sequence[Sample], problems: list[Problem]) -> Iterator[int]:
    """Last rows of sessions whose image shows the session's first view instead of the car's current place."""
    for number in sorted({s.session for s in samples}):
        part = [s for s in samples if s.session == number]
        if len(part) >= 3 and shows_first_view(part[0].center, part[-2].center, part[-1].center):
            problems.append(Problem("stale", part[-1].row, "the session's last row shows its first view"))
            yield part[-1].row
