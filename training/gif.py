"""Writes shots of a drive as an animated GIF, small enough for a README.

A GIF has one palette of few colours and no motion compensation, so the size is won before encoding: fewer pictures, a
smaller size, a palette made for this very film, and no dithering, whose noise does not compress.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from PIL import Image

from server.hud import ACCENT, FILM_ROWS, GREEN, GROUND, RED, TEXT, WIDTH, Hud, Shot
from server.timeline import FrameLimit, Timeline

PICTURES_PER_S = 10.0
COLOURS = 64
PALETTE_PICTURES = 24
"""Pictures, evenly spread over the film, that its colours are chosen from."""

MAX_PICTURES = 600
"""A minute: all of them are in memory at once, and nobody puts more into a README."""


class GifWriter:
    """Collects pictures and writes them at the end. path: replaced if it exists; width: 64 to 640 pixels.

    Raises OSError when the file cannot be written, ValueError for a film of more than a minute.
    """

    def __init__(self, path: Path, title: str, width: int) -> None:
        self._partial = path.with_name(path.name + ".partial")
        self._partial.write_bytes(b"")
        self.path = path
        self.duration_s = 0.0
        self._size = (width, round(width * FILM_ROWS / WIDTH))
        self._hud = Hud(title)
        self._timeline = Timeline()
        self._limit = FrameLimit(PICTURES_PER_S)
        self._pictures: list[Image.Image] = []
        self._times_s: list[float] = []

    @property
    def frames(self) -> int:
        """Pictures taken so far."""
        return len(self._pictures)

    def write(self, shot: Shot) -> None:
        """Add a picture; more than ten a second are left out."""
        self.duration_s = self._timeline.place(shot.time_s)
        if not self._limit.admits(self.duration_s):
            return
        if len(self._pictures) >= MAX_PICTURES:
            raise ValueError(
                f"the GIF ends after {MAX_PICTURES} pictures; choose a stretch with --start and --end, or make an mp4"
            )
        picture = Image.fromarray(self._hud.picture(shot, self.duration_s))
        self._pictures.append(picture.resize(self._size, Image.Resampling.LANCZOS))
        self._times_s.append(self.duration_s)

    def close(self) -> None:
        """Choose the palette and write the file, in one step under its own name."""
        try:
            if self._pictures:
                self._save()
        finally:
            self._partial.unlink(missing_ok=True)

    def _save(self) -> None:
        palette = self._palette()
        few = [p.quantize(palette=palette, dither=Image.Dither.NONE) for p in self._pictures]
        few[0].save(self._partial, "GIF", save_all=True, append_images=few[1:], duration=self._durations_ms(), loop=0)
        os.replace(self._partial, self.path)

    def _palette(self) -> Image.Image:
        """One palette for all, as pictures of the same colours compress together; the panel's are sure of a place."""
        chosen = self._pictures[:: max(1, len(self._pictures) // PALETTE_PICTURES)]
        montage = np.concatenate([np.asarray(p) for p in chosen])
        sure = (GROUND, TEXT, ACCENT, GREEN, RED)
        palette = Image.fromarray(montage).quantize(COLOURS - len(sure), Image.Quantize.MEDIANCUT)
        colours = (palette.getpalette() or [])[: 3 * (COLOURS - len(sure))]
        palette.putpalette([*colours, *(value for colour in sure for value in colour)])
        return palette

    def _durations_ms(self) -> list[int]:
        """In the format's hundredths of a second, rounded so that the errors do not add up."""
        ends_s = [*self._times_s[1:], self._times_s[-1] + 1 / PICTURES_PER_S]
        ticks = np.round(100 * np.array([self._times_s[0], *ends_s])).astype(int)
        return [int(t) * 10 for t in np.diff(ticks)]
