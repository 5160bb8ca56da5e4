"""What a network may be given besides the image: the car's measured speed, steering and throttle.

Networks with such inputs were trained on columns of driving_log.csv, so these are the units of that file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.preprocessing.written import PreprocessingError, read_number

MEASUREMENTS = ("speed", "steering", "throttle")
"""Miles an hour; -1..1, positive right; 0..1. Vectors of measurements have this order."""

SYNONYMS = {"velocity": "speed", "angle": "steering", "steer": "steering"}
MAX_COLUMNS = 16

OWN_NAME = "measurements"
"""The input of models that the loader has built, and of files that were converted from them."""


@dataclass(frozen=True, slots=True)
class Column:
    """One number of an input. measurement: index in MEASUREMENTS; factor: it is multiplied by it."""

    measurement: int
    factor: float = 1.0

    def __str__(self) -> str:
        name = MEASUREMENTS[self.measurement]
        return name if self.factor == 1.0 else f"{name} * {self.factor:g}"


Columns = tuple[Column, ...]


def read_columns(text: str) -> Columns:
    """Read "speed/30" or "steering:throttle:speed/30". Raises PreprocessingError."""
    columns = tuple(_column(part.strip()) for part in text.split(":"))
    if len(columns) > MAX_COLUMNS:
        raise PreprocessingError(f"input= has {len(columns)} measurements; at most {MAX_COLUMNS} are read")
    return columns


def columns_of(name: str, size: int, choices: Mapping[str, Columns]) -> Columns:
    """What an input of `size` numbers gets: as written, or as its name says. Raises PreprocessingError if unclear."""
    columns = choices.get(name) or _by_name(name, size)
    if len(columns) != size:
        description = f"{', '.join(map(str, columns))}" if columns else "nothing in its name says what they are"
        example = ":".join(MEASUREMENTS[i % len(MEASUREMENTS)] for i in range(min(size, MAX_COLUMNS)))
        raise PreprocessingError(
            f"the model's input {name!r} takes {size} number{'s'[: size != 1]} besides the image ({description}): "
            f'add "input={name}:{example}" to --preprocess; the measurements are {", ".join(MEASUREMENTS)}'
        )
    return columns


def _column(text: str) -> Column:
    name, operator, number = text.partition("*" if "*" in text else "/")
    name = name.strip().lower()
    if name not in MEASUREMENTS:
        raise PreprocessingError(f"{text!r} is no measurement; they are {', '.join(MEASUREMENTS)}, as in speed/30")
    factor = read_number(number.strip()) if operator else 1.0
    if operator == "/" and factor == 0.0:
        raise PreprocessingError(f"{text!r} divides by 0")
    return Column(MEASUREMENTS.index(name), 1.0 / factor if operator == "/" else factor)


def _by_name(name: str, size: int) -> Columns:
    """The measurement that the name contains, if it is one alone; all of them for the input of a converted model."""
    if name == OWN_NAME and size == len(MEASUREMENTS):
        return tuple(map(Column, range(size)))
    terms = {**{term: term for term in MEASUREMENTS}, **SYNONYMS}
    candidates = {measurement for term, measurement in terms.items() if term in name.lower()}
    return tuple(Column(MEASUREMENTS.index(measurement)) for measurement in candidates) if len(candidates) == 1 else ()
