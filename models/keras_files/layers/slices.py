"""Turns a slice of a functional model, such as `x[:, 60:135]`, into a crop once its input's shape is known."""

from __future__ import annotations

from typing import Any

from models.keras_files.layers.layer_settings import LayerSettings

SLICE = "Slice"
"""The class that stands for a slice until the shape of its input is known."""


def resolve_slice(settings: LayerSettings, shape: tuple[int, ...]) -> LayerSettings:
    """The Cropping2D, or else the Calculation, that computes the slice. shape: of the input, without the batch.

    Raises ModelFileError for a slice of the frames' axis and for bounds outside the shape.
    """
    bounds = _all_axes(settings, len(shape) + 1)
    if bounds[0] != slice(None):
        raise settings.wrong("it takes some of the frames; each frame needs an answer")
    known_bounds = [bound for bound in bounds if bound is not None]
    for bound, size in zip(known_bounds[1:], shape, strict=True):
        if isinstance(bound, int) and not -size <= bound < size:
            raise settings.wrong(f"place {bound} is outside its input of shape {shape}")
        if isinstance(bound, slice) and bound.step == 0:
            raise settings.wrong("it has a step of 0")
        if isinstance(bound, slice) and not range(size)[bound]:
            raise settings.wrong(f"nothing is left of its input of shape {shape}")
    if _is_crop(bounds, shape):
        places = [range(size)[bound] for bound, size in zip(bounds[1:3], shape, strict=False)]
        margins = [[place[0], size - 1 - place[-1]] for place, size in zip(places, shape, strict=False)]
        return LayerSettings(settings.name, "Cropping2D", {"cropping": margins})
    return LayerSettings(settings.name, "Calculation", {"function": "slice", "bounds": tuple(bounds)})


def _all_axes(settings: LayerSettings, rank: int) -> list[Any]:
    """The bounds with one entry for each axis of the input; None stands for a new axis besides."""
    value = settings.config.get("bounds")
    bounds = value if isinstance(value, list) else [value]
    if bounds.count(Ellipsis) > 1 or not all(_is_bound(bound) for bound in bounds):
        raise settings.wrong("its bounds are not plain numbers")
    axes = sum(1 for bound in bounds if bound is not None and bound is not Ellipsis)
    if axes > rank or len(bounds) > 2 * rank:
        raise settings.wrong(f"it has {axes} bounds, its input {rank} axes")
    missing = [slice(None)] * (rank - axes)
    if Ellipsis not in bounds:
        return [*bounds, *missing]
    place = bounds.index(Ellipsis)
    return [*bounds[:place], *missing, *bounds[place + 1 :]]


def _is_bound(bound: object) -> bool:
    return bound is None or bound is Ellipsis or isinstance(bound, slice) or type(bound) is int


def _is_crop(bounds: list[Any], shape: tuple[int, ...]) -> bool:
    """Whether the bounds keep a rectangle of an image and all its channels."""
    return (
        len(shape) == 3
        and all(isinstance(bound, slice) and bound.step in (None, 1) for bound in bounds)
        and len(range(shape[2])[bounds[3]]) == shape[2]
    )
