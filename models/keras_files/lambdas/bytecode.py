"""Reads the instructions of Python 2.7 and 3.4 to 3.14, as far as a function that prepares images needs them.

Each version numbers its instructions anew. The tables name only instructions without jumps, so that no loop, branch
or exception can be read. Source: the `opcode` and `dis` modules of each version.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from models.keras_files.lambdas.marshalled_code import Layout

MAX_INSTRUCTIONS = 1000


class BytecodeError(ValueError):
    """The bytes hold an instruction that this module does not know, or are no instructions of that version."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction by its name in Python's documentation, and its argument, 0 for one without."""

    name: str
    argument: int


@dataclass(frozen=True, slots=True)
class BytecodeDialect:
    """The instructions of some Python versions.

    wordcode: every instruction has two bytes; before 3.6 it has one, or three with an argument.
    names: by number. caches: how many empty words follow an instruction, by its name.
    """

    versions: str
    layout: Layout
    wordcode: bool
    names: dict[int, str]
    caches: dict[str, int] = field(default_factory=dict)


def instructions(bytecode: bytes, dialect: BytecodeDialect) -> Iterator[Instruction]:
    """The instructions in order, with EXTENDED_ARG joined to the next one. Raises BytecodeError on anything else."""
    position = extension = 0
    for _ in range(MAX_INSTRUCTIONS):
        if position >= len(bytecode):
            return
        name = dialect.names.get(bytecode[position])
        width = 2 if dialect.wordcode else 1 if bytecode[position] < 90 else 3
        argument = int.from_bytes(bytecode[position + 1 : position + width], "little")
        caches = 2 * dialect.caches.get(name or "", 0)
        if name is None:
            raise BytecodeError("it does more than arithmetic, slices and calls")
        if position + width + caches > len(bytecode) or any(bytecode[position + width : position + width + caches]):
            raise BytecodeError("its last instruction is cut, or a cache is not empty")
        position += width + caches
        if name == "EXTENDED_ARG":
            extension = (extension | argument) << (8 if dialect.wordcode else 16)
            if extension >= 1 << 24:
                raise BytecodeError("an instruction has a huge argument")
            continue
        yield Instruction(name, argument | extension)
        extension = 0
    raise BytecodeError("it has too many instructions")


_OLD = {
    1: "POP_TOP", 2: "ROT_TWO", 4: "DUP_TOP", 9: "NOP", 11: "UNARY_NEGATIVE",
    19: "BINARY_POWER", 20: "BINARY_MULTIPLY", 23: "BINARY_ADD", 24: "BINARY_SUBTRACT", 25: "BINARY_SUBSCR",
    26: "BINARY_FLOOR_DIVIDE", 27: "BINARY_TRUE_DIVIDE", 28: "BINARY_FLOOR_DIVIDE", 29: "BINARY_TRUE_DIVIDE",
    55: "BINARY_ADD", 56: "BINARY_SUBTRACT", 57: "BINARY_MULTIPLY", 67: "BINARY_POWER",
    83: "RETURN_VALUE", 92: "UNPACK_SEQUENCE", 100: "LOAD_CONST", 102: "BUILD_TUPLE", 103: "BUILD_LIST",
    106: "LOAD_ATTR", 108: "IMPORT_NAME", 109: "IMPORT_FROM", 116: "LOAD_GLOBAL", 124: "LOAD_FAST", 125: "STORE_FAST",
    133: "BUILD_SLICE", 136: "LOAD_DEREF", 144: "EXTENDED_ARG",
}  # fmt: skip
"""Python 3.4 to 3.10, as far as they agree. In-place arithmetic computes the same and has the plain names."""

_NEW = {
    1: "POP_TOP", 2: "PUSH_NULL", 9: "NOP", 11: "UNARY_NEGATIVE", 25: "BINARY_SUBSCR",
    83: "RETURN_VALUE", 92: "UNPACK_SEQUENCE", 99: "SWAP", 100: "LOAD_CONST", 102: "BUILD_TUPLE", 103: "BUILD_LIST",
    106: "LOAD_ATTR", 108: "IMPORT_NAME", 109: "IMPORT_FROM", 116: "LOAD_GLOBAL", 120: "COPY", 122: "BINARY_OP",
    124: "LOAD_FAST", 125: "STORE_FAST", 133: "BUILD_SLICE", 137: "LOAD_DEREF", 144: "EXTENDED_ARG",
    149: "COPY_FREE_VARS", 151: "RESUME", 162: "LIST_EXTEND", 171: "CALL", 172: "KW_NAMES",
}  # fmt: skip
"""Python 3.11 and 3.12, as far as they agree."""

_CACHES_NEW = {"LOAD_GLOBAL": 4, "LOAD_ATTR_OR_METHOD": 9, "CALL": 3, "UNPACK_SEQUENCE": 1}
"""Python 3.12 to 3.14, as far as they agree."""

_CALLS_OLD = {131: "CALL_FUNCTION_PAIRS"}
_CALLS_WORDS = {131: "CALL_FUNCTION", 141: "CALL_FUNCTION_KW", 160: "LOAD_METHOD", 161: "CALL_METHOD"}

DIALECTS: tuple[BytecodeDialect, ...] = (
    BytecodeDialect(
        "2.7",
        "2.7",
        False,
        {key: name for key, name in _OLD.items() if key != 144}
        | _CALLS_OLD
        | {21: "BINARY_DIVIDE", 58: "BINARY_DIVIDE", 145: "EXTENDED_ARG"},
    ),
    BytecodeDialect("3.4, 3.5", "3.0", False, _OLD | _CALLS_OLD),
    BytecodeDialect("3.6, 3.7", "3.0", True, _OLD | _CALLS_WORDS),
    BytecodeDialect("3.8 to 3.10", "3.8", True, _OLD | _CALLS_WORDS | {162: "LIST_EXTEND"}),
    BytecodeDialect(
        "3.11",
        "3.11",
        True,
        _NEW | {160: "LOAD_METHOD", 166: "PRECALL"},
        {
            "BINARY_OP": 1, "BINARY_SUBSCR": 4, "UNPACK_SEQUENCE": 1, "LOAD_GLOBAL": 5, "LOAD_ATTR": 4,
            "LOAD_METHOD": 10, "PRECALL": 1, "CALL": 4,
        },
    ),
    BytecodeDialect(
        "3.12",
        "3.11",
        True,
        _NEW | {26: "BINARY_SLICE", 106: "LOAD_ATTR_OR_METHOD", 121: "RETURN_CONST", 127: "LOAD_FAST"},
        {**_CACHES_NEW, "BINARY_OP": 1, "BINARY_SUBSCR": 1},
    ),
    BytecodeDialect(
        "3.13",
        "3.11",
        True,
        {
            4: "BINARY_SLICE", 5: "BINARY_SUBSCR", 30: "NOP", 32: "POP_TOP", 34: "PUSH_NULL",
            36: "RETURN_VALUE", 42: "UNARY_NEGATIVE", 45: "BINARY_OP", 47: "BUILD_LIST", 50: "BUILD_SLICE",
            52: "BUILD_TUPLE", 53: "CALL", 57: "CALL_KW", 61: "COPY", 62: "COPY_FREE_VARS", 71: "EXTENDED_ARG",
            74: "IMPORT_FROM", 75: "IMPORT_NAME", 81: "LIST_EXTEND", 82: "LOAD_ATTR_OR_METHOD", 83: "LOAD_CONST",
            84: "LOAD_DEREF", 85: "LOAD_FAST", 87: "LOAD_FAST", 88: "LOAD_FAST_LOAD_FAST", 91: "LOAD_GLOBAL",
            103: "RETURN_CONST", 110: "STORE_FAST", 111: "STORE_FAST_LOAD_FAST", 112: "STORE_FAST_STORE_FAST",
            115: "SWAP", 117: "UNPACK_SEQUENCE", 149: "RESUME",
        },
        {**_CACHES_NEW, "BINARY_OP": 1, "BINARY_SUBSCR": 1},
    ),
    BytecodeDialect(
        "3.14",
        "3.11",
        True,
        {
            1: "BINARY_SLICE", 27: "NOP", 31: "POP_TOP", 33: "PUSH_NULL", 35: "RETURN_VALUE",
            41: "UNARY_NEGATIVE", 44: "BINARY_OP", 46: "BUILD_LIST", 49: "BUILD_SLICE", 51: "BUILD_TUPLE", 52: "CALL",
            55: "CALL_KW", 59: "COPY", 60: "COPY_FREE_VARS", 69: "EXTENDED_ARG", 72: "IMPORT_FROM",
            73: "IMPORT_NAME", 79: "LIST_EXTEND", 80: "LOAD_ATTR_OR_METHOD", 82: "LOAD_CONST", 83: "LOAD_DEREF",
            84: "LOAD_FAST", 86: "LOAD_FAST", 87: "LOAD_FAST_LOAD_FAST", 88: "LOAD_FAST", 89: "LOAD_FAST_LOAD_FAST",
            92: "LOAD_GLOBAL", 94: "LOAD_SMALL_INT", 112: "STORE_FAST", 113: "STORE_FAST_LOAD_FAST",
            114: "STORE_FAST_STORE_FAST", 117: "SWAP", 119: "UNPACK_SEQUENCE", 128: "RESUME",
        },
        {**_CACHES_NEW, "BINARY_OP": 5, "CALL_KW": 3},
    ),
)  # fmt: skip
"""From the oldest to the newest."""
