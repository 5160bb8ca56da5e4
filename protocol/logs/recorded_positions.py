"""Reads where the car was in a recorded drive: `extras.jsonl` beside the log holds the simulator's extra fields."""

from __future__ import annotations

import json
import math
from itertools import islice
from pathlib import Path

from protocol.logs.files import file_name_time_s
from protocol.position import NOWHERE, Position, read_position

EXTRAS_NAME = "extras.jsonl"
MAX_EXTRAS_LENGTH = 10_000
"""Characters of a line; a frame with longer extra fields has none."""

MAX_LINES = 2_000_000
"""A day of driving at 23 views a second."""

ZONE_STEP_S = 900.0
"""Names of images hold local time, and lines the time since 1970: they differ by a multiple of a quarter of an hour."""


class RecordedPositions:
    """The positions of a recording's frames; none without the file. Lines that make no sense are skipped.

    folder: the recording's. first_image: the name of its first image. Raises OSError.
    """

    def __init__(self, folder: Path, first_image: str) -> None:
        self._positions: dict[int, Position] = {}
        self._first_image_s = file_name_time_s(first_image)
        self._zone_s = 0.0
        path = folder / EXTRAS_NAME
        if math.isnan(self._first_image_s) or not path.is_file():
            return
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in islice(iter(lambda: file.readline(MAX_EXTRAS_LENGTH + 1), ""), MAX_LINES):
                self._note(line)

    def _note(self, line: str) -> None:
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError):
            return
        time_s = fields.get("time_s") if isinstance(fields, dict) else None
        if not isinstance(time_s, float) or not 0 < time_s < 1e11:
            return
        if not self._positions:
            self._zone_s = round((self._first_image_s - time_s) / ZONE_STEP_S) * ZONE_STEP_S
        self._positions[round(time_s * 1000)] = read_position(fields)

    def at(self, image_name: str) -> Position:
        """Where the car was when it saw this image; NOWHERE if that is not recorded."""
        time_s = file_name_time_s(image_name)
        if not self._positions or math.isnan(time_s):
            return NOWHERE
        return self._positions.get(round((time_s - self._zone_s) * 1000), NOWHERE)
