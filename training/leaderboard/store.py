"""The folder of a board keeps what has been done: facts of models, drives and films, a file each, written whole.

A file that is damaged counts as missing, and what it had is done again.
"""

from __future__ import annotations

import base64
import binascii
import json
from pathlib import Path, PurePath
from typing import Any, Self

from filelock import FileLock, Timeout

from models.whole_files import write_whole
from training.leaderboard.submissions import Submission
from training.leaderboard.tasks import FORMAT, DriveResult, DriveTask, as_json, read_result

MAX_RECORD_BYTES = 32 << 20
FACTS: dict[str, Any] = {
    "kind": str,
    "file": str,
    "file_bytes": int,
    "sha256": str,
    "parameters": int | None,
    "multiply_accumulates": int | None,
    "notes": list,
    "driving": str,
    "driving_sha256": str,
    "driving_bytes": int,
    "milliseconds": float,
    "card": dict | None,
}
CARD = {
    "model": str,
    "description": str,
    "recordings": list,
    "seed": int,
    "epochs": int,
    "samples": int,
    "created": str,
}
"""What `examine` tells of a model and of its card, with types."""


class DriveStore:
    """The records in a folder, for one command at a time; `models` has the submissions' copies.

    commit: of this repository, which drives are kept with. Use it in a `with` statement, which raises ValueError if
    another command has the folder.
    """

    def __init__(self, folder: Path, commit: str = "") -> None:
        self._commit = commit
        self._folder = folder / "work"
        self.models, self.cache = self._folder / "models", self._folder / "cache"
        for part in (self.models, self.cache, self._folder / "drives", self._folder / "films"):
            part.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(self._folder / "lock")

    def __enter__(self) -> Self:
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise ValueError(
                f"another command makes the board in {self._folder.parent}; wait, or name another --out"
            ) from None
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def facts(self, submission: Submission, settings: dict[str, Any]) -> dict[str, Any] | None:
        """The facts of a submission, or `refusal` alone; None if it was not opened with these settings."""
        record = _read(submission.folder / "facts.json")
        if record is None or record.get("settings") != _plain(settings):
            return None
        facts = record.get("facts")
        if isinstance(facts, dict) and isinstance(facts.get("refusal"), str):
            return facts
        if not isinstance(facts, dict) or not is_facts(facts) or not (submission.folder / facts["driving"]).is_file():
            return None
        return facts

    def keep_facts(self, submission: Submission, settings: dict[str, Any], facts: dict[str, Any]) -> None:
        """Keep what opening a submission told. Raises OSError."""
        _write(submission.folder / "facts.json", {"settings": settings, "facts": facts})

    def result(self, task: DriveTask) -> DriveResult | None:
        """What came of a task; None if it has not been driven."""
        record = _read(self._drive_file(task))
        try:
            return None if record is None or record.get("format") != FORMAT else read_result(record.get("result"))
        except ValueError:
            return None

    def keep_result(self, task: DriveTask, result: DriveResult) -> None:
        """Keep what came of a task. Raises OSError."""
        _write(self._drive_file(task), {"format": FORMAT, "commit": self._commit, "result": as_json(result)})

    def commit_of(self, task: DriveTask) -> str:
        """The commit with which a task was driven; "" if it is unknown."""
        record = _read(self._drive_file(task)) or {}
        return str(record.get("commit", ""))

    def film(self, task: DriveTask) -> bytes | None:
        """The film of a task's worst minute, an mp4; None if it has not been filmed."""
        file = self._film_file(task)
        return file.read_bytes() if file.is_file() and file.stat().st_size <= MAX_RECORD_BYTES else None

    def keep_film(self, task: DriveTask, film: Any) -> None:
        """Keep a film that came as base64; what is none is left out. Raises OSError."""
        try:
            write_whole(self._film_file(task), base64.b64decode(film, validate=True))
        except (binascii.Error, TypeError, ValueError):
            return

    def _drive_file(self, task: DriveTask) -> Path:
        return self._folder / "drives" / f"{task.key}.json"

    def _film_file(self, task: DriveTask) -> Path:
        return self._folder / "films" / f"{task.key}.mp4"


def is_facts(values: Any) -> bool:
    """Whether a process that opened a stranger's model has told what it should."""
    if not _has_types(values, FACTS) or not (values["card"] is None or _has_types(values["card"], CARD)):
        return False
    driving = PurePath(values["driving"])
    return 0 <= values["milliseconds"] < 1e6 and not driving.is_absolute() and ".." not in driving.parts


def _has_types(values: Any, types: dict[str, Any]) -> bool:
    has_names = isinstance(values, dict) and set(values) == set(types)
    return has_names and all(isinstance(values[name], kind) for name, kind in types.items())


def _read(file: Path) -> dict[str, Any] | None:
    try:
        if file.stat().st_size > MAX_RECORD_BYTES:
            return None
        content = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _write(file: Path, content: dict[str, Any]) -> None:
    write_whole(file, f"{json.dumps(content)}\n".encode())


def _plain(values: dict[str, Any]) -> Any:
    return json.loads(json.dumps(values))
