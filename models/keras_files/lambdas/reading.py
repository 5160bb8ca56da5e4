"""Reads what a Lambda layer computes from the bytes of its function, which is never run nor unmarshalled.

Most Lambdas of public steering networks scale pixels; some crop or resize. Where the whole function is understood,
built-in layers can take its place.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.keras_files.lambdas.bytecode import DIALECTS, BytecodeError
from models.keras_files.lambdas.following import Follower
from models.keras_files.lambdas.image_steps import (
    Affine,
    FormulaError,
    LambdaCrop,
    LambdaResize,
    LambdaStandardise,
    Step,
    formula,
)
from models.keras_files.lambdas.marshalled_code import MAX_BYTES, CodeObject, read_code_objects
from models.keras_files.lambdas.symbols import is_number


@dataclass(frozen=True, slots=True)
class LambdaReading:
    """What a Lambda computes.

    steps: in order, none for a function that returns its argument; None if the function is not fully understood.
    text: the formula in x, or what was read and what stopped the reading, as a sentence that begins with "it".
    resizes: whether it is seen to crop or resize, also where the rest is not understood.
    """

    steps: tuple[Step, ...] | None
    text: str
    resizes: bool = False

    @property
    def scales(self) -> bool:
        """Whether an understood function changes the range of the pixels."""
        return any(isinstance(step, Affine | LambdaStandardise) for step in self.steps or ())


def read_lambda(config: Mapping[str, Any]) -> LambdaReading:
    """What the Lambda of these settings computes; the settings are those of Keras 1, 2 or 3, as the file has them.

    The function may come from any Python that Keras ran on: 2.7, or 3.4 to 3.14. If the bytes make sense in several
    versions, all must agree. It never raises for hostile settings.
    """
    codes = read_code_objects(_code(config.get("function")))
    readings, failures = set(), []
    for code in codes:
        if not code.plain or not code.arguments:
            failures.append((True, 0, LambdaReading(None, "it is not a plain function of one argument")))
            continue
        values = _values(code, config)
        for dialect in DIALECTS:
            if dialect.layout != code.layout:
                continue
            follower = Follower(code, dialect, values)
            try:
                readings.add(follower.result().steps)
            except (FormulaError, BytecodeError) as error:
                sensible = isinstance(error, FormulaError)
                failures.append((sensible, follower.count, _failure(error, follower.images.steps)))
    if len(readings) == 1:
        steps = readings.pop()
        return LambdaReading(steps, formula(steps), _resizes(steps))
    if readings:
        return LambdaReading(None, "it means different things in different versions of Python")
    if not failures:
        return LambdaReading(None, "it is not a function that this program can read")
    return max(failures, key=lambda failure: failure[:2])[2]


def _failure(error: Exception, steps: tuple[Step, ...]) -> LambdaReading:
    """The reading of a function that was followed to the images after `steps`."""
    begin = f"it computes {formula(steps)}, then " if steps else ""
    return LambdaReading(None, begin + str(error), _resizes(steps))


def _resizes(steps: tuple[Step, ...]) -> bool:
    return any(isinstance(step, LambdaCrop | LambdaResize) for step in steps)


def _code(function: object) -> bytes:
    """The marshalled code's bytes; Keras 1 stores them as characters, later versions in base64."""
    if isinstance(function, dict):
        inner = function.get("config")
        function = inner.get("code") if isinstance(inner, dict) else None
    if isinstance(function, list) and function:
        function = function[0]
    if not isinstance(function, str) or len(function) > 2 * MAX_BYTES:
        return b""
    try:
        return base64.b64decode("".join(function.split()), validate=True)
    except (binascii.Error, ValueError):
        return function.encode("latin-1", "replace")


def _values(code: CodeObject, config: Mapping[str, Any]) -> dict[str, object]:
    """The numbers that Keras stored beside the code: default arguments, variables of enclosing functions, arguments."""
    function = config.get("function")
    if isinstance(function, dict):
        inner = function.get("config")
        stored = [inner.get("defaults"), inner.get("closure")] if isinstance(inner, dict) else []
    else:
        stored = function[1:3] if isinstance(function, list) else []
    defaults, closure = (_items(value) for value in [*stored, None, None][:2])
    names = code.variables[: code.arguments]
    candidates = dict(zip(reversed(names), reversed(defaults), strict=False))
    candidates |= dict(zip(code.enclosing, closure, strict=False))
    arguments = config.get("arguments")
    candidates |= arguments if isinstance(arguments, dict) else {}
    numbers = ((name, _number_or_list(value)) for name, value in candidates.items())
    return {name: value for name, value in numbers if value is not None}


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _number_or_list(value: object) -> object:
    if is_number(value):
        return value
    items = _items(value)
    return tuple(items) if items and len(items) <= 4 and all(map(is_number, items)) else None
