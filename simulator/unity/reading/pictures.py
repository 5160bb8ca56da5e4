"""The pictures of textures: decoded with limits, made smaller, or substituted where a checkout lacks them."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import PurePosixPath

import numpy as np
from PIL import Image

from simulator.unity.files.errors import FormatError, LfsPointerError, UnityFileError, damage_named
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

Box = tuple[float, float, float, float]


class Pictures:
    """The pictures of a project, each decoded once. remarks: what is missing, one line each."""

    def __init__(self, project: UnityProject, report: Callable[[str], None]) -> None:
        self._project, self._report = project, report
        self._pictures: dict[tuple[str, bool], Picture] = {}
        self._pointers: list[str] = []
        self._others: list[str] = []

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was substituted, and why."""
        if not self._pointers:
            return tuple(self._others)
        names = ", ".join(PurePosixPath(path).name for path in self._pointers)
        advice = f"`git -C {self._project.checkout} lfs pull` fetches the pictures"
        return (f"pointers of Git LFS, for which substitutes are drawn: {names}; {advice}", *self._others)

    def of_guid(self, guid: str | None, plant: bool = False) -> Picture:
        """The picture of a reference. plant: it needs an outline. Raises OSError for an unreadable disk."""
        path = self._project.paths.get(guid or "")
        if path is None:
            path = f"guid {guid}"
            if (path, plant) not in self._pictures:
                self._others.append(f"a picture with the GUID {guid} is missing; a substitute is drawn")
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
            except LfsPointerError:
                self._pointers.append(path)
                self._pictures[path, plant] = _substitute(path, plant, "a pointer of Git LFS")
            except UnityFileError as error:
                self._others.append(f"{error}; a substitute is drawn")
                self._pictures[path, plant] = _substitute(path, plant, str(error))
        return self._pictures[path, plant]


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
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:  # Pillow's words for damage
        raise ValueError(f"no picture that can be read: {error}") from error
    if max(pixels.size) > LARGEST:
        pixels.thumbnail((LARGEST, LARGEST))
    return np.asarray(pixels)
