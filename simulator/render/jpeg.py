"""Encode frames as the game does, in one place, so that the server gets alike images from every world."""

from __future__ import annotations

import io

from PIL import Image

from protocol.messages import Frame

GAME_QUALITY = 75
"""Of Unity's encoder, whose colours have half the columns and rows. The tables in recorded images are those of this
quality, to the last figure.
"""


def jpeg_of(frame: Frame, quality: int = GAME_QUALITY) -> bytes:
    """Encode a frame, uint8 (rows, columns, 3)."""
    file = io.BytesIO()
    Image.fromarray(frame).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    return file.getvalue()
