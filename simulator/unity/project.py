"""The files of a checkout of Udacity's simulator project: by path or Unity's GUIDs, and what was read of them."""

from __future__ import annotations

import hashlib
import os
import re
from functools import cached_property
from pathlib import Path

from simulator.unity.files.errors import LfsPointerError, MissingFileError, UnityFileError, damage_named
from simulator.unity.files.yaml_documents import Fields, mapping

LFS_POINTER = b"version https://git-lfs.github.com/spec/"
GUID = re.compile(r"^guid: ([0-9a-f]{32})\s*$", re.MULTILINE)

MOST_BYTES = 64_000_000
"""The largest file that is read; the lake's largest is 10 MB."""

MOST_FILES = 50_000


class UnityProject:
    """The files of a checkout, read with limits. Paths are relative to the checkout, with slashes."""

    def __init__(self, checkout: Path) -> None:
        self.checkout = checkout
        self.digests: dict[str, str] = {}
        """The SHA-256 of every file that was read, by path; empty for one that is not there."""

    @cached_property
    def paths(self) -> dict[str, str]:
        """The files' paths by their GUIDs, from all .meta files."""
        paths = {}
        for path in asset_files(self.checkout):
            if path.endswith(".meta"):
                with open(self.checkout / path, "rb") as file:
                    guid = GUID.search(file.read(1000).decode("utf-8", "replace"))
                if guid:
                    paths[guid[1]] = path.removesuffix(".meta")
        return paths

    @cached_property
    def guids(self) -> dict[str, str]:
        """The files' GUIDs by their paths."""
        return {path: guid for guid, path in self.paths.items()}

    def read(self, path: str, most_bytes: int = MOST_BYTES) -> bytes:
        """A file's content. Raises MissingFileError, LfsPointerError, UnityFileError for a too large one, OSError."""
        file = self.checkout / path
        if not file.is_file():
            self.digests[path] = ""
            raise MissingFileError(f"{file} is missing; is {self.checkout} a whole checkout?")
        with open(file, "rb") as stream:
            content = stream.read(most_bytes + 1)
        if len(content) > most_bytes:
            raise UnityFileError(f"{file} is larger than {most_bytes // 1_000_000} MB")
        self.digests[path] = hashlib.sha256(content).hexdigest()
        if content.startswith(LFS_POINTER):
            raise LfsPointerError(f"{file} is a pointer of Git LFS: `git -C {self.checkout} lfs pull` fetches the file")
        return content

    def text(self, path: str) -> str:
        """A text file's content. Raises as `read` does."""
        return self.read(path).decode("utf-8", "replace")

    def meta(self, path: str) -> Fields:
        """What Unity notes of a file, from its .meta file. Raises as `read` does."""
        with damage_named(self.checkout / f"{path}.meta"):
            return mapping(self.text(f"{path}.meta"))


def asset_files(checkout: Path) -> list[str]:
    """The paths of all files below Assets, sorted. Raises UnityFileError for too many, OSError."""
    paths: list[str] = []
    for folder, _, names in os.walk(checkout / "Assets"):
        below = Path(folder).relative_to(checkout).as_posix()
        paths += [f"{below}/{name}" for name in names]
        if len(paths) > MOST_FILES:
            raise UnityFileError(f"{checkout} has more than {MOST_FILES} files below Assets")
    return sorted(paths)
