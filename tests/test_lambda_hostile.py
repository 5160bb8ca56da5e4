"""Bytes made to do harm are no Lambda that is understood: they are refused at once, and nothing runs."""

from __future__ import annotations

import marshal
import time
from collections.abc import Callable

import numpy as np
import pytest

from models.keras_files.lambdas.reading import read_lambda
from tests.lambda_bytes import COMPILED, bytes_of, read_case, reading

SOUND = bytes([151, 0, 124, 0, 100, 1, 122, 11, 0, 0, 83, 0])
"""x / constant 1, in Python 3.11: RESUME, LOAD_FAST, LOAD_CONST, BINARY_OP with its cache, RETURN_VALUE."""

NUMBER = b"i\xff\x00\x00\x00"


def function(bytecode: bytes = SOUND, constant: bytes = NUMBER, unused: bytes = b"N") -> bytes:
    """A function of x in Python 3.11's layout: its constants are None and two of these marshalled bytes."""
    counts = [size.to_bytes(4, "little") for size in (1, 0, 0, 9, 3)]  # arguments, stack, flags
    strings = [b"s" + len(text).to_bytes(4, "little") + text for text in (bytecode, b"\x26", b"")]
    text = b"z\x01x"
    constants = b")\x03N" + constant + unused
    names, variables = b")\x00", b")\x01" + text
    line = (1).to_bytes(4, "little")
    parts = [strings[0], constants, names, variables, strings[1], text * 3, line, strings[2] * 2]
    return b"c" + b"".join(counts) + b"".join(parts)


def in_code(constant: bytes) -> bytes:
    """A sound function with an unused constant of these bytes."""
    return function(unused=constant)


def laughs() -> bytes:
    """Tuples of two references to the tuple before, 30 levels deep."""
    count = 30
    body = b"\xa9\x01N"
    for level in range(1, count):
        reference = b"r" + (level - 1).to_bytes(4, "little")
        body = body + b"\xa9\x02" + reference * 2
    return b"(" + count.to_bytes(4, "little") + body


HOSTILE: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "deep nesting": lambda: in_code(b"\xa9\x01" * 20_000 + b"N"),
    "a tuple that holds itself": lambda: in_code(b"\xa9\x01r\x00\x00\x00\x00"),
    "a reference to nothing": lambda: in_code(b"r\xff\xff\xff\x7f"),
    "a huge string": lambda: in_code(b"s\x00\xe1\xf5\x05"),
    "a huge tuple": lambda: in_code(b"(\x00\xe1\xf5\x05"),
    "a negative size": lambda: in_code(b"(\xff\xff\xff\xff"),
    "a huge integer": lambda: in_code(b"l\x00\x00\x00\x04" + b"\x01\x00" * 1000),
    "many objects": lambda: in_code(b"(\x00\x50\x00\x00" + b"N" * 0x5000),
    "doubling tuples": lambda: function(constant=laughs()),
    "not a number": lambda: function(constant=b"g\x00\x00\x00\x00\x00\x00\xf8\x7f"),
    "a code object in place of a number": lambda: function(constant=function()),
    "unknown instructions": lambda: function(bytes([151, 0, 255, 255, 83, 0])),
    "a jump": lambda: function(bytes([151, 0, 110, 0, 83, 0])),
    "an empty stack": lambda: function(bytes([151, 0, 83, 0])),
    "a full stack": lambda: function(bytes([124, 0] * 500 + [83, 0])),
    "no return": lambda: function(bytes([151, 0, 124, 0])),
    "endless extended arguments": lambda: function(bytes([144, 255] * 999)),
    "a swap with nothing": lambda: function(bytes([151, 0, 124, 0, 99, 0, 83, 0])),
    "a copy of nothing": lambda: function(bytes([151, 0, 124, 0, 120, 0, 83, 0])),
    "an empty slice": lambda: function(bytes([151, 0, 133, 0, 83, 0])),
    "a call of nothing": lambda: function(bytes([151, 0, 171, 9, *[0] * 8, 83, 0])),
    "a constant out of range": lambda: function(bytes([151, 0, 100, 200, 83, 0])),
    "bytes after the end": lambda: function() + b"N",
}


QUICK = ("2.7", "3.7", "3.10", "3.14")
"""One version of each layout; slow tests change thousands of bytes of the others."""

MUTATED = [pytest.param(version, marks=() if version in QUICK else pytest.mark.slow) for version in COMPILED]


class TestHostile:
    def test_the_frame_of_those_below_is_sound(self) -> None:
        assert reading(function()).text == "x / 255"

    @pytest.mark.parametrize("name", HOSTILE)
    def test_is_refused_at_once(self, name: str) -> None:
        data = HOSTILE[name]()
        begin = time.process_time()
        assert reading(data).steps is None
        assert time.process_time() - begin < 0.5

    @pytest.mark.parametrize("version", COMPILED)
    def test_cut_short(self, version: str) -> None:
        data = bytes_of(version, "one")
        assert all(reading(data[:size]).steps is None for size in range(len(data)))

    def test_a_list_that_doubles_is_given_up_early(self) -> None:
        doubling = [100, 1, 103, 1] + [120, 1, 162, 1] * 20
        assert reading(function(bytes([151, 0, *doubling, 83, 0]))).text == "it makes a long list"

    def test_a_cache_that_is_not_empty(self) -> None:
        assert reading(function(SOUND.replace(bytes([11, 0, 0]), bytes([11, 0, 1])))).steps is None

    def test_a_hundred_megabytes(self) -> None:
        text = "A" * 100_000_000
        begin = time.process_time()
        assert read_lambda({"function": [text, None, None]}).steps is None
        assert time.process_time() - begin < 0.5

    def test_nothing_is_unmarshalled_nor_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def forbidden(*_: object) -> None:
            raise AssertionError("the function reached an interpreter")

        monkeypatch.setattr(marshal, "loads", forbidden)
        monkeypatch.setattr("builtins.open", forbidden)
        assert all(read_case(version, "payload").steps is None for version in COMPILED)

    @pytest.mark.parametrize("version", MUTATED)
    def test_changed_bytes_never_raise(self, version: str) -> None:
        random = np.random.default_rng(7)
        for name in ("doubled", "resize and normalise", "rows from the end"):
            data = bytes_of(version, name)
            for _ in range(300):
                mutant = bytearray(data)
                for place in random.integers(len(data), size=random.integers(1, 4)):
                    mutant[place] = random.integers(256)
                result = reading(bytes(mutant))
                assert result.text
                assert "\n" not in result.text

    @pytest.mark.parametrize("version", MUTATED)
    def test_a_changed_frame_gives_the_same_formula_or_none(self, version: str) -> None:
        """Only the bytecode and the constants may change the formula, not the fields around them."""
        data = bytes_of(version, "one")
        original = reading(data).steps
        first = data.index(np.float64(127.5).tobytes()) + 8
        second = data.index(np.float64(1.0).tobytes()) + 8
        after_constants = max(first, second)
        before_bytecode = {"2.7": 17, "3.8": 25, "3.9": 25, "3.10": 25}.get(version, 21)
        for place in (*range(before_bytecode), *range(after_constants, len(data))):
            for value in range(0, 256, 5):
                mutant = bytearray(data)
                mutant[place] = value
                assert reading(bytes(mutant)).steps in (original, None)
