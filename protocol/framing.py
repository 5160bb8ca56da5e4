"""How the simulator's own websocket library cuts a message (websocket-sharp, as published with the simulator).

It never sends more than 1,016 bytes in one frame, writes each frame by itself and leaves Nagle's algorithm on. All our
clients do the same by default: a server that is quick with one frame may be slow with seventeen.
"""

from __future__ import annotations

from collections.abc import Iterator

FRAGMENT_BYTES = 1016
CONTINUATION, TEXT = 0x0, 0x1


def fragments(message: bytes, size: int = FRAGMENT_BYTES) -> Iterator[tuple[int, bool, bytes]]:
    """The frames of a text message: opcode, whether it is the last, payload of at most `size` bytes."""
    starts = range(0, max(1, len(message)), size)
    for start in starts:
        yield CONTINUATION if start else TEXT, start == starts[-1], message[start : start + size]
