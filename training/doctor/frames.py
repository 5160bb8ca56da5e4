"""The doctor decodes every image of a recording, finds damage, compares neighbours and keeps a small view of each row.

An image that begins and ends well can still be broken in between. Most decoders then silently fill in grey; libav in
its strict mode reports an error.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import av
import numpy as np
import numpy.typing as npt
from PIL import Image
from tqdm import tqdm

from protocol.arrays import Float32Array
from protocol.errors import ProtocolError
from protocol.images import decode_image
from protocol.messages import FRAME_COLUMNS, FRAME_ROWS
from protocol.recording import Sample

Grey = npt.NDArray[np.uint8]

CAMERAS = ("center", "left", "right")
VIEW_SHAPE = (20, 40)
CHUNK_ROWS = 64
"""One thread decodes so many neighbouring rows, so that it can compare them."""


class DamagedImageError(ValueError):
    """An image is damaged and no model should see it; the message says why."""


@dataclass(frozen=True, slots=True)
class Frames:
    """The results of decoding n rows. rows: their lines in the csv.

    damaged: what is wrong with an image, by line. views: (n, 20, 40) grey levels of the centre image, nan where it is
    damaged. change: (n,) mean difference of its grey levels from the row before, nan for the first.
    """

    rows: npt.NDArray[np.intp]
    damaged: Mapping[int, str]
    views: Float32Array
    change: Float32Array

    def of(self, samples: Sequence[Sample]) -> Frames:
        """Select a part of the rows, in their order; `change` still compares with the original row before."""
        rows = np.array([s.row for s in samples])
        positions = np.searchsorted(self.rows, rows)
        damaged = {row: self.damaged[row] for row in map(int, rows) if row in self.damaged}
        return Frames(rows, damaged, self.views[positions], self.change[positions])


def decode_frames(samples: Sequence[Sample], name: str) -> Frames:
    """Decode all images of all rows on all cores, and show a progress bar titled `name`."""
    views = np.full((len(samples), *VIEW_SHAPE), np.nan, np.float32)
    change = np.full(len(samples), np.nan, np.float32)
    damaged: dict[int, str] = {}
    pool = ThreadPoolExecutor(os.cpu_count())
    with tqdm(total=len(samples), unit=" rows", desc=f"decoding {name}", disable=None, leave=False) as bar:
        try:
            starts = range(0, len(samples), CHUNK_ROWS)
            for chunk in as_completed([pool.submit(_decode_chunk, samples, start, views, change) for start in starts]):
                damaged.update(chunk.result())
                bar.update(min(CHUNK_ROWS, len(samples) - bar.n))
        finally:
            pool.shutdown(cancel_futures=True)
    return Frames(np.array([s.row for s in samples]), dict(sorted(damaged.items())), views, change)


def grey_image(path: Path) -> Grey:
    """Read an image file's grey levels, uint8 (160, 320). Raises DamagedImageError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DamagedImageError(f"{path.name} cannot be read: {error.strerror}") from None
    try:
        picture = _strict_jpeg(data) if data[:2] == b"\xff\xd8" else _grey_png(data)
    except (av.FFmpegError, OSError, ValueError, SyntaxError, IndexError) as error:
        raise DamagedImageError(f"{path.name} {_describe_damage(data)} ({_first_line(error)})") from None
    if picture.shape != (FRAME_ROWS, FRAME_COLUMNS):
        rows, columns = picture.shape
        raise DamagedImageError(f"{path.name} is {columns} x {rows} pixels, not {FRAME_COLUMNS} x {FRAME_ROWS}")
    return picture


def _decode_chunk(samples: Sequence[Sample], start: int, views: Float32Array, change: Float32Array) -> dict[int, str]:
    """Decode the rows from `start` on into `views` and `change`; returns the damage by line."""
    damaged: dict[int, str] = {}
    previous = _half_size(samples[start - 1].center) if start else None
    for i in range(start, min(start + CHUNK_ROWS, len(samples))):
        sample = samples[i]
        current = None
        for camera in CAMERAS:
            path: Path | None = getattr(sample, camera)
            try:
                picture = grey_image(path) if path else None
            except DamagedImageError as error:
                damaged.setdefault(sample.row, str(error))
                continue
            if camera == "center" and picture is not None:
                current = _shrink(picture, 2)
                views[i] = _shrink(picture, FRAME_ROWS // VIEW_SHAPE[0])
        if current is not None and previous is not None:
            change[i] = np.abs(current - previous).mean()
        previous = current
    return damaged


def _half_size(path: Path) -> Float32Array | None:
    try:
        return _shrink(grey_image(path), 2)
    except DamagedImageError:
        return None


def _shrink(picture: Grey, factor: int) -> Float32Array:
    rows, columns = picture.shape
    blocks = picture.reshape(rows // factor, factor, columns // factor, factor)
    return cast(Float32Array, blocks.mean(axis=(1, 3), dtype=np.float32))


def _strict_jpeg(data: bytes) -> Grey:
    codec = av.CodecContext.create("mjpeg", "r")
    codec.options = {"err_detect": "explode"}
    codec.thread_count = 1
    frame = codec.decode(av.Packet(data))[0]
    luma = frame.planes[0]
    return np.frombuffer(bytes(luma), np.uint8).reshape(-1, luma.line_size)[: frame.height, : frame.width]


def _grey_png(data: bytes) -> Grey:
    with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
        return np.asarray(picture.convert("L"))


def _describe_damage(data: bytes) -> str:
    """Say whether a server would decode the frame to wrong pixels, or not at all."""
    try:
        decode_image(data)
    except ProtocolError:
        return "cannot be decoded"
    return "is damaged inside and decodes to wrong pixels"


def _first_line(error: Exception) -> str:
    return str(error).split("\n")[0][:80] or type(error).__name__
