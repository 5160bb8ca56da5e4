"""Finds a recording's log and images, however its owner packed, moved or named them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from protocol.errors import RecordingError
from protocol.logs.columns import CAMERAS, IMAGE_SUFFIXES

LOG_NAME = "driving_log.csv"
LOG_SUFFIXES = (".csv", ".tsv", ".txt")
IMAGE_FOLDER = "IMG"
IMAGE_FOLDERS = ("img", "images")
"""Names, in any case, of folders that hold a recording's images; one may lie in another, as some archives unpack."""

DEPTH = 2
"""A recording may lie so many folders below the one that is named."""


MAX_LOG_BYTES = 200_000_000


@dataclass(frozen=True, slots=True)
class RecordingPlace:
    """Where a recording lies. log: its csv file, None if only images are there; note: how the log was chosen, or ''."""

    folder: Path
    log: Path | None
    note: str = ""


def find_recording(path: Path) -> RecordingPlace:
    """Find the recording that a path means: its folder, its csv file, its folder of images, or a folder above it.

    Raises RecordingError.
    """
    if path.is_file():
        return _of_file(path)
    if not path.is_dir():
        raise RecordingError(f"no readable {LOG_NAME} in {path}: there is no such folder")
    logs = _logs(path)
    if len(logs) == 1 and logs[0].name.lower() == LOG_NAME:
        return _place(logs[0])
    beside = path.resolve().parent / LOG_NAME
    if path.resolve().name.lower() in IMAGE_FOLDERS and beside.is_file():
        return RecordingPlace(beside.parent, beside, f"the log lies beside {path.name}/")
    below = [log for depth in range(1, DEPTH + 1) for log in sorted(path.glob("*/" * depth + LOG_NAME))]
    below = [log for log in below if not any(part[0] in "._" for part in log.relative_to(path).parts)]
    if len(below) == 1:
        return RecordingPlace(below[0].parent, below[0], f"the recording lies in {below[0].parent.relative_to(path)}/")
    if below:
        names = [str(log.parent.relative_to(path)) for log in below]
        raise RecordingError(f"{path} holds {_list(names, 'recordings')}; name one of them")
    if len(logs) == 1:
        return _place(logs[0])
    if logs:
        files = _list([log.name for log in logs], "csv files")
        raise RecordingError(f"{path} has no {LOG_NAME} but {files}; name the one that is the log")
    return RecordingPlace(path, None)


def read_lines(log: Path) -> list[str]:
    """The lines of a log, in whatever encoding. Raises RecordingError."""
    try:
        if log.stat().st_size > MAX_LOG_BYTES:
            raise RecordingError(f"{log} is larger than {MAX_LOG_BYTES // 1_000_000} MB; is it a driving log?")
        text = log.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise RecordingError(f"no readable {LOG_NAME} in {log.parent}: {error.strerror}") from None
    return text.replace("\0", "").splitlines()


def _of_file(path: Path) -> RecordingPlace:
    if path.suffix.lower() in LOG_SUFFIXES:
        return _place(path)
    if path.suffix.lower() in (".zip", ".gz", ".tgz", ".tar", ".7z", ".rar"):
        raise RecordingError(f"{path} is packed: unpack it, and name the folder that comes out")
    raise RecordingError(f"{path} is a file; a recording is a folder with {LOG_NAME} and {IMAGE_FOLDER}/")


def _logs(folder: Path) -> list[Path]:
    """The log by its name, in any case; else all csv files."""
    files = sorted(file for file in folder.glob("*.[cC][sS][vV]") if not file.name.startswith("."))
    logs = [file for file in files if file.name == LOG_NAME] or [f for f in files if f.name.lower() == LOG_NAME]
    return logs or files


def _place(log: Path) -> RecordingPlace:
    return RecordingPlace(log.parent, log, "" if log.name == LOG_NAME else f"the log is {log.name}")


def _list(names: list[str], kind: str) -> str:
    return f"{len(names)} {kind} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"


@dataclass(slots=True)
class ImageFiles:
    """The image files in IMG/, in the recording's folder, and in folders of images inside either.

    The first of these has precedence. The object counts which images were found only in an unusual way.
    """

    folder: Path
    _by_name: dict[str, str] = field(default_factory=dict)
    _by_stem: dict[str, str] = field(default_factory=dict)
    _places: set[str] = field(default_factory=set)
    _other_names: dict[str, str] = field(default_factory=dict)
    _other_kinds: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        folders = [str(self.folder / IMAGE_FOLDER), str(self.folder)]
        for folder in folders:
            if not os.path.isdir(folder):
                continue
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir():
                        is_another = entry.name.lower() in IMAGE_FOLDERS and entry.path not in folders
                        folders += [entry.path] if is_another else []
                    elif not entry.name.startswith("."):
                        self._by_name.setdefault(entry.name, entry.path)
                        self._by_stem.setdefault(_stem(entry.name), entry.path)

    def find(self, name: str) -> str | None:
        """The path of an image, also if its file differs in case or suffix from `name`; None if there is none."""
        path = self._by_name.get(name)
        if path is None:
            path = self._by_stem.get(_stem(name))
            if path is None:
                return None
            self._other_names[name] = os.path.basename(path)
        self._places.add(os.path.dirname(path))
        return path

    def is_complete(self, path: str) -> bool:
        """Whether the file begins and ends as a JPEG or PNG; detects empty and truncated files without decoding."""
        with open(path, "rb") as file:
            head = file.read(8)
            file.seek(max(0, os.fstat(file.fileno()).st_size - 32))
            tail = file.read()
        is_png = head[1:4] == b"PNG" and b"IEND" in tail
        if is_png != path.lower().endswith(".png"):
            self._other_kinds.append(path)
        return is_png or (head[:2] == b"\xff\xd8" and b"\xff\xd9" in tail)

    def frames(self) -> Iterator[tuple[str, str, str]]:
        """Yield the names of the centre, left and right image of each moment, '' where there is none, in their order.

        Names that carry a time are sorted by it, others by the numbers in them.
        """
        moments: dict[str, dict[str, str]] = {}
        for name in self._by_name:
            match = re.fullmatch(rf"(?:({'|'.join(CAMERAS)})_)?(.+)", name)
            if match and name.lower().endswith(IMAGE_SUFFIXES):
                moments.setdefault(match[2], {})[match[1] or "center"] = name
        timed = all(file_name_time_s(moment) > 0 for moment in moments)
        for moment in sorted(moments, key=file_name_time_s if timed else _by_numbers):
            center, left, right = (moments[moment].get(camera, "") for camera in CAMERAS)
            if center:
                yield center, left, right

    def notes(self) -> Iterator[str]:
        """Say in what unusual ways images were found, a line for each."""
        usual = {str(self.folder), str(self.folder / IMAGE_FOLDER)}
        for place in sorted(self._places - usual):
            yield f"images lie in {os.path.relpath(place, self.folder)}/"
        if self._other_names:
            in_log, on_disk = next(iter(self._other_names.items()))
            count = len(self._other_names)
            yield f"{count} image files differ in case or suffix from the log's names ({on_disk} for {in_log})"
        if self._other_kinds:
            name = os.path.basename(self._other_kinds[0])
            kind = "JPEG" if name.lower().endswith(".png") else "PNG"
            yield f"{len(self._other_kinds)} images are {kind} in spite of their suffix ({name})"


def file_name_time_s(name: str) -> float:
    """`center_2016_12_01_13_30_48_287.jpg` -> seconds (local clock); nan if the name carries no time."""
    parts = name.rsplit(".", 1)[0].split("_")[-7:]
    try:
        year, month, day, hour, minute, second, millisecond = map(int, parts)
        return datetime(year, month, day, hour, minute, second, millisecond * 1000).timestamp()
    except (ValueError, OverflowError, OSError):
        return float("nan")


def _stem(name: str) -> str:
    """The name without its suffix if that is an image's, in lower case."""
    lower = name.lower()
    return next((lower.removesuffix(suffix) for suffix in IMAGE_SUFFIXES if lower.endswith(suffix)), lower)


def _by_numbers(name: str) -> list[tuple[int, str]]:
    """A sort key by which frame_9 comes before frame_10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", name)]
