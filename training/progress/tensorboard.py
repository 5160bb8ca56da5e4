"""Training writes each epoch's figures as TensorBoard scalars, into an event file in the run's folder.

The file is a series of TFRecords, each a protocol buffer `Event`. Both formats are small, and a training that runs on
JAX or PyTorch needs no TensorFlow for them.

    pip install tensorboard && tensorboard --logdir runs

Sources: TensorFlow's record_writer.h (length, masked CRC-32C, data, masked CRC-32C) and event.proto, summary.proto.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from models.whole_files import write_whole

NAME = "events.out.tfevents.run"
VERSION = b"brain.Event:2"


def write_events(history: Sequence[Mapping[str, float]], folder: Path, started_s: float) -> None:
    """Write per-epoch figures to folder/NAME.

    history: rows with `epoch` and `seconds`; started_s: time.time() when the run began.

    The file is written anew each time, and its earlier part is the same to the byte. So a TensorBoard that has read so
    far reads on, and a resumed run repeats nothing. Raises OSError.
    """
    now_s = started_s
    records = [_record(_double(1, now_s) + _bytes(3, VERSION))]
    for row in history:
        now_s += row["seconds"]
        values = b"".join(
            _bytes(1, _bytes(1, name.encode()) + _float(2, value))
            for name, value in row.items()
            if name != "epoch" and not math.isnan(value)
        )
        records.append(_record(_double(1, now_s) + _whole(2, int(row["epoch"])) + _bytes(5, values)))
    write_whole(folder / NAME, b"".join(records))


def _record(event: bytes) -> bytes:
    length = struct.pack("<Q", len(event))
    return length + _masked_crc(length) + event + _masked_crc(event)


def _masked_crc(content: bytes) -> bytes:
    crc = 0xFFFFFFFF
    for byte in content:
        crc = _crc_table()[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


@cache
def _crc_table() -> tuple[int, ...]:
    """The remainders of CRC-32C (Castagnoli) for each byte, with the lowest bit first."""
    remainders = []
    for byte in range(256):
        remainder = byte
        for _ in range(8):
            remainder = remainder >> 1 ^ (0x82F63B78 if remainder & 1 else 0)
        remainders.append(remainder)
    return tuple(remainders)


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])


def _whole(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _double(field: int, value: float) -> bytes:
    return _varint(field << 3 | 1) + struct.pack("<d", value)


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _float(field: int, value: float) -> bytes:
    return _varint(field << 3 | 5) + struct.pack("<f", value)
