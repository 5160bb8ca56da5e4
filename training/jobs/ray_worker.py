"""A core of a cluster's computer: it owns a process within limits, and brings it the files that its jobs read.

Ray calls this as an actor. A stranger's file is opened by the process alone, so it cannot take Ray's own process down.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import platform
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from training.jobs.job_process import JobProcess, JobReply
from training.jobs.process import WorkerSettings

if TYPE_CHECKING:
    from ray import ObjectRef

COPIES = 16
"""So many folders of files stay on the disk for each core; what was dropped comes again from the computer's store."""

POLL_S = 0.5

Files = tuple[tuple[str, bytes], ...]


class Parcel(NamedTuple):
    """A file and those beside it.

    name: of the file; sha256: of all; content: in a list, so that Ray fetches it on request.
    """

    name: str
    sha256: str
    content: list[ObjectRef[Files]]


class DamagedParcel(ValueError):
    """Files came otherwise than they were sent."""


def parcel_sha256(files: Files) -> str:
    """The hash of names and contents."""
    digest = hashlib.sha256()
    for name, content in files:
        digest.update(f"{name!r} {hashlib.sha256(content).hexdigest()} ".encode())
    return digest.hexdigest()


def versions(packages: Sequence[str]) -> dict[str, str]:
    """The versions of Python and of these packages in this process; "" for one that is not installed."""
    installed = {"python": platform.python_version()}
    for name in packages:
        installed[name] = ""
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            installed[name] = importlib.metadata.version(name)
    return installed


class RayWorker:
    """settings: of the process. folders: variables that name a folder of its own, which ends with the actor.

    Each method returns within a second, so that the actor can always be closed.
    """

    def __init__(self, settings: WorkerSettings, folders: Sequence[str]) -> None:
        vars(sys.modules["__main__"]).pop("__file__", None)  # else the process would begin by importing Ray
        self._settings, self._folders = settings, folders
        self._folder: Path | None = None
        self._worker: JobProcess | None = None

    def versions(self, packages: Sequence[str]) -> dict[str, str]:
        """As the function of this name, on this computer."""
        return versions(packages)

    def begin(self, argument: dict[str, Any], parcel: Parcel | None) -> JobReply | None:
        """Begin a job, and return as `go_on`. Raises OSError, DamagedParcel."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="steering-"))
            (self._folder / "cache").mkdir()
        if self._worker is None or self._worker.ended:
            own = dict.fromkeys(self._folders, str(self._folder / "cache"))
            self._worker = JobProcess(self._settings._replace(environment=self._settings.environment | own))
        self._worker.give(argument | ({"file": str(self._unpacked(parcel, self._folder))} if parcel else {}))
        return self.go_on()

    def go_on(self) -> JobReply | None:
        """What came of the job; None if it has not ended after a moment."""
        assert self._worker
        return self._worker.reply(POLL_S)

    def close(self) -> None:
        """End the process and delete its files."""
        if self._worker:
            self._worker.end()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _unpacked(self, parcel: Parcel, folder: Path) -> Path:
        """The parcel's file on this computer's disk."""
        target = folder / "files" / parcel.sha256
        if not target.exists():
            import ray  # noqa: PLC0415 - this module is imported where there is none

            files = ray.get(parcel.content[0])
            if parcel_sha256(files) != parcel.sha256:
                raise DamagedParcel(f"the files of {parcel.name} have another hash than when they were sent")
            _drop_oldest(target.parent)
            partial = folder / "partial"
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            for name, content in files:
                (partial / name).write_bytes(content)
            target.parent.mkdir(exist_ok=True)
            partial.rename(target)
        return target / parcel.name


def _drop_oldest(folder: Path) -> None:
    """Make room for another copy."""
    if folder.exists():
        copies = sorted(folder.iterdir(), key=lambda copy: copy.stat().st_mtime_ns)
        for copy in copies[: max(0, len(copies) - COPIES + 1)]:
            shutil.rmtree(copy, ignore_errors=True)
