"""The stack on which a Lambda's bytecode moves symbols, with the instructions that need nothing but the stack."""

from __future__ import annotations

from models.keras_files.lambdas.bytecode import BytecodeError
from models.keras_files.lambdas.image_steps import FormulaError
from models.keras_files.lambdas.known_calls import known_call
from models.keras_files.lambdas.marshalled_code import Slice
from models.keras_files.lambdas.symbols import Name, describe

MAX_LIST = 16

NULL = Name("")
"""The empty place that calls have beside a function since Python 3.7."""


class SymbolStack:
    """The stack. Each method of one number is an instruction; it raises BytecodeError or FormulaError.

    null_places: whether every call has an empty place beside its function, as since Python 3.11.
    """

    def __init__(self, null_places: bool) -> None:
        self._null_places = null_places
        self._stack: list[object] = []
        self._keywords: tuple[str, ...] = ()

    def _pop(self, count: int) -> list[object]:
        if count > len(self._stack):
            raise BytecodeError("its stack is empty")
        values = self._stack[len(self._stack) - count :]
        del self._stack[len(self._stack) - count :]
        return values

    def _top(self, count: int) -> list[object]:
        if not count:
            raise BytecodeError("it moves nothing")
        return self._pop(count)

    def _push(self, *values: object) -> None:
        self._stack.extend(values)

    def _nothing(self, _: int) -> None: ...

    def _pop_top(self, _: int) -> None:
        self._pop(1)

    def _push_null(self, _: int) -> None:
        self._push(NULL)

    def _swap(self, argument: int) -> None:
        values = self._top(argument)
        values[0], values[-1] = values[-1], values[0]
        self._push(*values)

    def _rotate_two(self, _: int) -> None:
        self._swap(2)

    def _copy(self, argument: int) -> None:
        values = self._top(argument)
        self._push(*values, values[0])

    def _duplicate(self, _: int) -> None:
        self._copy(1)

    def _build_slice(self, argument: int) -> None:
        if argument not in (2, 3):
            raise BytecodeError("a slice of other parts")
        parts = self._pop(argument)
        self._push(Slice(*parts, *[None] * (3 - argument)))

    def _build_tuple(self, argument: int) -> None:
        self._push(tuple(self._pop(argument)))

    def _unpack(self, argument: int) -> None:
        (values,) = self._pop(1)
        if not isinstance(values, tuple) or len(values) != argument:
            raise FormulaError(f"it unpacks {describe(values)}")
        self._push(*reversed(values))

    def _extend(self, argument: int) -> None:
        start, values = self._pop(2)
        if argument != 1 or not isinstance(start, tuple) or not isinstance(values, tuple):
            raise BytecodeError("a list of other parts")
        if len(start) + len(values) > MAX_LIST:
            raise FormulaError("it makes a long list")
        self._push(start + values)

    def _call_pairs(self, argument: int) -> None:
        """Up to Python 3.5, each named argument is a name and a value."""
        pairs = self._pop(2 * (argument >> 8))
        positional = self._pop(argument & 255)
        self._call(positional, tuple(pairs[::2]), pairs[1::2], self._pop(1))

    def _call_function(self, argument: int) -> None:
        self._call(self._pop(argument), (), [], self._pop(1))

    def _call_named(self, argument: int) -> None:
        """Before 3.11, and from 3.13 on: the names are a tuple on the stack."""
        (names,) = self._pop(1)
        values = self._pop(argument)
        if not isinstance(names, tuple) or len(names) > argument:
            raise BytecodeError("a call without names")
        count = argument - len(names)
        places = 2 if self._null_places else 1
        self._call(values[:count], names, values[count:], self._pop(places))

    def _call_method(self, argument: int) -> None:
        self._call(self._pop(argument), (), [], self._pop(2))

    def _call_new(self, argument: int) -> None:
        """Python 3.11 and later: KW_NAMES has given the names of the last arguments."""
        names, self._keywords = self._keywords, ()
        if len(names) > argument:
            raise BytecodeError("a call without its arguments")
        values = self._pop(argument)
        count = argument - len(names)
        self._call(values[:count], names, values[count:], self._pop(2))

    def _call(
        self, positional: list[object], names: tuple[object, ...], values: list[object], places: list[object]
    ) -> None:
        """Push the result of a call. places: the function, and NULL where the version has a place for it."""
        functions = [place for place in places if place is not NULL]
        if len(functions) != 1 or not all(isinstance(name, str) for name in names):
            raise BytecodeError("a call without a function")
        (function,) = functions
        if not isinstance(function, Name):
            raise FormulaError(f"it calls {describe(function)}")
        self._push(known_call(function.path, positional, dict(zip(map(str, names), values, strict=True))))
