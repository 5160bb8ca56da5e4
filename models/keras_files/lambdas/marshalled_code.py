"""Reads a Python function's code object from its marshalled bytes, as plain data.

Keras stores a Lambda layer's function in this format. `marshal.loads` may crash the interpreter on hostile bytes, so
this module parses them itself: it makes no code object, runs nothing, and limits size, depth and number of objects.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Layout = Literal["2.7", "3.0", "3.8", "3.11"]
"""The Python version that introduced an order of a code object's fields; 2.7 stands for 2.3 to 2.7."""

LAYOUTS: tuple[Layout, ...] = ("2.7", "3.0", "3.8", "3.11")

MAX_BYTES = 50_000
MAX_DEPTH = 20
MAX_OBJECTS = 1_000
MAX_LONG_DIGITS = 4
MAX_NAME = 100

FREE_VARIABLE = 0x80
"""The bit in Python 3.11's kinds of local names that marks a variable of an enclosing function."""

_REFERENCE_FLAG = 0x80


class MarshalError(ValueError):
    """The bytes are not a marshalled function of the layout that was tried."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The slice start:stop:step. Each is None or, in a slice that is understood, a whole number."""

    start: object
    stop: object
    step: object


@dataclass(frozen=True, slots=True)
class CodeObject:
    """One function. arguments: the number of positional arguments, which come first in `variables`.

    variables: local names; from Python 3.11 on, those of `enclosing` follow at their own positions.
    enclosing: variables of enclosing functions, in order. `plain`: without keyword-only arguments, *args, cells,
    exception handlers and the flags of generators and coroutines.
    """

    layout: Layout
    arguments: int
    plain: bool
    bytecode: bytes
    constants: tuple[object, ...]
    names: tuple[str, ...]
    variables: tuple[str, ...]
    enclosing: tuple[str, ...]


def read_code_objects(data: bytes) -> list[CodeObject]:
    """The function in `data`, once for each layout in which the bytes make sense: none for anything else.

    The format does not name its Python version. Source: CPython's Python/marshal.c, versions 2 to 5 of the format.
    """
    codes = []
    for layout in LAYOUTS:
        try:
            codes.append(_Reader(data, layout).whole())
        except MarshalError:
            continue
    return codes


class _Reader:
    """Parses `data` from its start, in one layout."""

    def __init__(self, data: bytes, layout: Layout) -> None:
        if len(data) > MAX_BYTES:
            raise MarshalError("too long")
        self._data = data
        self._layout: Layout = layout
        self._position = 0
        self._objects = 0
        self._references: list[object] = []
        self._interned: list[str] = []

    def whole(self) -> CodeObject:
        """The code object that all the bytes make up."""
        code = self._value(0)
        if not isinstance(code, CodeObject) or self._position != len(self._data):
            raise MarshalError("not one code object")
        return code

    def _value(self, depth: int) -> object:
        self._objects += 1
        if depth > MAX_DEPTH or self._objects > MAX_OBJECTS:
            raise MarshalError("too deep or too many objects")
        byte = self._take(1)[0]
        kind = chr(byte & ~_REFERENCE_FLAG)
        if not byte & _REFERENCE_FLAG:
            return self._content(kind, depth)
        if self._layout == "2.7":
            raise MarshalError("a reference flag in Python 2")
        place = len(self._references)
        self._references.append(MarshalError)
        value = self._content(kind, depth)
        self._references[place] = value
        return value

    def _content(self, kind: str, depth: int) -> object:
        if kind in _SINGLETONS:
            return _SINGLETONS[kind]
        if kind not in _READERS:
            raise MarshalError(f"an object of kind {kind!r}")
        return _READERS[kind](self, kind, depth + 1)

    def _take(self, size: int) -> bytes:
        piece = self._data[self._position : self._position + size]
        if len(piece) != size:
            raise MarshalError("too short")
        self._position += size
        return piece

    def _number(self, kind: str, _: int) -> float:
        if kind == "i":
            return self._integer()
        return float(struct.unpack("<d", self._take(8))[0])

    def _integer(self) -> int:
        return int.from_bytes(self._take(4), "little", signed=True)

    def _size(self) -> int:
        """A length; no more than the bytes that are left, since each item has one byte at least."""
        size = self._integer()
        if not 0 <= size <= len(self._data) - self._position:
            raise MarshalError("a length beyond the end")
        return size

    def _bytes(self, _: str, __: int) -> bytes:
        return self._take(self._size())

    def _long(self, _: str, __: int) -> int:
        """An integer of more than 32 bits, or Python 2's `long`, in digits of 15 bits."""
        digits = self._integer()
        if abs(digits) > MAX_LONG_DIGITS:
            raise MarshalError("a huge integer")
        number = sum(int.from_bytes(self._take(2), "little") << 15 * place for place in range(abs(digits)))
        return number if digits >= 0 else -number

    def _string(self, kind: str, _: int) -> str:
        size = self._take(1)[0] if kind in "zZ" else self._size()
        try:
            text = self._take(size).decode("utf-8" if kind in "tu" else "ascii")
        except UnicodeDecodeError as error:
            raise MarshalError("a string of other bytes") from error
        if kind == "t" and self._layout == "2.7":
            self._interned.append(text)
        return text

    def _reference(self, kind: str, _: int) -> object:
        """An object that came before: a string of Python 2, or anything with the reference flag."""
        table: Sequence[object] = self._interned if kind == "R" else self._references
        index = self._integer()
        if not 0 <= index < len(table) or table[index] is MarshalError:
            raise MarshalError("a reference to nothing, or to the object that contains it")
        return table[index]

    def _tuple(self, kind: str, depth: int) -> tuple[object, ...]:
        size = self._size() if kind == "(" else self._take(1)[0]
        return tuple(self._value(depth) for _ in range(size))

    def _slice(self, _: str, depth: int) -> Slice:
        return Slice(self._value(depth), self._value(depth), self._value(depth))

    def _code(self, _: str, depth: int) -> CodeObject:
        modern = self._layout == "3.11"
        arguments = self._integer()
        positional_only = self._integer() if self._layout in ("3.8", "3.11") else 0
        keyword_only = self._integer() if self._layout != "2.7" else 0
        locals_count = self._integer() if not modern else 0
        stack, flags = self._integer(), self._integer()
        bytecode = self._value(depth)
        constants = self._value(depth)
        names, variables = self._names(depth), self._names(depth)
        if modern:
            kinds = self._value(depth)
            if not isinstance(kinds, bytes) or len(kinds) != len(variables):
                raise MarshalError("names without kinds")
            enclosing = tuple(name for name, kind in zip(variables, kinds, strict=True) if kind & FREE_VARIABLE)
            cells = any(kind & 0x40 for kind in kinds)
            locals_count = len(variables) - len(enclosing)
        else:
            enclosing, cells = self._names(depth), bool(self._names(depth))
        texts = [self._value(depth) for _ in range(3 if modern else 2)]
        line = self._integer()
        tables = [self._value(depth) for _ in range(2 if modern else 1)]
        if (
            not isinstance(bytecode, bytes)
            or not isinstance(constants, tuple)
            or not all(isinstance(text, str | bytes) for text in texts)
            or not all(isinstance(table, bytes) or table == "" for table in tables)
            or not 0 <= positional_only <= arguments <= arguments + keyword_only <= locals_count
            or (not modern and locals_count != len(variables))
            or keyword_only < 0
            or not 0 <= stack <= 10_000
            or not 0 <= flags < 1 << 30
            or line < 0
        ):
            raise MarshalError("not a code object of this layout")
        if self._layout == "2.7":
            constants = tuple(_python2_text(constant) for constant in constants)
        plain = not (keyword_only or cells or flags & _SPECIAL_FLAGS or (modern and tables[1]))
        return CodeObject(self._layout, arguments, plain, bytecode, constants, names, variables, enclosing)

    def _names(self, depth: int) -> tuple[str, ...]:
        """A tuple of identifiers; modules have dots between them, and compilers begin own names with one."""
        value = self._value(depth)
        names = []
        for item in value if isinstance(value, tuple) else (value,):
            name = _python2_text(item) if self._layout == "2.7" else item
            if not isinstance(name, str) or len(name) > MAX_NAME or not name.replace(".", "_").isidentifier():
                raise MarshalError("a name that is no identifier")
            names.append(name)
        return tuple(names)


def _python2_text(value: object) -> object:
    """Python 2's strings are bytes; those of a program's text are ASCII."""
    return value.decode("latin-1") if isinstance(value, bytes) else value


_READERS: dict[str, Callable[[_Reader, str, int], object]] = {
    **dict.fromkeys("ig", _Reader._number),
    **dict.fromkeys("tuaAzZ", _Reader._string),
    **dict.fromkeys("Rr", _Reader._reference),
    **dict.fromkeys("()", _Reader._tuple),
    "l": _Reader._long,
    "s": _Reader._bytes,
    ":": _Reader._slice,
    "c": _Reader._code,
}
"""The kinds of objects that functions of numbers and names consist of, by the format's letters."""

_SINGLETONS: dict[str, object] = {"N": None, "T": True, "F": False, ".": Ellipsis}

_SPECIAL_FLAGS = 0x4 | 0x8 | 0x20 | 0x80 | 0x100 | 0x200
"""*args, **kwargs, generator, coroutine, iterable coroutine, asynchronous generator."""
