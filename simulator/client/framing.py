"""Splits a message into websocket frames as the simulator's library does (websocket-sharp, from Udacity's project).

The library sends at most 1,016 bytes in one frame, writes each frame separately and leaves Nagle's algorithm on. The
project's clients do the same by default, because a server may answer one frame fast and seventeen slowly.
"""

from __future__ import annotations

from collections.abc import Iterator

FRAGMENT_BYTES = 1016
CONTINUATION, TEXT = 0x0, 0x1


def fragments(message: bytes, size: int = FRAGMENT_BYTES) -> Iterator[tuple[int, bool, bytes]]:
    """The frames of a text message: opcode, whether the frame is the last, payload of at most `size` bytes."""
    starts = range(0, max(1, len(message)), size)
    for start in starts:
        yield CONTINUATION if start else TEXT, start == starts[-1], message[start : start + size]
