"""A sheet shows what each corruption does to a picture of the track, at the strengths 1, 3 and 5."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from pathlib import Path

from PIL import Image, ImageDraw

from film.lettering import GROUND, LABEL, TEXT, font
from models.whole_files import write_whole
from protocol.messages import Frame
from simulator.render.opening import TrackScene
from simulator.world.track import Track
from training.robustness.catalogue import CLEAN, CORRUPTIONS
from training.robustness.corrupted_world import CorruptedWorld
from training.robustness.corruption import Corruption
from training.robustness.stretches import RoadStretch

SHEET_STRENGTHS = (1, 3, 5)
INVISIBLE = ("timing", "steering")
"""Groups whose corruptions change no single picture."""

NOTE = f"each corruption at the\nstrengths {', '.join(map(str, SHEET_STRENGTHS))}"

SIZE, GAP, COLUMNS, MARGIN, HEAD, QUALITY = (176, 88), 2, 2, 8, 15, 48


def save_sheet(track: Track, scene: TrackScene, path: Path, place_m: float) -> None:
    """Write the sheet as JPEG, of the view from `place_m` on the lap. Raises OSError."""
    corruptions = [CLEAN, *(corruption for corruption in CORRUPTIONS if corruption.group not in INVISIBLE)]
    width, height = len(SHEET_STRENGTHS) * (SIZE[0] + GAP) + MARGIN, SIZE[1] + HEAD + MARGIN
    lines = math.ceil(len(corruptions) / COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * width + MARGIN, lines * height + MARGIN), GROUND)
    for number, corruption in enumerate(corruptions):
        corner = MARGIN + number % COLUMNS * width, MARGIN + number // COLUMNS * height
        strengths = SHEET_STRENGTHS[:1] if corruption is CLEAN else SHEET_STRENGTHS
        frames = {strength: _frame(track, scene, place_m, corruption, strength) for strength in strengths}
        _draw_cell(sheet, corner, corruption, frames)
    file = io.BytesIO()
    sheet.save(file, "JPEG", quality=QUALITY, optimize=True)
    write_whole(path, file.getvalue())


def _draw_cell(
    sheet: Image.Image, corner: tuple[int, int], corruption: Corruption, frames: Mapping[int, Frame]
) -> None:
    """Draw a corruption's pictures side by side, and above each its amount."""
    pencil = ImageDraw.Draw(sheet)
    left, top = corner
    pencil.text((left, top), corruption.name, TEXT, font(11))
    for strength, frame in frames.items():
        sheet.paste(Image.fromarray(frame).resize(SIZE, Image.Resampling.LANCZOS), (left, top + HEAD))
        left += SIZE[0] + GAP
        if corruption is not CLEAN:
            pencil.text((left - GAP, top), corruption.described(strength), LABEL, font(10), anchor="ra")
    if corruption is CLEAN:
        pencil.multiline_text((left + MARGIN, top + HEAD), NOTE, LABEL, font(12))


def _frame(track: Track, scene: TrackScene, place_m: float, corruption: Corruption, strength: int) -> Frame:
    """The first picture of a drive from there."""
    disturbance = corruption.start(corruption.amount(strength), 0)
    return CorruptedWorld(track, scene, RoadStretch(place_m, 1.0), disturbance).frame()
