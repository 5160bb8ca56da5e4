"""Follows the bytecode of a function of one batch of images, with a symbol in the images' place.

Nothing is run: each instruction moves symbols on a stack of this module. Whatever is not arithmetic with numbers of
the file, an index, or a call that `models.keras_files.lambdas.known_calls` lists ends the reading.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from models.keras_files.lambdas.bytecode import BytecodeDialect, BytecodeError, Instruction, instructions
from models.keras_files.lambdas.image_steps import FormulaError
from models.keras_files.lambdas.marshalled_code import CodeObject, Slice
from models.keras_files.lambdas.symbol_stack import NULL, SymbolStack
from models.keras_files.lambdas.symbols import Images, Name, computed, describe, indexed

MAX_STACK = 50
BINARY_OPERATORS = {0: "+", 2: "//", 5: "*", 8: "**", 10: "-", 11: "/", 26: "[]"}
"""The argument of BINARY_OP; from 13 to 25 follow the in-place forms, in the same order."""

BINARY_INSTRUCTIONS = {
    "BINARY_ADD": "+",
    "BINARY_SUBTRACT": "-",
    "BINARY_MULTIPLY": "*",
    "BINARY_TRUE_DIVIDE": "/",
    "BINARY_FLOOR_DIVIDE": "//",
    "BINARY_POWER": "**",
    "BINARY_SUBSCR": "[]",
}


class Follower(SymbolStack):
    """The state while one function's bytecode is followed: its stack, local names and progress."""

    def __init__(self, code: CodeObject, dialect: BytecodeDialect, values: Mapping[str, object]) -> None:
        """values: of the function's arguments except the first, and of the enclosing functions' variables."""
        super().__init__(null_places=code.layout == "3.11")
        self._code = code
        self._dialect = dialect
        self._values = values
        self._locals: dict[int, object] = {0: Images()}
        for place, name in enumerate(code.variables[1 : code.arguments], 1):
            if name in values:
                self._locals[place] = values[name]
        self.images = Images()
        """The images that the last step made."""
        self.count = 0
        """The instructions followed so far."""

    def result(self) -> Images:
        """What the function returns. Raises FormulaError or BytecodeError if it is not understood."""
        end = ""
        for instruction in instructions(self._code.bytecode, self._dialect):
            end = end or (instruction.name if instruction.name.startswith("RETURN") else "")
            if not end:
                self._follow(instruction)
                self.count += 1
            if len(self._stack) > MAX_STACK:
                raise BytecodeError("its stack is too high")
        if end != "RETURN_VALUE" or len(self._stack) != 1:
            raise BytecodeError("it does not return one value")
        value = self._stack[0]
        if not isinstance(value, Images):
            raise FormulaError(f"it returns {describe(value)}")
        return value

    def _follow(self, instruction: Instruction) -> None:
        name, argument = instruction.name, instruction.argument
        if name in BINARY_INSTRUCTIONS:
            self._binary(BINARY_INSTRUCTIONS[name])
        elif name == "BINARY_OP":
            self._binary(BINARY_OPERATORS.get(argument - 13 if 13 <= argument < 26 else argument, "?"))
        elif name == "BINARY_DIVIDE":
            whole = all(type(value) is int for value in self._stack[-2:])
            self._binary("//" if whole else "/")
        else:
            HANDLERS[name](self, argument)
        if self._stack and isinstance(self._stack[-1], Images):
            self.images = self._stack[-1]

    def _binary(self, sign: str) -> None:
        left, right = self._pop(2)
        self._push(indexed(left, right) if sign == "[]" else computed(sign, left, right))

    def _negative(self, _: int) -> None:
        self._push(computed("*", self._pop(1)[0], -1))

    def _load_constant(self, argument: int) -> None:
        self._push(_item(self._code.constants, argument))

    def _load_fast(self, argument: int) -> None:
        if argument not in self._locals:
            raise FormulaError(f"it needs {_item(self._code.variables, argument)!r}, which has no value in the file")
        self._push(self._locals[argument])

    def _load_two(self, argument: int) -> None:
        self._load_fast(argument >> 4)
        self._load_fast(argument & 15)

    def _store_fast(self, argument: int) -> None:
        _item(self._code.variables, argument)
        (self._locals[argument],) = self._pop(1)

    def _store_and_load(self, argument: int) -> None:
        self._store_fast(argument >> 4)
        self._load_fast(argument & 15)

    def _store_two(self, argument: int) -> None:
        self._store_fast(argument >> 4)
        self._store_fast(argument & 15)

    def _load_enclosing(self, argument: int) -> None:
        names = self._code.variables if self._dialect.layout == "3.11" else self._code.enclosing
        name = _item(names, argument)
        if name not in self._values:
            raise FormulaError(f"it needs {name!r}, which has no value in the file")
        self._push(self._values[str(name)])

    def _load_global(self, argument: int) -> None:
        if self._dialect.layout != "3.11":
            self._push(Name(str(_item(self._code.names, argument))))
            return
        name = Name(str(_item(self._code.names, argument >> 1)))
        self._push(*((NULL, name) if argument & 1 else (name,)))

    def _load_attribute(self, argument: int) -> None:
        (owner,) = self._pop(1)
        attribute = _item(self._code.names, argument)
        if not isinstance(owner, Name) or owner is NULL:
            raise FormulaError(f"it uses .{attribute} of {describe(owner)}")
        self._push(Name(f"{owner.path}.{attribute}"[:200]))

    def _load_method(self, argument: int) -> None:
        self._load_attribute(argument)
        self._push(NULL)

    def _load_attribute_or_method(self, argument: int) -> None:
        (self._load_method if argument & 1 else self._load_attribute)(argument >> 1)

    def _import(self, argument: int) -> None:
        level, names = self._pop(2)
        module = str(_item(self._code.names, argument))
        if level not in (0, -1):
            raise FormulaError(f"it imports {module} from its own package")
        self._push(Name(module if names else module.partition(".")[0]))

    def _import_from(self, argument: int) -> None:
        self._copy(1)
        self._load_attribute(argument)

    def _slice(self, _: int) -> None:
        value, start, stop = self._pop(3)
        self._push(indexed(value, Slice(start, stop, None)))

    def _name_keywords(self, argument: int) -> None:
        names = _item(self._code.constants, argument)
        if not isinstance(names, tuple) or not all(isinstance(name, str) for name in names):
            raise BytecodeError("a call without names")
        self._keywords = names


HANDLERS: dict[str, Callable[[Follower, int], None]] = {
    "NOP": Follower._nothing,
    "RESUME": Follower._nothing,
    "PRECALL": Follower._nothing,
    "COPY_FREE_VARS": Follower._nothing,
    "POP_TOP": Follower._pop_top,
    "PUSH_NULL": Follower._push_null,
    "ROT_TWO": Follower._rotate_two,
    "SWAP": Follower._swap,
    "DUP_TOP": Follower._duplicate,
    "COPY": Follower._copy,
    "UNARY_NEGATIVE": Follower._negative,
    "LOAD_CONST": Follower._load_constant,
    "LOAD_SMALL_INT": Follower._push,
    "LOAD_FAST": Follower._load_fast,
    "LOAD_FAST_LOAD_FAST": Follower._load_two,
    "STORE_FAST": Follower._store_fast,
    "STORE_FAST_LOAD_FAST": Follower._store_and_load,
    "STORE_FAST_STORE_FAST": Follower._store_two,
    "LOAD_DEREF": Follower._load_enclosing,
    "LOAD_GLOBAL": Follower._load_global,
    "LOAD_ATTR": Follower._load_attribute,
    "LOAD_METHOD": Follower._load_method,
    "LOAD_ATTR_OR_METHOD": Follower._load_attribute_or_method,
    "IMPORT_NAME": Follower._import,
    "IMPORT_FROM": Follower._import_from,
    "BUILD_SLICE": Follower._build_slice,
    "BINARY_SLICE": Follower._slice,
    "BUILD_TUPLE": Follower._build_tuple,
    "BUILD_LIST": Follower._build_tuple,
    "LIST_EXTEND": Follower._extend,
    "UNPACK_SEQUENCE": Follower._unpack,
    "CALL_FUNCTION_PAIRS": Follower._call_pairs,
    "CALL_FUNCTION": Follower._call_function,
    "CALL_FUNCTION_KW": Follower._call_named,
    "CALL_METHOD": Follower._call_method,
    "CALL": Follower._call_new,
    "CALL_KW": Follower._call_named,
    "KW_NAMES": Follower._name_keywords,
}
"""What each instruction does, besides arithmetic and return."""


def _item(items: tuple[object, ...], place: int) -> object:
    if place >= len(items):
        raise BytecodeError("it uses a name or constant that it does not have")
    return items[place]
