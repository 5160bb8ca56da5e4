"""The pictures of textures: decoded with limits, made smaller, or substituted where a checkout lacks them."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import PurePosixPath

import numpy as np
from PIL import Image, UnidentifiedImageError

from simulator.unity.files.errors import FormatError, LfsPointerError, MissingFileError, UnityFileError, damage_named
from simulator.unity.project import UnityProject
from simulator.unity.reading.substitutes import ground_substitute, plant_substitute
from simulator.unity.unity_scene import Bytes, Picture

FORMATS = ("PNG", "TGA", "PSD", "JPEG", "TIFF", "BMP")
WITH_ALPHA = ("RGBA", "LA", "PA")
MOST_PIXELS = 8192 * 8192

LARGEST = 1024
"""Pixels a side that are kept: the camera's picture has 320 columns."""

WHITE = Picture("", np.full((4, 4, 3), 255, np.uint8))
"""For materials without a texture."""

LACKS: dict[type[UnityFileError], tuple[str, str, str]] = {
    LfsPointerError: ("pointers of Git LFS", "lfs pull", "fetches the pictures"),
    MissingFileError: ("missing pictures", "checkout -- Assets", "brings deleted files back"),
    UnityFileError: ("pictures that cannot be read", "checkout -- Assets", "brings the project's own files back"),
}
"""What a checkout may lack, the command of Git that brings it, and what that command does."""

Box = tuple[float, float, float, float]


class Pictures:
    """The pictures of a project, each decoded once."""

    def __init__(self, project: UnityProject, report: Callable[[str], None]) -> None:
        self._project, self._report = project, report
        self._pictures: dict[tuple[str, bool], Picture] = {}
        self._lacking: dict[type[UnityFileError], list[str]] = {kind: [] for kind in LACKS}

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was substituted, why, and what to do: a line for each kind of lack, with the names of all files."""
        return tuple(
            f"{what}, for which substitutes are drawn: {', '.join(self._lacking[kind])}; "
            f"`git -C {self._project.checkout} {command}` {effect}"
            for kind, (what, command, effect) in LACKS.items()
            if self._lacking[kind]
        )

    def of_guid(self, guid: str | None, plant: bool = False) -> Picture:
        """The picture of a reference. plant: it needs an outline. Raises OSError for an unreadable disk."""
        path = self._project.paths.get(guid or "")
        if path is None:
            path = f"guid {guid}"
            if (path, plant) not in self._pictures:
                self._lacking[MissingFileError].append(f"one with the GUID {guid}")
                self._pictures[path, plant] = _substitute(path, plant, "missing")
            return self._pictures[path, plant]
        return self.of_path(path, plant)

    def of_path(self, path: str, plant: bool = False) -> Picture:
        """The picture of a file. Raises OSError."""
        if (path, plant) not in self._pictures:
            self._report(path)
            try:
                content = self._project.read(path)
                with damage_named(self._project.checkout / path):
                    self._pictures[path, plant] = Picture(PurePosixPath(path).stem, _decode(content))
            except UnityFileError as error:
                self._lacking[type(error)].append(self._name_of_lacking(path, error))
                self._pictures[path, plant] = _substitute(path, plant, str(error))
        return self._pictures[path, plant]

    def _name_of_lacking(self, path: str, error: UnityFileError) -> str:
        """A file's name, with the reason where its kind of lack does not say it."""
        name = PurePosixPath(path).name
        if type(error) is not UnityFileError:
            return name
        return f"{name} (it {str(error).removeprefix(str(self._project.checkout / path)).strip()})"


def cut(picture: Picture, box: Box) -> Picture:
    """A part of a picture. box: left, top, right, bottom as shares of it."""
    if picture.substitute:
        return picture
    rows, columns = picture.pixels.shape[:2]
    left, top, right, bottom = (
        round(share * size) for share, size in zip(box, (columns, rows, columns, rows), strict=True)
    )
    return Picture(picture.name, np.ascontiguousarray(picture.pixels[top:bottom, left:right]))


def _substitute(path: str, plant: bool, reason: str) -> Picture:
    stem = PurePosixPath(path).stem
    return Picture(stem, plant_substitute() if plant else ground_substitute(stem), reason)


def _decode(content: bytes) -> Bytes:
    """uint8 (rows, columns, 3 or 4). Raises FormatError, ValueError, and what Pillow raises for damage."""
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise FormatError(f"has {image.width} x {image.height} pixels")
            pixels = image.convert("RGBA" if image.mode in WITH_ALPHA or "transparency" in image.info else "RGB")
    except UnidentifiedImageError as error:
        raise FormatError("is of no known format") from error
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:  # Pillow's words for damage
        raise FormatError(f"is damaged: {error}") from error
    if max(pixels.size) > LARGEST:
        pixels.thumbnail((LARGEST, LARGEST))
    return np.asarray(pixels)
