"""Decides what becomes of a model file's Lambdas: built as layers, replaced by a written preprocessing, or refused."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from models.keras_files.architecture import Architecture, LayerSpec
from models.keras_files.lambdas.reading import LambdaReading, read_lambda
from models.keras_files.layers.layer_settings import LayerSettings


@dataclass(frozen=True, slots=True)
class FileLambdas:
    """replaced: names of the Lambdas that a written preprocessing replaces. notes: for the user, one for each Lambda.

    scale: whether an understood Lambda before the first weights scales the pixels.
    """

    replaced: tuple[str, ...]
    notes: tuple[str, ...]
    scale: bool


def decide_lambdas(
    architecture: Architecture,
    settings: dict[str, LayerSettings],
    weighted: Collection[str],
    replaceable: bool,
    advice: str,
) -> FileLambdas:
    """What becomes of each Lambda; an understood one is a part of the network and always applies.

    One that is not understood is replaced by the user's written preprocessing if it precedes the first layer with
    weights and is not seen to crop or resize. weighted: names of the layers with weights. replaceable: whether the
    user has written a preprocessing, or one will be found. advice: what the user can do.
    Raises ModelFileError, with what was read, for any other.
    """
    replaced, notes, scale = [], [], False
    before_weights = True
    for spec in architecture.layers:
        before_weights = before_weights and spec.name not in weighted
        if spec.kind != "Lambda":
            continue
        reading = read_lambda(spec.config)
        if reading.steps is not None:
            notes.append(f"Lambda {spec.name!r} is {reading.text}, and was built as layers; its code was not run")
            scale = scale or (before_weights and reading.scales)
        elif not replaceable or not before_weights or not _is_replaceable(spec, reading):
            hint = f". If it only scales pixels, {advice}" if before_weights and not reading.resizes else ""
            raise settings[spec.name].wrong(f"Python code inside the file, which is never run: {reading.text}{hint}")
        else:
            notes.append(f"Lambda {spec.name!r} was not run, and the preprocessing replaces it: {reading.text}")
            replaced.append(spec.name)
    return FileLambdas(tuple(replaced), tuple(notes), scale)


def _is_replaceable(spec: LayerSpec, reading: LambdaReading) -> bool:
    return len(spec.inputs) == 1 and not reading.resizes
