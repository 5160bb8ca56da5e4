"""Encodes pictures of a drive as an H.264 mp4 at true speed: each is shown as long as it was current in the drive.

The file is written in fragments of one second, so that it plays after `kill -9` too, up to about the last second. When
it is closed, it becomes a plain mp4, whose header gives its length.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from film.lettering import Picture
from film.overlay import CAMERA_ROWS, FILM_ROWS, WIDTH, Overlay, Shot, card_place
from film.timeline import Timeline
from protocol.messages import FRAME_SHAPE

TICKS_PER_S = 90_000
"""Time base of the film, finer than the clocks that stamp frames."""

KEY_FRAME_S = 1.0
"""Interval of key frames and fragments, and thus the most that a killed process loses."""

BT601, BT709 = 6, 1
"""H.264's codes for the conversion's colour matrix, and for sRGB's primaries and transfer curve."""

ENCODER = {
    "preset": "veryfast",
    "tune": "zerolatency",
    "crf": "26",
    "maxrate": "950k",
    "bufsize": "1000k",
    "x264-params": "chroma-qp-offset=-4:force-cfr=0",
}
"""At most 950 kbit/s, so that a minute takes less than 8 MB, whatever it shows. force-cfr=0 lets the encoder spend them
by the pictures' times; otherwise it takes every film for one of 30 pictures a second. With zerolatency it holds back
only one picture, which a killed process loses. The chroma offset avoids a trace behind the wheel's blue mark. Faster
presets leave traces behind numbers and tint the road at this rate; docs/benchmarks.md has the figures."""

CONTAINER = {"movflags": "frag_keyframe+default_base_moof+hybrid_fragmented", "flush_packets": "1"}


class FilmWriter:
    """Writes one film in the calling thread. path: overwritten if it exists; title: text under the picture.

    Raises OSError when the file cannot be written, here or in any method (PyAV's own errors are among them).
    """

    def __init__(self, path: Path, title: str) -> None:
        with open(path, "wb"):
            pass  # fails early: Python's error names the path and the reason
        self.path = path
        self.frames = 0
        self.duration_s = 0.0
        self._failed = False
        self._overlay = Overlay(title)
        self._timeline = Timeline()
        self._next_key_s = 0.0
        self._last_step_s = 1 / 30
        self._container = av.open(str(path), "w", format="mp4", options=CONTAINER)
        self._container.metadata["title"] = title
        self._stream: VideoStream = self._container.add_stream("libx264", rate=30, options=ENCODER)
        _set_up(self._stream)

    def write(self, shot: Shot, rate_hz: float | None = None) -> None:
        """Add a picture. rate_hz: answers per second, for the overlay. Raises ValueError for another frame shape."""
        if shot.frame.shape != FRAME_SHAPE or shot.frame.dtype != np.uint8:
            raise ValueError(f"expected a uint8 frame of {FRAME_SHAPE}, got {shot.frame.dtype} {shot.frame.shape}")
        film_s = self._timeline.place(shot.time_s)
        if self.frames:
            self._last_step_s = film_s - self.duration_s
        panel = self._overlay.panel(shot, film_s, rate_hz)
        picture = _compose(shot.frame, panel, self._overlay.card)
        picture.pts = round(film_s * TICKS_PER_S)
        picture.time_base = Fraction(1, TICKS_PER_S)
        picture.pict_type = PictureType.NONE
        if film_s >= self._next_key_s:
            picture.pict_type = PictureType.I
            self._next_key_s = film_s + KEY_FRAME_S
        self._mux(picture)
        self.frames += 1
        self.duration_s = film_s

    def close(self) -> None:
        """Complete the file; without any picture, delete it."""
        try:
            if self.frames and not self._failed:  # FFmpeg crashes when it goes on after a failed write
                self._mux(None)
        finally:
            self._container.close()
        if not self.frames:
            self.path.unlink(missing_ok=True)

    def _mux(self, picture: VideoFrame | None) -> None:
        try:
            for packet in self._stream.encode(picture):
                packet.duration = round(self._last_step_s * TICKS_PER_S)  # the last one lasts as long as the one before
                self._container.mux(packet)
        except Exception:
            self._failed = True
            raise


def _set_up(stream: VideoStream) -> None:
    context = stream.codec_context
    context.width, context.height, context.pix_fmt = WIDTH, FILM_ROWS, "yuv420p"
    context.time_base = stream.time_base = Fraction(1, TICKS_PER_S)
    context.thread_count = 1
    context.gop_size = 10_000  # key frames come by time, not by count
    context.colorspace, context.color_primaries, context.color_trc = BT601, BT709, BT709


def _compose(frame: Picture, panel: Picture, card: Picture | None) -> VideoFrame:
    """Compose camera image, the card in its corner, and the panel into one yuv420p picture.

    The camera image is enlarged and converted in one step, which costs a third of two separate steps.
    """
    camera = VideoFrame.from_ndarray(frame).reformat(WIDTH, CAMERA_ROWS, "yuv420p", interpolation="BICUBIC", threads=1)
    above = _planes(camera)
    if card is not None:
        rows, columns = card_place(card)
        for plane, part, step in zip(above, _planes(_converted(card)), (1, 2, 2), strict=True):
            plane[rows.start // step : rows.stop // step, columns.start // step : columns.stop // step] = part
    planes = [part.ravel() for pair in zip(above, _planes(_converted(panel)), strict=True) for part in pair]
    return VideoFrame.from_ndarray(np.concatenate(planes).reshape(-1, WIDTH), format="yuv420p")


def _converted(picture: Picture) -> VideoFrame:
    return VideoFrame.from_ndarray(picture).reformat(format="yuv420p", threads=1)


def _planes(picture: VideoFrame) -> list[Picture]:
    """The Y, U and V planes of a yuv420p picture with even sides."""
    rows, columns = picture.height, picture.width
    packed = np.array(picture.to_ndarray(), np.uint8).ravel()
    luma, chroma = rows * columns, rows * columns // 4
    return [
        packed[:luma].reshape(rows, columns),
        packed[luma : luma + chroma].reshape(rows // 2, columns // 2),
        packed[luma + chroma :].reshape(rows // 2, columns // 2),
    ]
