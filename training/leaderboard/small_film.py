"""A film is made small enough to be a part of a page: half the size, and few bits."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av

ENCODER = {"preset": "veryfast", "crf": "38"}
"""A minute of the lake takes some 0.4 MB."""

TIME_BASE = Fraction(1, 90_000)
RATE, KEY_FRAMES = 8, 80
"""Pictures a second, and of how many one is complete, so that a film can be wound."""


def small_film(file: Path) -> bytes:
    """Encode an mp4 again at half its size. Raises OSError."""
    small = file.with_name(f"small-{file.name}")
    with av.open(str(file)) as source, av.open(str(small), "w", options={"movflags": "faststart"}) as target:
        pictures = source.streams.video[0]
        stream = target.add_stream("libx264", rate=RATE, options=ENCODER)
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = pictures.width // 2, pictures.height // 2, "yuv420p"
        context.thread_count, context.gop_size = 1, KEY_FRAMES
        context.time_base = stream.time_base = TIME_BASE
        for picture in source.decode(pictures):
            smaller = picture.reformat(context.width, context.height, "yuv420p", interpolation="AREA", threads=1)
            smaller.pts, smaller.time_base = picture.pts, picture.time_base
            target.mux(stream.encode(smaller))
        target.mux(stream.encode(None))
    return small.read_bytes()
