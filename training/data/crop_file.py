"""A file of crops is mapped into memory and read in random order, also where it is larger than the memory.

A system expects a file to be read in order. Around each place of a memory map it reads on, which in random order is
twenty times what is needed. So reading on is switched off, and the crops that are needed are read together.
"""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]

HAS_ADVICE = hasattr(mmap, "MADV_RANDOM")
"""Windows takes no advice; there the map is read as it is."""


class CropFile:
    """The crops of a file, uint8 of a shape (n, rows, columns, 3). Raises OSError, and ValueError for another size."""

    def __init__(self, file: Path, shape: tuple[int, ...]) -> None:
        with file.open("rb") as content:
            self._map = mmap.mmap(content.fileno(), 0, access=mmap.ACCESS_READ)
        if HAS_ADVICE:
            self._map.madvise(mmap.MADV_RANDOM)
        self._pixels = np.frombuffer(self._map, np.uint8).reshape(shape)
        self._bytes = self._pixels[0].nbytes

    def take(self, places: npt.NDArray[np.integer], out: Pixels | None = None) -> Pixels:
        """Return the crops at these places, uint8 (k, rows, columns, 3), in `out` if it is given.

        The system is told of all of them first, so that the disk reads them together.
        """
        if HAS_ADVICE:
            for place in places.tolist():
                start = place * self._bytes // mmap.PAGESIZE * mmap.PAGESIZE
                self._map.madvise(mmap.MADV_WILLNEED, start, (place + 1) * self._bytes - start)
        return np.take(self._pixels, places, axis=0, out=out, mode="clip")
