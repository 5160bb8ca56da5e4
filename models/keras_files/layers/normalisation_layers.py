"""The normalisation layers that a model file may use, and the shapes of their weights."""

from __future__ import annotations

from typing import Any

from keras import layers

from models.keras_files.layers.layer_settings import MAX_SIDE, LayerSettings, Maker, Shape


class LayerScale(layers.Layer):
    """The layer of this name in Keras' ConvNeXt: each channel times a trained number, `gamma`."""

    def build(self, shape: Any) -> None:
        """One number for each channel, of the last axis."""
        self.gamma = self.add_weight(shape=(shape[-1],), name="gamma")

    def call(self, x: Any) -> Any:
        """Scale `x`, (n, ..., channels); the shape stays."""
        return x * self.gamma

    def compute_output_shape(self, shape: Any) -> Any:
        """The shape stays."""
        return shape


def _batch_normalization(settings: LayerSettings, common: dict[str, Any]) -> Any:
    return layers.BatchNormalization(axis=settings.axis(), **_gains(settings), **common)


def _layer_normalization(settings: LayerSettings, common: dict[str, Any]) -> Any:
    if settings.flag("rms_scaling", False):
        raise settings.wrong("rms_scaling is not supported")
    return layers.LayerNormalization(axis=settings.axis(), **_gains(settings), **common)


def _group_normalization(settings: LayerSettings, common: dict[str, Any]) -> Any:
    groups = settings.integer("groups", 32, low=-1)
    return layers.GroupNormalization(groups, axis=settings.axis(), **_gains(settings), **common)


def _gains(settings: LayerSettings) -> dict[str, Any]:
    return {
        "epsilon": settings.number("epsilon", 1e-3, 0.0),
        "center": settings.flag("center", True),
        "scale": settings.flag("scale", True),
    }


def _rms_normalization(settings: LayerSettings, common: dict[str, Any]) -> Any:
    return layers.RMSNormalization(axis=settings.axis(), epsilon=settings.number("epsilon", 1e-6, 0.0), **common)


def _unit_normalization(settings: LayerSettings, common: dict[str, Any]) -> Any:
    return layers.UnitNormalization(axis=settings.axis(), **common)


def _normalization(settings: LayerSettings, common: dict[str, Any]) -> Any:
    """Scaling by a mean and a variance, from the settings or else from the weights."""
    constants = {} if _has_adapted(settings) else {key: settings.numbers(key, 0.0) for key in ("mean", "variance")}
    return layers.Normalization(_kept_axes(settings), invert=settings.flag("invert", False), **constants, **common)


def _kept_axes(settings: LayerSettings) -> tuple[int, ...] | None:
    axes = settings.config.get("axis", -1)
    if isinstance(axes, list) and axes:
        return settings.integers("axis", low=-4)
    return None if axes in (None, []) else (settings.axis(),)


def _has_adapted(settings: LayerSettings) -> bool:
    return settings.config.get("mean") is None


def _adapted_shapes(settings: LayerSettings, shape: Shape) -> list[Shape]:
    """Mean and variance of each kept place, and a count that nothing uses."""
    if not _has_adapted(settings):
        return []
    axes = sorted({axis % (len(shape) + 1) for axis in _kept_axes(settings) or ()})
    places = tuple((MAX_SIDE, *shape)[axis] for axis in axes)
    return [places, places, ()]


def _along_axis(settings: LayerSettings, shape: Shape) -> int:
    axis = settings.axis()
    return (1, *shape)[axis] if abs(axis) <= len(shape) else 0


def _batch_normalization_shapes(settings: LayerSettings, shape: Shape) -> list[Shape]:
    return [*_gain_shapes(settings, shape), *[(_along_axis(settings, shape),)] * 2]


def _gain_shapes(settings: LayerSettings, shape: Shape) -> list[Shape]:
    return [(_along_axis(settings, shape),)] * (settings.flag("center", True) + settings.flag("scale", True))


def _channel_shapes(settings: LayerSettings, shape: Shape) -> list[Shape]:
    return [shape[-1:]]


def _rms_shapes(settings: LayerSettings, shape: Shape) -> list[Shape]:
    return [(_along_axis(settings, shape),)]


NORMALISATION_MAKERS: dict[str, Maker] = {
    "BatchNormalization": _batch_normalization,
    "LayerNormalization": _layer_normalization,
    "GroupNormalization": _group_normalization,
    "RMSNormalization": _rms_normalization,
    "UnitNormalization": _unit_normalization,
    "Normalization": _normalization,
    "LayerScale": lambda _, common: LayerScale(**common),
}

NORMALISATION_SHAPES = {
    "BatchNormalization": _batch_normalization_shapes,
    "LayerNormalization": _gain_shapes,
    "GroupNormalization": _gain_shapes,
    "RMSNormalization": _rms_shapes,
    "Normalization": _adapted_shapes,
    "LayerScale": _channel_shapes,
}
