"""Scenes of Udacity's simulator, converted once: the arrays lie in the cache folder under a hash of the files read."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import zipfile
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from tqdm import tqdm

from protocol.cache_folder import cache_folder
from simulator.unity.files.errors import DAMAGE, UnityFileError
from simulator.unity.project import UnityProject, asset_files
from simulator.unity.reading.scene_reader import read_scene
from simulator.unity.scene_file import read_scene_file, write_scene_file
from simulator.unity.unity_scene import UnityScene

READER_VERSION = 10
"""It increases when the same files become other arrays or remarks."""


class Reading(NamedTuple):
    """What was read when a scene was converted. stamp: of all files' sizes and times; digests: of the files read."""

    stamp: str
    guids: str
    digests: dict[str, str]


def cached_scene(checkout: Path, path: str) -> UnityScene:
    """The scene in a .unity file of a checkout, from the cache or newly converted. Raises UnityFileError, OSError."""
    stamp, name = _stamp(checkout), PurePosixPath(path).stem
    place = hashlib.sha256(str(checkout).encode()).hexdigest()[:16]
    record = cache_folder() / f"{name}-{place}.json"
    earlier = _read_record(record)
    if earlier and (earlier.stamp == stamp or _is_unchanged(UnityProject(checkout), earlier)):
        scene = _cached(_scene_file(name, earlier))
        if scene is not None:
            if earlier.stamp != stamp:
                _write_whole(record, earlier._replace(stamp=stamp))
            return scene
    project = UnityProject(checkout)
    with tqdm(desc=f"reading {name}, once", unit=" files", disable=None, leave=False) as bar:

        def report(source: str) -> None:
            bar.set_postfix_str(PurePosixPath(source).name)
            bar.update()

        scene = read_scene(project, path, report)
    reading = Reading(stamp, _guid_digest(project), project.digests)
    file = _scene_file(name, reading)
    _write_whole(file, scene)
    _write_whole(record, reading)
    if earlier and (outdated := _scene_file(name, earlier)) != file:
        outdated.unlink(missing_ok=True)
    return scene


def _scene_file(name: str, reading: Reading) -> Path:
    content = json.dumps([READER_VERSION, name, reading.guids, sorted(reading.digests.items())])
    return cache_folder() / f"{name}-{hashlib.sha256(content.encode()).hexdigest()[:40]}.npz"


def _stamp(checkout: Path) -> str:
    """A hash of the paths, sizes and times of all files: equal stamps spare reading the files."""
    digest = hashlib.sha256()
    for path in asset_files(checkout):
        with suppress(OSError):  # a broken link
            status = (checkout / path).stat()
            digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _guid_digest(project: UnityProject) -> str:
    return hashlib.sha256(json.dumps(sorted(project.paths.items())).encode()).hexdigest()


def _is_unchanged(project: UnityProject, earlier: Reading) -> bool:
    """Whether all files that were read have the same content, and all GUIDs mean the same files."""
    for path in earlier.digests:
        with suppress(UnityFileError):  # a missing file or a pointer may be what was there before
            project.read(path)
    return project.digests == earlier.digests and _guid_digest(project) == earlier.guids


def _cached(file: Path) -> UnityScene | None:
    """The scene in a cache file; None if the file is missing or damaged."""
    try:
        return read_scene_file(file)
    except (OSError, zipfile.BadZipFile, *DAMAGE):
        return None


def _read_record(record: Path) -> Reading | None:
    try:
        content = json.loads(record.read_text(encoding="utf-8"))
        return Reading(str(content["stamp"]), str(content["guids"]), dict(content["digests"]))
    except (OSError, *DAMAGE):
        return None


def _write_whole(file: Path, content: Any) -> None:
    """Write under another name first, so that a killed process leaves no half file. Raises OSError."""
    partial = file.with_name(f"{file.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        if isinstance(content, UnityScene):
            write_scene_file(content, partial)
        else:
            partial.write_text(json.dumps(content._asdict()), encoding="utf-8")
        os.replace(partial, file)
    finally:
        partial.unlink(missing_ok=True)
