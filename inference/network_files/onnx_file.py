"""Checks an ONNX file before ONNX Runtime sees it, by a reader of its bytes that is bounded in time and depth.

A file may refer to other files (external data), to libraries (operators of other domains) and to itself (functions),
and may loop for ever. A steering network needs none of this. The reader walks ONNX's Protocol Buffers message and skips
the weights; the `onnx` package would first build an object for each part.

Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from inference.network_files.litert import printable
from inference.network_files.tensors import EngineError

MAX_BYTES = 256 << 20
MAX_FIELDS = 300_000
"""Of messages; the weights of a tensor are one field. ResNet-152 has about 30,000."""

MAX_DEPTH = 3
"""Of graphs inside the branches of an If."""

MAX_INPUTS_AND_OUTPUTS = 1000
"""Of a graph; old files count each tensor of weights among the inputs."""

MAX_SIDE, MAX_ELEMENTS = 4096, 1 << 28
ENDLESS = frozenset({"Loop", "Scan", "SequenceMap"})
STANDARD_DOMAINS = frozenset({"", "ai.onnx"})
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

Value = int | memoryview


def check_onnx(content: bytes, name: str) -> None:
    """Raise EngineError, with one line, if the file is damaged, or holds what a steering network does not need.

    name: of the file, for messages.
    """
    if len(content) > MAX_BYTES:
        raise EngineError(f"{name} has {len(content):,} bytes; at most {MAX_BYTES:,} are read")
    if content[4:8] == b"ORTM":
        raise EngineError(f"{name} is in ONNX Runtime's own format; give the .onnx file that it was made from")
    try:
        _Check(name).model(memoryview(content))
    except (IndexError, _DamageError):
        raise EngineError(f"{name} is no ONNX file, or it is damaged") from None


class _DamageError(ValueError):
    """Bytes that are no Protocol Buffers message."""


class _Check:
    """One walk through a file. Each method reads one kind of message; each occurrence of a field counts."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._fields_left = MAX_FIELDS

    def model(self, message: memoryview) -> None:
        graphs = 0
        for number, value in self._fields(message):
            if number == 7:
                self._graph(_bytes(value), 0)
                graphs += 1
            elif number in (20, 25):
                self._refuse("holds functions or a training of its own; export the network alone")
        if graphs != 1:
            self._refuse(f"holds {graphs} networks; one is needed")

    def _graph(self, message: memoryview, depth: int) -> None:
        if depth > MAX_DEPTH:
            self._refuse(f"holds networks inside networks, more than {MAX_DEPTH} deep")
        inputs_and_outputs = 0
        for number, value in self._fields(message):
            if number == 1:
                self._node(_bytes(value), depth)
            elif number == 5:
                self._tensor(_bytes(value))
            elif number == 15:
                self._refuse("holds sparse weights; export it with plain ones")
            elif number in (11, 12):
                inputs_and_outputs += 1
                if inputs_and_outputs > MAX_INPUTS_AND_OUTPUTS:
                    self._refuse(f"has more than {MAX_INPUTS_AND_OUTPUTS} inputs and outputs")
                self._input_or_output(_bytes(value))

    def _node(self, message: memoryview, depth: int) -> None:
        for number, value in self._fields(message):
            if number == 4 and (operator := _text(value)) in ENDLESS:
                self._refuse(f"has an operator {operator!r}, which may never end")
            elif number == 7 and (domain := _text(value)) not in STANDARD_DOMAINS:
                self._refuse(f"has operators of {domain!r}; only those of the ONNX standard are run")
            elif number == 5:
                self._attribute(_bytes(value), depth)

    def _attribute(self, message: memoryview, depth: int) -> None:
        for number, value in self._fields(message):
            if number in (5, 10):
                self._tensor(_bytes(value))
            elif number in (6, 11):
                self._graph(_bytes(value), depth + 1)
            elif number in (22, 23):
                self._refuse("holds sparse weights; export it with plain ones")

    def _tensor(self, message: memoryview) -> None:
        sizes: list[int] = []
        for number, value in self._fields(message):
            if number == 1:
                sizes += [value] if isinstance(value, int) else _varints(value)
            elif number == 13 or (number == 14 and value != 0):
                self._refuse("keeps weights in another file; export it as one file")
        if math.prod(sizes) > MAX_ELEMENTS:
            self._refuse(f"holds a tensor of {' x '.join(map(str, sizes[:8]))} numbers")

    def _input_or_output(self, message: memoryview) -> None:
        """A ValueInfoProto: its sizes, four messages further in. An open size has a name and no value."""
        for tensor_type in self._inside(message, 2, 1):
            sizes = [
                value
                for dimension in self._inside(tensor_type, 2, 1)
                for number, value in self._fields(dimension)
                if number == 1 and isinstance(value, int)
            ]
            if any(size > MAX_SIDE for size in sizes) or len(sizes) > 8:
                self._refuse(f"has an input or output of {' x '.join(map(str, sizes[:8]))} numbers")

    def _inside(self, message: memoryview, *numbers: int) -> Iterator[memoryview]:
        """The messages that a path of field numbers leads to."""
        if not numbers:
            yield message
            return
        for number, value in self._fields(message):
            if number == numbers[0]:
                yield from self._inside(_bytes(value), *numbers[1:])

    def _fields(self, message: memoryview) -> Iterator[tuple[int, Value]]:
        """The fields of a message: number, and an integer or bytes."""
        position = 0
        while position < len(message):
            self._fields_left -= 1
            if self._fields_left < 0:
                self._refuse(f"has more than {MAX_FIELDS:,} parts")
            key, position = _varint(message, position)
            kind = key & 7
            if kind == VARINT:
                value, position = _varint(message, position)
                yield key >> 3, value
                continue
            if kind == BYTES:
                length, position = _varint(message, position)
            elif kind in (FIXED64, FIXED32):
                length = 8 if kind == FIXED64 else 4
            else:
                raise _DamageError
            if length > len(message) - position:
                raise _DamageError
            yield key >> 3, message[position : position + length]
            position += length

    def _refuse(self, reason: str) -> None:
        raise EngineError(f"{self._name} {reason}")


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """The number at a position, seven bits a byte, and the position after it."""
    value = 0
    for shift in range(0, 70, 7):
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise _DamageError


def _varints(message: memoryview) -> list[int]:
    """Packed numbers; those beyond the first dozen are of no tensor's shape."""
    values: list[int] = []
    position = 0
    while position < len(message) and len(values) < 12:
        value, position = _varint(message, position)
        values.append(value)
    return values


def _bytes(value: Value) -> memoryview:
    if isinstance(value, int):
        raise _DamageError
    return value


def _text(value: Value) -> str:
    return printable(str(_bytes(value)[:200], "utf-8", "replace"))
