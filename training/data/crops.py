"""Training decodes each image once, and keeps the rows that it looks at in files beside the run.

Decoding a JPEG takes longer than all that training does with its pixels, and an epoch shows every image again. The
files hold plain pixels, so any crop of them is read at the speed of the disk, or of memory once it was read.
A file is made anew when an image, its time or the rows have changed. Where the disk has too little room, images are
decoded whenever they are needed.
"""

from __future__ import annotations

import hashlib
import math
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from tqdm import tqdm

from protocol.errors import RecordingError
from protocol.images import DECODER_ERRORS
from protocol.messages import FRAME_COLUMNS, FRAME_ROWS
from training.data.crop_file import CropFile
from training.data.viewpoint import Rows

Pixels = npt.NDArray[np.uint8]
Paths = Sequence[str] | npt.NDArray[np.str_]

DECODED_AT_ONCE = 512
"""Threads decode so many images (35 MB) before these are written."""

FREE_SHARE = 0.5
"""The files take at most this share of the room that the disk has left."""


class Crops:
    """The crops of recordings' images: the rows `read` of each, uint8 (n, rows, 320, 3).

    folder: where the files lie; it may be missing.
    """

    def __init__(self, folder: Path, read: Rows) -> None:
        self.read = read
        self._folder = folder
        self._numbers: dict[str, int] = {}
        self._paths: list[str] = []
        self._files: list[tuple[int, CropFile | None]] = []
        self._in_use: set[Path] = set()

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of one crop."""
        return self.read[1] - self.read[0], FRAME_COLUMNS, 3

    @property
    def nbytes(self) -> int:
        """The bytes of all crops."""
        return len(self) * math.prod(self.shape)

    def __len__(self) -> int:
        return len(self._paths)

    def add(self, name: str, paths: Paths) -> None:
        """Add a recording's images, after decoding them unless its file is there.

        Raises RecordingError for an image that cannot be decoded, and OSError for a disk that cannot be written.
        """
        new = [path for path in dict.fromkeys(map(str, paths)) if path and path not in self._numbers]
        if not new:
            return
        first = len(self._paths)
        self._numbers |= {path: first + place for place, path in enumerate(new)}
        self._paths += new
        file = self._folder / f"{name}-{self._digest(new)}.crops"
        size = len(new) * math.prod(self.shape)
        if not file.exists() or file.stat().st_size != size:
            self._folder.mkdir(parents=True, exist_ok=True)
            if size > FREE_SHARE * shutil.disk_usage(self._folder).free:
                print(f"{name}: {size / 1e6:,.0f} MB are too much for this disk; images are decoded when needed")
                self._files.append((first, None))
                return
            self._write(file, new, size)
        self._files.append((first, CropFile(file, (len(new), *self.shape))))
        self._in_use.add(file)

    def delete_others(self) -> None:
        """Delete the folder's files that none of these recordings needs, such as those of images that have changed."""
        for file in self._folder.glob("*.crops*"):
            if file not in self._in_use:
                file.unlink()

    def _digest(self, paths: Sequence[str]) -> str:
        """Name what a file holds: these rows of these images, as large and as old as they are now."""
        content = hashlib.sha256(repr(self.read).encode())
        for path in paths:
            status = os.stat(path)
            content.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
        return content.hexdigest()[:16]

    def _write(self, file: Path, paths: Sequence[str], size: int) -> None:
        partial_file = file.with_name(f"{file.name}.{os.getpid()}.partial")  # two trainings may share the folder
        title = f"decoding into {size / 1e6:,.0f} MB"
        with partial_file.open("wb") as output, tqdm(total=len(paths), unit=" images", desc=title) as bar:
            for group in _groups(paths, DECODED_AT_ONCE):
                output.write(decode_crops(group, self.read).data)
                bar.update(len(group))
        os.replace(partial_file, file)

    def numbers(self, paths: Paths) -> npt.NDArray[np.int32]:
        """Return the numbers of images, (n,). Raises KeyError for one that was not added."""
        return np.array([self._numbers[path] for path in map(str, paths)], np.int32)

    def take(self, numbers: npt.NDArray[np.int32]) -> Pixels:
        """Return the crops of these numbers, uint8 (..., rows, 320, 3)."""
        flat = numbers.reshape(-1)
        crops = np.empty((flat.size, *self.shape), np.uint8)
        ends = [first for first, _ in self._files[1:]] + [len(self)]
        for (first, file), end in zip(self._files, ends, strict=True):
            places = np.flatnonzero((flat >= first) & (flat < end))
            if not places.size:
                continue
            if file is None:
                crops[places] = decode_crops([self._paths[number] for number in flat[places]], self.read)
            elif places.size == flat.size:
                file.take(flat - first, out=crops)
            else:
                crops[places] = file.take(flat[places] - first)
        return crops.reshape(*numbers.shape, *crops.shape[1:])

    def images(self, paths: Paths, rows: Rows, batch: int) -> Iterator[Pixels]:
        """Yield `rows` of images in order, in batches of uint8 (n, rows, 320, 3); also of images that were not added.

        Raises RecordingError for an image that cannot be decoded.
        """
        part = slice(rows[0] - self.read[0], rows[1] - self.read[0])
        for group in _groups(list(map(str, paths)), batch):
            if self._numbers.keys() >= set(group):
                yield np.ascontiguousarray(self.take(self.numbers(group))[:, part])
            else:
                yield decode_crops(group, rows)

    def delete(self) -> None:
        """Delete the files; they are of no use to a finished training. These crops cannot be used any more."""
        self._files.clear()
        shutil.rmtree(self._folder, ignore_errors=True)  # Windows keeps a file that is still mapped


def _groups(paths: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (paths[first : first + size] for first in range(0, len(paths), size))


def decode_crops(paths: Paths, rows: Rows) -> Pixels:
    """Decode the rows of image files by threads: uint8 (n, rows, 320, 3). Raises RecordingError."""
    with ThreadPoolExecutor() as threads:
        return np.stack(list(threads.map(partial(_decode, rows=rows), paths)))


def _decode(path: str, rows: Rows) -> Pixels:
    """Decode a JPEG or PNG file as for driving, by Pillow."""
    try:
        with Image.open(path, formats=("JPEG", "PNG")) as picture:
            if picture.size != (FRAME_COLUMNS, FRAME_ROWS):
                raise ValueError(f"{picture.size[0]} x {picture.size[1]} pixels")
            return np.asarray(picture.convert("RGB"))[rows[0] : rows[1]]
    except DECODER_ERRORS as error:
        raise RecordingError(
            f"{path} cannot be decoded to {FRAME_ROWS} x {FRAME_COLUMNS} pixels ({error});"
            " find it with: python -m training.doctor RECORDING --exclude damaged"
        ) from None
