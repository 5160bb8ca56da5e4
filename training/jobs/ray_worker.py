"""A core of a cluster's computer: it owns a process within limits, and brings it the files that its jobs read.

Ray calls this as an actor. A stranger's file is opened by the process alone, so it cannot take Ray's own process down.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import platform
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from training.jobs.hardware import hardware
from training.jobs.job_process import JobProcess, JobReply
from training.jobs.process import WorkerSettings
from training.jobs.ray_files import Files, Parcel, hashes, read_folder, unpacked, write_folder

POLL_S = 0.5


class Greeting(NamedTuple):
    """What a computer is and has: its versions, the hashes of its files by path, and its hardware for the user."""

    versions: dict[str, str]
    hashes: dict[str, str]
    hardware: str


class WorkerNews(NamedTuple):
    """What came of a job, None if it has not ended; how much of it is done; and what its folder contains in the end."""

    reply: JobReply | None
    share: float = 0.0
    files: Files = ()


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

    Each method returns soon, so that the actor can always be closed.
    """

    def __init__(self, settings: WorkerSettings, folders: Sequence[str]) -> None:
        vars(sys.modules["__main__"]).pop("__file__", None)  # else the process would begin by importing Ray
        self._settings, self._folders = settings, folders
        self._folder: Path | None = None
        self._job_folder: Path | None = None
        self._worker: JobProcess | None = None

    def greet(self, packages: Sequence[str], files: Sequence[str]) -> Greeting:
        """Tell what this computer is and has."""
        return Greeting(versions(packages), hashes(files), hardware())

    def begin(self, argument: dict[str, Any], parcel: Parcel | None, filled: Files | None) -> WorkerNews:
        """Begin a job, and return as `go_on`. filled: what the job's folder already contains, None for no such folder.

        Raises OSError, DamagedParcel.
        """
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="steering-"))
            (self._folder / "cache").mkdir()
        if self._worker is None or self._worker.ended:
            own = dict.fromkeys(self._folders, str(self._folder / "cache"))
            self._worker = JobProcess(self._settings._replace(environment=self._settings.environment | own))
        paths = {"file": str(unpacked(parcel, self._folder))} if parcel else {}
        self._job_folder = None
        if filled is not None:
            self._job_folder = self._folder / "job"
            shutil.rmtree(self._job_folder, ignore_errors=True)
            write_folder(self._job_folder, filled)
            paths["folder"] = str(self._job_folder)
        self._worker.give(argument | paths)
        return self.go_on()

    def go_on(self) -> WorkerNews:
        """What came of the job, after a moment. Raises OSError, DamagedParcel."""
        assert self._worker
        reply = self._worker.reply(POLL_S)
        return WorkerNews(reply, self._worker.share, self._files() if reply else ())

    def _files(self) -> Files:
        """What the job's folder contains, for the last time."""
        folder, self._job_folder = self._job_folder, None
        return read_folder(folder) if folder else ()

    def close(self) -> Files:
        """End the process and delete its files; returns what the folder of an unfinished job contains."""
        if self._worker:
            self._worker.end()
        files: Files = ()
        with contextlib.suppress(OSError, ValueError):
            files = self._files()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
        return files
