"""Streams finished recordings as a ZIP file, which is made while it is sent, and stored nowhere.

The images are JPEG already, so nothing is compressed. Reading runs on a thread, so that no answer waits for a disk.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from server.net.run_in_thread import run_in_thread

CHUNK_BYTES = 1_000_000
"""Read on a thread at a time; about 70 camera images."""


class _Chunk(io.RawIOBase):
    """What the ZIP file writes; it cannot be sought, so the archive needs no second pass."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._pieces.append(bytes(data))
        self.size += len(data)
        return len(data)

    def take(self) -> bytes:
        """All that has been written since the last call."""
        data = b"".join(self._pieces)
        self._pieces, self.size = [], 0
        return data


def archive(folders: Iterable[Path]) -> Iterator[bytes]:
    """The bytes of a ZIP file that holds these folders with their names. Raises OSError.

    A file that has gone since the recording is left out.
    """
    chunks = _chunks(folders)
    while True:
        chunk = run_in_thread(lambda: next(chunks, b""))
        if not chunk:
            return
        yield chunk


def _chunks(folders: Iterable[Path]) -> Iterator[bytes]:
    chunk = _Chunk()
    with zipfile.ZipFile(chunk, "w", strict_timestamps=False) as file:
        for folder in folders:
            for path in sorted(folder.rglob("*")):
                if path.is_symlink() or not path.is_file():
                    continue
                file.write(path, path.relative_to(folder.parent))
                if chunk.size >= CHUNK_BYTES:
                    yield chunk.take()
    yield chunk.take()
