"""Submissions are the files and folders in a folder; what may be a model is copied, and everything else has a reason.

Whoever submits may not be trusted: links are not followed, pipes and devices are not opened, and sizes are looked at
before anything is read. Nothing is parsed here; that is done to the copies, in processes of their own.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from training.jobs.one_line import one_line

MODEL_SUFFIXES = (".h5", ".hdf5", ".keras", ".tflite", ".onnx")
SUFFIXES = (*MODEL_SUFFIXES, ".json")
ARCHIVE = ".zip"
SUBMITTED = "submitted"
"""The folder of the copies in a submission's folder; what is made of them lies beside it."""

MAX_SUBMISSIONS, MAX_ENTRIES, MAX_FILES, MAX_DEPTH, MAX_NAME = 300, 10_000, 40, 3, 60
CHUNK = 1 << 20
PARTIAL = ".partial-"
"""Begins the names of copies that are not finished; a killed command leaves one."""


class SubmissionError(ValueError):
    """A submission that is refused; the message tells why."""


@dataclass(frozen=True, slots=True)
class Submission:
    """name: for the board. sha256: of its names and contents, and folder: of its copy; both empty with a refusal."""

    name: str
    sha256: str = ""
    folder: Path = Path()
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class _Part:
    """A file of a submission, and its name in the copy."""

    file: Path
    name: str


def take_in(sources: Sequence[Path], target: Path, max_bytes: int) -> list[Submission]:
    """Copy the submissions into folders of `target`, each named by its hash; sorted by name.

    sources: folders of submissions, and single ones. max_bytes: of all files of one submission.
    Raises SubmissionError for none or too many, OSError if a source cannot be read, or a copy cannot be written.
    """
    for left_over in target.glob(f"{PARTIAL}*"):
        shutil.rmtree(left_over, ignore_errors=True)
    entries = [entry for source in sources for entry in _entries(source)]
    if not entries:
        raise SubmissionError(f"there are no submissions in {', '.join(map(str, sources))}")
    if len(entries) > MAX_SUBMISSIONS:
        raise SubmissionError(f"{len(entries)} submissions; at most {MAX_SUBMISSIONS} are taken")
    names = _names([entry for entry, _ in entries])
    submissions = [_take(name, *entry, target, max_bytes) for name, entry in zip(names, entries, strict=True)]
    return sorted(submissions, key=lambda submission: (submission.name.casefold(), submission.name))


def _entries(source: Path) -> Iterator[tuple[Path, list[Path]]]:
    """Each submission in a folder with the files that may lie beside it; a path that is none is one itself."""
    if not source.is_dir():
        source.lstat()
        yield source, _companions(source, list(islice(source.absolute().parent.iterdir(), MAX_ENTRIES)))
        return
    files = list(islice((entry for entry in source.iterdir() if not entry.name.startswith(".")), MAX_ENTRIES))
    companions = {file: _companions(file, files) for file in files if _suffix(file) in MODEL_SUFFIXES}
    companion_files = {file for group in companions.values() for file in group}
    for file in sorted(files):
        if file not in companion_files and not _repeats(file, files):
            yield file, companions.get(file, [])


def _companions(model: Path, files: Sequence[Path]) -> list[Path]:
    """The cards and architectures that belong to a model by their names."""
    names = {f"{model.stem}.json", f"{model.name}.json", f"{model.name}.pixels.json"}
    return sorted(file for file in files if file.name in names and file.name != model.name)


def _repeats(file: Path, files: Sequence[Path]) -> bool:
    """Whether a .tflite file says that it was converted from a model beside it; that model then drives."""
    names = {other.name for other in files}
    is_converted = _suffix(file) == ".tflite" and f"{file.name}.json" in names
    return is_converted and any(f"{file.stem}{suffix}" in names for suffix in (".h5", ".keras"))


def _suffix(file: Path) -> str:
    return file.suffix.lower()


def _names(entries: Sequence[Path]) -> list[str]:
    """Names for the board: without suffix where they differ, and a number where they still do not."""
    stems = [printable(entry.name if entry.is_dir() else entry.stem) for entry in entries]
    names = [
        stem if stems.count(stem) == 1 else printable(entry.name) for stem, entry in zip(stems, entries, strict=True)
    ]
    return [
        name if names.count(name) == 1 else f"{name} ({names[: number + 1].count(name)})"
        for number, name in enumerate(names)
    ]


def printable(name: str) -> str:
    """A stranger's name for something, as it may stand in a table."""
    return one_line(name, MAX_NAME) or "?"


def _take(name: str, entry: Path, companions: Sequence[Path], target: Path, max_bytes: int) -> Submission:
    try:
        parts = _parts(entry, companions)
        _check_sizes(parts, max_bytes)
    except SubmissionError as error:
        return Submission(name, refusal=str(error))
    except OSError as error:
        return Submission(name, refusal=f"it cannot be read: {error.strerror}")
    return _copy(name, parts, target, max_bytes)


def _parts(entry: Path, companions: Sequence[Path]) -> list[_Part]:
    mode = entry.lstat().st_mode
    if stat.S_ISDIR(mode):
        files = sorted(_files_in(entry, MAX_DEPTH))
        if not files:
            raise SubmissionError(f"the folder has no model file; models are {', '.join(MODEL_SUFFIXES)} files")
        if len(files) > MAX_FILES:
            raise SubmissionError(f"the folder has {len(files)} model files and cards; submit one model")
        parts = [_Part(file, file.relative_to(entry).as_posix()) for file in files]
    else:
        stem = entry.stem
        parts = [_Part(file, f"model{file.name.removeprefix(stem)}") for file in (entry, *companions)]
    for part in parts:
        _check_kind(part.file)
    return parts


def _files_in(folder: Path, depth: int) -> Iterator[Path]:
    """The files with a model's or a card's suffix in a folder, and in folders inside it, without following links."""
    for entry in islice(folder.iterdir(), MAX_ENTRIES):
        if depth > 1 and stat.S_ISDIR(entry.lstat().st_mode):
            yield from _files_in(entry, depth - 1)
        elif _suffix(entry) in SUFFIXES:
            yield entry


def _check_kind(file: Path) -> None:
    mode = file.lstat().st_mode
    if stat.S_ISLNK(mode):
        raise SubmissionError(f"{printable(file.name)} is a link, which is not followed; submit the file itself")
    if not stat.S_ISREG(mode):
        raise SubmissionError(f"{printable(file.name)} is no regular file (a pipe, a device or a folder)")


def _check_sizes(parts: Sequence[_Part], max_bytes: int) -> None:
    size = sum(part.file.lstat().st_size for part in parts)
    if size > max_bytes:
        raise SubmissionError(f"it has {size / 1e6:,.0f} MB; at most {max_bytes / 1e6:,.0f} MB are taken")


def _copy(name: str, parts: Sequence[_Part], target: Path, max_bytes: int) -> Submission:
    """Copy the files while they are hashed; an earlier copy of the same content stays."""
    partial = target / f"{PARTIAL}{os.getpid()}"
    shutil.rmtree(partial, ignore_errors=True)
    digest = hashlib.sha256()
    bytes_left = max_bytes
    try:
        for part in parts:
            copy = partial / SUBMITTED / part.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            content = hashlib.sha256()
            with _open_plain(part.file) as source, copy.open("wb") as out:
                while chunk := source.read(min(CHUNK, bytes_left + 1)):
                    bytes_left -= len(chunk)
                    if bytes_left < 0:
                        return Submission(name, refusal="it grew while it was read")
                    content.update(chunk)
                    out.write(chunk)
            digest.update(f"{part.name.encode('utf-8', 'replace')!r} {content.hexdigest()} ".encode())
        sha256 = digest.hexdigest()
        folder = target / sha256[:32]
        if not folder.exists():
            partial.rename(folder)
        return Submission(name, sha256, folder)
    except SubmissionError as error:
        return Submission(name, refusal=str(error))
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _open_plain(file: Path) -> BinaryIO:
    """Open a file for reading without following a link or waiting for a pipe. Raises SubmissionError."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(file, flags)
    except OSError as error:
        raise SubmissionError(f"{printable(file.name)} cannot be read: {error.strerror}") from None
    stream = os.fdopen(descriptor, "rb")
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        stream.close()
        raise SubmissionError(f"{printable(file.name)} is no regular file")
    return stream
