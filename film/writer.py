"""Encodes shots of a drive as an H.264 mp4 at true speed: each picture stands as long as it did in the drive.

The file is written in fragments of a second, so that it plays also after `kill -9`, up to the last second or so; closed
properly it becomes a plain mp4 whose length every player knows at once.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from film.overlay import CAMERA_ROWS, FILM_ROWS, PANEL_ROWS, WIDTH, Overlay, Picture, Shot
from film.timeline import Timeline
from protocol.messages import FRAME_SHAPE

TICKS_PER_S = 90_000
"""Time base of the film: finer than any clock that stamps frames."""

KEY_FRAME_S = 1.0
"""Between key frames, and so between fragments: what a killed process may lose."""

BT601, BT709 = 6, 1
"""H.264's numbers of the colour matrix that the pictures are converted with, and of sRGB's primaries and curve."""

ENCODER = {"preset": "ultrafast", "tune": "zerolatency", "crf": "23", "x264-params": "chroma-qp-offset=-4"}
"""Every picture leaves the encoder at once, so that none is lost in it. Without the finer colours the blue mark of a
turning wheel leaves a trace. The fastest preset takes 2.6 ms a picture instead of the next one's 4.1, for half as much
again in size: what counts beside a server that answers."""

CONTAINER = {"movflags": "frag_keyframe+default_base_moof+hybrid_fragmented", "flush_packets": "1"}


class FilmWriter:
    """Writes one film in the calling thread. path: replaced if it exists; title: shown under the picture.

    Raises OSError when the file cannot be written, here or in any method (PyAV's own errors are among them).
    """

    def __init__(self, path: Path, title: str) -> None:
        with open(path, "wb"):
            pass  # Python's own error names the path and the reason
        self.path = path
        self.frames = 0
        self.duration_s = 0.0
        self._hud = Overlay(title)
        self._timeline = Timeline()
        self._next_key_s = 0.0
        self._last_step_s = 1 / 30
        self._container = av.open(str(path), "w", format="mp4", options=CONTAINER)
        self._container.metadata["title"] = title
        self._stream: VideoStream = self._container.add_stream("libx264", rate=30, options=ENCODER)
        _set_up(self._stream)

    def write(self, shot: Shot, rate_hz: float | None = None) -> None:
        """Add a picture. rate_hz: answers a second, drawn with it. Raises ValueError for a frame of another shape."""
        if shot.frame.shape != FRAME_SHAPE or shot.frame.dtype != np.uint8:
            raise ValueError(f"expected a uint8 frame of {FRAME_SHAPE}, got {shot.frame.dtype} {shot.frame.shape}")
        film_s = self._timeline.place(shot.time_s)
        if self.frames:
            self._last_step_s = film_s - self.duration_s
        picture = _compose(shot.frame, self._hud.panel(shot, film_s, rate_hz))
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
        """Finish the file; a film of no picture leaves none."""
        try:
            if self.frames:
                self._mux(None)
        finally:
            self._container.close()
        if not self.frames:
            self.path.unlink(missing_ok=True)

    def _mux(self, picture: VideoFrame | None) -> None:
        for packet in self._stream.encode(picture):
            packet.duration = round(self._last_step_s * TICKS_PER_S)  # the last picture's: as long as the one before
            self._container.mux(packet)


def _set_up(stream: VideoStream) -> None:
    context = stream.codec_context
    context.width, context.height, context.pix_fmt = WIDTH, FILM_ROWS, "yuv420p"
    context.time_base = stream.time_base = Fraction(1, TICKS_PER_S)
    context.thread_count = 1
    context.gop_size = 10_000  # key frames come by time, not by count
    context.colorspace, context.color_primaries, context.color_trc = BT601, BT709, BT709


def _compose(frame: Picture, panel: Picture) -> VideoFrame:
    """Camera and panel as one yuv420p picture.

    Each is converted by itself: enlarging and converting in one step costs a third of doing it one after the other.
    """
    camera = VideoFrame.from_ndarray(frame).reformat(WIDTH, CAMERA_ROWS, "yuv420p", interpolation="BICUBIC", threads=1)
    below = VideoFrame.from_ndarray(panel).reformat(format="yuv420p", threads=1)
    planes = [
        part
        for top, bottom in zip(_planes(camera, CAMERA_ROWS), _planes(below, PANEL_ROWS), strict=True)
        for part in (top, bottom)
    ]
    return VideoFrame.from_ndarray(np.concatenate(planes), format="yuv420p")


def _planes(picture: VideoFrame, rows: int) -> list[Picture]:
    """Y, U and V of a packed yuv420p picture, each as rows of the full width."""
    packed: Picture = np.asarray(picture.to_ndarray(), np.uint8)
    return [packed[:rows], packed[rows : rows * 5 // 4], packed[rows * 5 // 4 :]]
