"""Writes pictures of a drive as an animated GIF, small enough for a README.

A GIF has no motion compensation, so this module reduces the data before it encodes: fewer and smaller pictures, one
palette of few colours for the film, and no dithering, whose noise does not compress.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from film.overlay import FILM_ROWS, WIDTH, Overlay, Shot
from film.timeline import FrameLimit, Timeline

PICTURES_PER_S = 10
COLOURS = 64
PALETTE_PICTURES = 24
"""The palette is chosen from this many pictures, evenly spread over the film."""

MAX_PICTURES = 600
"""One minute; all pictures are in memory at once."""


class GifWriter:
    """Collects pictures and writes them at the end. path: overwritten if it exists; width: 64 to 640 pixels.

    Raises OSError when the file cannot be written, ValueError for a film of more than a minute.
    """

    def __init__(self, path: Path, title: str, width: int) -> None:
        path.write_bytes(b"")  # fails early if the file cannot be written
        self.path = path
        self.duration_s = 0.0
        self._size = (width, round(width * FILM_ROWS / WIDTH))
        self._overlay = Overlay(title)
        self._timeline = Timeline()
        self._limit = FrameLimit(PICTURES_PER_S)
        self._pictures: list[Image.Image] = []
        self._ticks: list[int] = []
        """Start time of each picture, in the format's hundredths of a second."""

    @property
    def frames(self) -> int:
        """Pictures collected so far."""
        return len(self._pictures)

    def write(self, shot: Shot) -> None:
        """Add a picture; pictures beyond ten a second are skipped."""
        self.duration_s = self._timeline.place(shot.time_s)
        if not self._limit.admits(self.duration_s):
            return
        if len(self._pictures) >= MAX_PICTURES:
            raise ValueError(
                f"the GIF ends after {MAX_PICTURES} pictures; choose a part with --start and --end, or make an mp4"
            )
        picture = Image.fromarray(self._overlay.picture(shot, self.duration_s))
        self._pictures.append(picture.resize(self._size, Image.Resampling.LANCZOS))
        self._ticks.append(round(100 * self.duration_s))

    def close(self) -> None:
        """Choose the palette and write the file; without any picture, delete the file."""
        if not self._pictures:
            self.path.unlink(missing_ok=True)
            return
        examples = self._pictures[:: max(1, len(self._pictures) // PALETTE_PICTURES)]
        montage = Image.fromarray(np.concatenate([np.asarray(picture) for picture in examples]))
        palette = montage.quantize(COLOURS, Image.Quantize.FASTOCTREE)  # keeps the rare colours of the panel
        reduced = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in self._pictures]
        ends = [*self._ticks[1:], self._ticks[-1] + 100 // PICTURES_PER_S]
        durations_ms = [10 * (end - start) for start, end in zip(self._ticks, ends, strict=True)]
        reduced[0].save(self.path, "GIF", save_all=True, append_images=reduced[1:], duration=durations_ms, loop=0)
