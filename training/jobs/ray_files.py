"""Files on their way between the computers of a cluster: what a job reads, and the folder that it fills."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from models.whole_files import sha256, write_whole

if TYPE_CHECKING:
    from ray import ObjectRef

COPIES = 16
"""So many folders of files stay on the disk for each core; what was dropped comes again from the computer's store."""

MAX_FOLDER_BYTES = 1 << 30
LOCKS = ".lock"

Files = tuple[tuple[str, bytes], ...]
"""Names and contents. A name in a folder may contain slashes, on every system."""


class Parcel(NamedTuple):
    """A file and those beside it.

    name: of the file; sha256: of all; content: in a list, so that Ray fetches it on request.
    """

    name: str
    sha256: str
    content: list[ObjectRef[Files]]


class DamagedParcel(ValueError):
    """Files came otherwise than they were sent."""


def files_sha256(files: Files) -> str:
    """The hash of names and contents."""
    digest = hashlib.sha256()
    for name, content in files:
        digest.update(f"{name!r} {hashlib.sha256(content).hexdigest()} ".encode())
    return digest.hexdigest()


def files_beside(file: Path) -> Files:
    """A file and those beside it. Raises OSError."""
    return _read([path for path in file.parent.iterdir() if path.is_file() and not path.is_symlink()], file.parent)


def read_folder(folder: Path) -> Files:
    """All files in a folder, also in folders below, but no locks and no hidden ones, which `write_whole` may have left.

    None where there is no folder. Raises OSError, and DamagedParcel for too many bytes.
    """
    paths = _paths(folder)
    if (size := sum(path.stat().st_size for path in paths)) > MAX_FOLDER_BYTES:
        raise DamagedParcel(f"{folder.name} has {size:,} bytes; at most {MAX_FOLDER_BYTES:,} go over the network")
    return _read(paths, folder)


def _paths(folder: Path) -> list[Path]:
    paths = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return [path for path in paths if path.suffix != LOCKS and not path.name.startswith(".")]


def _read(paths: Sequence[Path], folder: Path) -> Files:
    return tuple((path.relative_to(folder).as_posix(), path.read_bytes()) for path in sorted(paths))


def write_folder(folder: Path, files: Files) -> None:
    """Let a folder contain these files, each whole or as it was, and no others that `read_folder` would read.

    Raises OSError, and DamagedParcel for a name that leads out of the folder.
    """
    targets = []
    for name, content in files:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or ":" in name or "\\" in name or not path.parts:
            raise DamagedParcel(f"a computer sent a file that names a place outside of its folder: {name!r:.60}")
        targets.append(folder.joinpath(*path.parts))
        targets[-1].parent.mkdir(parents=True, exist_ok=True)
        write_whole(targets[-1], content)
    for other in set(_paths(folder)) - set(targets):
        other.unlink()


def unpacked(parcel: Parcel, folder: Path) -> Path:
    """The parcel's file on this computer's disk, in `folder`/files. Raises OSError, DamagedParcel."""
    target = folder / "files" / parcel.sha256
    if not target.exists():
        import ray  # noqa: PLC0415 - this module is imported where there is none

        files = ray.get(parcel.content[0])
        if files_sha256(files) != parcel.sha256:
            raise DamagedParcel(f"the files of {parcel.name} have another hash than when they were sent")
        _drop_oldest(target.parent)
        partial = folder / "partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        write_folder(partial, files)
        target.parent.mkdir(exist_ok=True)
        partial.rename(target)
    return target / parcel.name


def _drop_oldest(folder: Path) -> None:
    """Make room for another copy."""
    if folder.exists():
        copies = sorted(folder.iterdir(), key=lambda copy: copy.stat().st_mtime_ns)
        for copy in copies[: max(0, len(copies) - COPIES + 1)]:
            shutil.rmtree(copy, ignore_errors=True)


def hashes(paths: Sequence[str]) -> dict[str, str]:
    """The SHA-256 of each file on this computer; "" for one that is not there or cannot be read."""
    return {path: _sha256(Path(path)) for path in paths}


def _sha256(path: Path) -> str:
    try:
        return sha256(path)
    except OSError:
        return ""
