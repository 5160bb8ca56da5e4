"""What goes wrong with a file of the Unity project, in one line that names the file."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

DAMAGE = (
    ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, RecursionError, TypeError, ValueError,
    struct.error, yaml.YAMLError,
)  # fmt: skip
"""What a reader of a damaged file may raise: the file has other contents than its format promises."""


class UnityFileError(ValueError):
    """A file of the Unity project that is missing, damaged, or of another version; the message names it."""


class MissingFileError(UnityFileError):
    """A file that is not there."""


class LfsPointerError(UnityFileError):
    """A file whose place still holds the pointer of Git LFS."""


class FormatError(ValueError):
    """A file of another format or version; the message goes on where the file's name ends: `is FBX 7.4`."""


@contextmanager
def damage_named(file: Path | str) -> Iterator[None]:
    """Turn what a damaged file makes its reader raise into a UnityFileError that names the file."""
    try:
        yield
    except UnityFileError:
        raise
    except FormatError as error:
        raise UnityFileError(f"{file} {error}") from error
    except DAMAGE as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UnityFileError(f"{file} is damaged, or of another version than Unity 5 writes: {reason}") from error
