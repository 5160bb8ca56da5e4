"""Writes a recording row by row during a drive; `protocol.recording` reads it, and every other csv dialect."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from types import TracebackType

from protocol.logs.files import IMAGE_FOLDER, LOG_NAME


class Recorder:
    """Writes a recording in Udacity's format; each row is flushed before the next one begins.

    folder: created if missing. append: continue the log that it holds. earlier_rows: lines that the log had before;
    rows: those written since. Raises FileExistsError if the folder already holds a log and `append` is false, and
    OSError on disk errors.
    """

    def __init__(self, folder: Path | str, append: bool = False) -> None:
        self.folder = Path(folder)
        (self.folder / IMAGE_FOLDER).mkdir(parents=True, exist_ok=True)
        self._log = open(self.folder / LOG_NAME, "a" if append else "x", newline="", encoding="utf-8")
        self.earlier_rows = self._end_last_line()
        self._prefix = f"{self.folder}{os.sep}"
        self._last_ms = 0
        self.rows = 0

    def write(
        self,
        time_s: float,
        image: bytes,
        steering: float,
        throttle: float,
        brake: float,
        speed_mph: float,
        left: bytes | None = None,
        right: bytes | None = None,
    ) -> None:
        """Add one row. time_s: seconds since 1970; image, left, right: JPEG or PNG bytes; steering -1..1.

        The file name is the row's time in milliseconds: if two frames have the same one, the second gets the next.
        """
        self._last_ms = max(round(time_s * 1000), self._last_ms + 1)
        stamp = datetime.fromtimestamp(self._last_ms // 1000).strftime("%Y_%m_%d_%H_%M_%S")
        paths = [
            self._save(camera, f"{stamp}_{self._last_ms % 1000:03d}", data)
            for camera, data in (("center", image), ("left", left), ("right", right))
        ]
        numbers = (f"{value:.7g}" for value in (steering, throttle, brake, speed_mph))
        self._log.write(",".join((*paths, *numbers)) + "\n")
        self._log.flush()
        self.rows += 1

    def _end_last_line(self) -> int:
        """Complete a last line that was cut off, so that the next row has a line of its own; the number of lines."""
        text = (self.folder / LOG_NAME).read_bytes()
        if text and not text.endswith(b"\n"):
            self._log.write("\n")
        return len(text.splitlines())

    def _save(self, camera: str, stamp: str, data: bytes | None) -> str:
        if data is None:
            return ""
        suffix = "png" if data[:4] == b"\x89PNG" else "jpg"
        name = f"{IMAGE_FOLDER}/{camera}_{stamp}.{suffix}"
        with open(f"{self._prefix}{name}", "wb", buffering=0) as file:
            file.write(data)
        return name

    def close(self) -> None:
        """Close the log; the recording is then complete."""
        self._log.close()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
