"""Reads recordings: a folder with `driving_log.csv` in any dialect and `IMG/`. `protocol.recorder` writes them.

Udacity's simulator, the server and the built-in simulator write this format; training, evaluation and the film maker
read it. This module detects and names every fault of a recording, and applies its owner's `protocol.exclusions`.
"""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from protocol.csv_dialects import Row, RowError, parse_row, sniff_delimiter
from protocol.exclusions import RULES_NAME, RuleError, read_rules

LOG_NAME = "driving_log.csv"
IMAGE_FOLDER = "IMG"
SESSION_GAP_S = 1.5
"""A longer gap between two frames begins a new session: the driver stopped the recording and began another."""

ROW_S = 0.1
"""Assumed interval of rows whose image names carry no time."""

MAX_LOG_BYTES = 200_000_000
MIN_STALE_DIFFERENCE = 10.0
"""Mean grey-level difference below which two views show one place; at 30 mph consecutive rows differ by about 9."""


class RecordingError(ValueError):
    """The folder is not a readable recording."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of one row. kind: `format`, `missing`, `broken`, `duplicate` or `stale`; row: its line, from 1."""

    kind: str
    row: int
    detail: str


@dataclass(frozen=True, slots=True)
class Sample:
    """One moment of a drive. steering -1..1 (positive right), throttle and brake 0..1, speed in miles an hour.

    center, left, right: image files; left and right are None where the recording has none.
    time_s: seconds of the recording computer's clock, from the file name; nan when the name carries no time.
    session: 0, 1, ...; row: line of the csv, from 1.
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
    Sample.time_s.
    """

    folder: Path
    samples: tuple[Sample, ...]
    problems: tuple[Problem, ...]
    excluded: int = 0
    start_s: float = math.nan

    def summary(self) -> str:
        """One line: counts of rows, sessions and faults by kind, with the first fault of each kind."""
        first: dict[str, tuple[int, Problem]] = {}
        for problem in self.problems:
            count, example = first.get(problem.kind, (0, problem))
            first[problem.kind] = (count + 1, example)
        sessions = len({s.session for s in self.samples})
        faults = "".join(f"; {n} {kind} (row {p.row}: {p.detail})" for kind, (n, p) in first.items())
        faults += f"; {self.excluded} excluded by {RULES_NAME}" if self.excluded else ""
        return f"{self.folder.name}: {len(self.samples)} rows in {sessions} session{'s'[: sessions != 1]}{faults}"


def row_times_s(samples: Sequence[Sample]) -> npt.NDArray[np.float64]:
    """Seconds, (n,). If any row has no time, all rows are taken to be ROW_S apart, from 0."""
    time_s = np.array([s.time_s for s in samples], np.float64)
    return time_s if not np.isnan(time_s).any() else np.arange(time_s.size, dtype=np.float64) * ROW_S


def read_recording(folder: Path | str) -> Recording:
    """Read a recording in any csv dialect: header or not, foreign paths, decimal commas.

    Rows with a missing or broken centre image, or with unreadable numbers, are left out and listed in `problems`. So
    are rows that end a session with its first view, a fault of Udacity's recorder. Rows that the folder's rules
    exclude are left out and counted. Raises RecordingError.
    """
    folder = Path(folder)
    problems: list[Problem] = []
    images = _images(folder)
    samples = list(_samples(_rows(folder / LOG_NAME, problems), images, problems))
    if not samples:
        reason = f"; row {problems[0].row}: {problems[0].detail}" if problems else ""
        raise RecordingError(f"{folder / LOG_NAME} has no usable row{reason}")
    stale = set(_stale_rows(samples, problems))
    usable = [s for s in samples if s.row not in stale]
    included = _apply_rules(folder, usable)
    faults = tuple(sorted(problems, key=lambda p: p.row))
    return Recording(folder, included, faults, len(usable) - len(included), usable[0].time_s)


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


def file_name_time_s(name: str) -> float:
    """`center_2016_12_01_13_30_48_287.jpg` -> seconds (local clock); nan if the name carries no time."""
    parts = name.rsplit(".", 1)[0].split("_")[-7:]
    try:
        year, month, day, hour, minute, second, millisecond = map(int, parts)
        return datetime(year, month, day, hour, minute, second, millisecond * 1000).timestamp()
    except (ValueError, OverflowError, OSError):
        return float("nan")


def _rows(log: Path, problems: list[Problem]) -> Iterator[Row]:
    try:
        if log.stat().st_size > MAX_LOG_BYTES:
            raise RecordingError(f"{log} is larger than {MAX_LOG_BYTES // 1_000_000} MB; is it a driving log?")
        text = log.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise RecordingError(f"no readable {LOG_NAME} in {log.parent}: {error.strerror}") from None
    lines = text.replace("\0", "").splitlines()
    reader = csv.reader(lines, delimiter=sniff_delimiter(lines[:1]), skipinitialspace=True)
    header: Sequence[str] | None = None
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        if header is None:
            names = [cell.strip().lower() for cell in cells]
            header = names if "steering" in names else []
            if header:
                continue
        try:
            yield parse_row(cells, header, reader.line_num)
        except RowError as error:
            problems.append(Problem("format", reader.line_num, str(error)))


def _images(folder: Path) -> dict[str, os.DirEntry[str]]:
    """The image files in IMG/ and beside the log, by name."""
    images: dict[str, os.DirEntry[str]] = {}
    for place in (folder, folder / IMAGE_FOLDER):
        if place.is_dir():
            with os.scandir(place) as entries:
                images.update({e.name: e for e in entries})
    return images


def _samples(rows: Iterator[Row], images: dict[str, os.DirEntry[str]], problems: list[Problem]) -> Iterator[Sample]:
    session, last_s = 0, float("nan")
    names: set[str] = set()
    for row in rows:
        cameras = [_image(name, images, row.line, problems) for name in row.images]
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


def _image(name: str, images: dict[str, os.DirEntry[str]], line: int, problems: list[Problem]) -> Path | None:
    if not name:
        return None
    entry = images.get(name)
    if entry is None:
        problems.append(Problem("missing", line, f"no file {name}"))
        return None
    if not _is_complete(entry.path):
        problems.append(Problem("broken", line, f"{name} is not a complete JPEG or PNG file"))
        return None
    return Path(entry.path)


def _is_complete(path: str) -> bool:
    """Whether the file begins and ends as a JPEG or PNG does; detects empty and truncated files without decoding."""
    with open(path, "rb") as file:
        head = file.read(8)
        file.seek(max(0, os.fstat(file.fileno()).st_size - 32))
        tail = file.read()
    return (head[:2] == b"\xff\xd8" and b"\xff\xd9" in tail) or (head[1:4] == b"PNG" and b"IEND" in tail)


def _stale_rows(samples: Sequence[Sample], problems: list[Problem]) -> Iterator[int]:
    """Last rows of sessions whose image shows the session's first view instead of the car's current place."""
    for number in sorted({s.session for s in samples}):
        part = [s for s in samples if s.session == number]
        if len(part) < 3:
            continue
        try:
            first, before, last = (_grey(s.center) for s in (part[0], part[-2], part[-1]))
        except (OSError, SyntaxError):  # damaged inside: the data doctor decodes all images and reports it
            continue
        to_first, to_before = np.abs(last - first).mean(), np.abs(last - before).mean()
        if to_before > MIN_STALE_DIFFERENCE and to_first < to_before / 3:
            problems.append(Problem("stale", part[-1].row, "the session's last row shows its first view"))
            yield part[-1].row


def _grey(path: Path) -> np.ndarray:
    with Image.open(path, formats=("JPEG", "PNG")) as picture:
        return np.asarray(picture.convert("L").resize((80, 40)), dtype=np.float32)
