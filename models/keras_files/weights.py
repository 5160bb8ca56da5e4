"""Reads weights from an HDF5 file, layer by layer and in order, in every layout that Keras has written.

HDF5 can refer to other files, to computed data and to arrays far larger than the file. This module reads only plain
numbers that the file itself contains, in the shape that the network expects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np
import numpy.typing as npt

Weights = list[npt.NDArray[np.float32]]
Shapes = Sequence[tuple[int, ...]]

MAX_NAMES = 2000
MAX_NAME_BYTES = 1000


class ModelFileError(ValueError):
    """A model file that cannot be used; the message tells the user why."""


@dataclass(frozen=True, slots=True)
class WeightFile:
    """An open HDF5 file of weights. file: its root. root: the group of the layers. path: for error messages."""

    file: Any
    root: Any
    path: Path

    @classmethod
    @contextmanager
    def open(cls, path: Path, content: BinaryIO | None = None) -> Iterator[WeightFile]:
        """Open `path`, or `content` (from a .keras file) under the name `path`.

        Raises ModelFileError if the file is damaged, also within the `with` block, because h5py detects damage only
        when it reads.
        """
        try:
            with h5py.File(content or path, "r") as file:
                yield cls(file, _child(file, "model_weights", path) or file, path)
        except (OSError, RuntimeError, KeyError, UnicodeError) as error:
            raise ModelFileError(f"{path} is damaged or not an HDF5 file ({error})") from error

    @property
    def keras_version(self) -> str:
        """The Keras version in the file, or ""."""
        return text_attribute(self.file.attrs, "keras_version", MAX_NAME_BYTES) or ""

    @property
    def flips_kernels(self) -> bool:
        """Whether Theano wrote the file; its convolution rotates the kernels by 180 degrees, TensorFlow's does not."""
        attributes = self.root.attrs if "backend" in self.root.attrs else self.file.attrs
        return text_attribute(attributes, "backend", MAX_NAME_BYTES) == "theano"

    def groups(self) -> list[LayerGroup]:
        """The layers that have weights, in the file's order.

        Raises ModelFileError if the file holds no weights of a Keras model.
        """
        if "layer_names" in self.root.attrs:
            groups = self._named_groups()
        elif "nb_layers" in self.root.attrs:
            groups = self._numbered_groups()
        else:
            groups = self._checkpoint_groups()
        filled = [group for group in groups if group.datasets]
        if not filled:
            raise ModelFileError(f"{self.path} holds no weights of a Keras model")
        return filled

    def _named_groups(self) -> list[LayerGroup]:
        """The layers of a .h5 file, in the order of its attributes `layer_names` and `weight_names`."""
        groups = []
        for name in _names(self.root.attrs, "layer_names", self.path):
            group = self._require(self.root, name)
            datasets = [self._require(group, weight) for weight in _names(group.attrs, "weight_names", self.path)]
            groups.append(LayerGroup(name, "", datasets, self.path))
        return groups

    def _numbered_groups(self) -> list[LayerGroup]:
        """The layers in files of the first Keras releases, `layer_0` with `param_0`, `param_1`, ..., without names."""
        groups = []
        for number in range(_count(self.root.attrs, "nb_layers", self.path)):
            group = self._require(self.root, f"layer_{number}")
            count = _count(group.attrs, "nb_params", self.path)
            datasets = [self._require(group, f"param_{index}") for index in range(count)]
            groups.append(LayerGroup("", "", datasets, self.path))
        return groups

    def _checkpoint_groups(self) -> list[LayerGroup]:
        """The layers of .keras and .weights.h5 files (tf.keras 2.12 on): `layers/conv2d_1/vars/0`, counted by class."""
        layers = None
        for name in ("layers", "_layer_checkpoint_dependencies"):
            layers = layers or _child(self.root, name, self.path)
        groups = []
        for name in _keys(layers, self.path) if layers is not None else []:
            kind, number = _split_number(name)
            variables = _child(self._require(layers, name), "vars", self.path)
            keys = sorted(_keys(variables, self.path), key=_natural) if variables is not None else []
            datasets = [self._require(variables, key) for key in keys]
            groups.append((number, LayerGroup("", kind, datasets, self.path)))
        return [group for _, group in sorted(groups, key=lambda entry: entry[0])]

    def _require(self, group: Any, name: str) -> Any:
        child = _child(group, name, self.path)
        if child is None:
            raise ModelFileError(f"{self.path} is incomplete: it names {name!r} but does not contain it")
        return child


@dataclass(frozen=True, slots=True)
class LayerGroup:
    """One layer's datasets. name, kind: the layer's name and its class in snake case, or "" if the layout has none."""

    name: str
    kind: str
    datasets: list[Any]
    path: Path

    def read(self, layer: str, shapes: Shapes) -> Weights:
        """The arrays as float32. Raises ModelFileError, which names `layer`, unless they have exactly these shapes."""
        stored = [tuple(item.shape) if isinstance(item, h5py.Dataset) else None for item in self.datasets]
        if stored != list(shapes):
            raise ModelFileError(
                f"{self.path}: layer {layer!r} needs weights of shapes {_text(shapes)}, the file has {_text(stored)}"
            )
        return [self._array(layer, dataset) for dataset in self.datasets]

    def _array(self, layer: str, dataset: Any) -> npt.NDArray[np.float32]:
        if dataset.dtype.kind != "f" or dataset.is_virtual or dataset.external:
            raise ModelFileError(f"{self.path}: the weights of layer {layer!r} are not plain numbers in the file")
        try:
            array = np.asarray(dataset[()], dtype=np.float32)
        except (OSError, ValueError) as error:
            raise ModelFileError(f"{self.path}: the weights of layer {layer!r} are damaged ({error})") from error
        if not np.isfinite(array).all():
            raise ModelFileError(f"{self.path}: the weights of layer {layer!r} are not all finite numbers")
        return array


def text_attribute(attributes: Any, name: str, limit: int) -> str | None:
    """A text attribute of at most `limit` bytes, or None. Raises ModelFileError for any other attribute."""
    if name not in attributes:
        return None
    identifier = attributes.get_id(name)
    if identifier.shape != () or h5py.check_string_dtype(identifier.dtype) is None:
        raise ModelFileError(f"the attribute {name!r} is not a text")
    value = attributes[name]
    data = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")
    if len(data) > limit:
        raise ModelFileError(f"the attribute {name!r} is longer than {limit:,} bytes")
    return data.decode("utf-8", "replace")


def _names(attributes: Any, name: str, path: Path) -> list[str]:
    """A list attribute; Keras splits one of more than 64 kB into `name0`, `name1`, ..."""
    if name in attributes:
        return _names_part(attributes, name, path)
    names: list[str] = []
    while (part := f"{name}{len(names)}") in attributes and len(names) < MAX_NAMES:
        names.append(part)
    return [item for part in names for item in _names_part(attributes, part, path)]


def _names_part(attributes: Any, name: str, path: Path) -> list[str]:
    identifier = attributes.get_id(name)
    shape = identifier.shape
    if shape in ((0,), ()) or len(shape) != 1 or shape[0] > MAX_NAMES:
        if shape == (0,):
            return []
        raise ModelFileError(f"{path}: {name!r} is not a list of at most {MAX_NAMES} names")
    if h5py.check_string_dtype(identifier.dtype) is None:
        raise ModelFileError(f"{path}: {name!r} is not a list of names")
    values = [item if isinstance(item, bytes) else str(item).encode() for item in attributes[name]]
    if any(not 0 < len(value) <= MAX_NAME_BYTES for value in values):
        raise ModelFileError(f"{path}: {name!r} holds an empty or overlong name")
    return [value.decode("utf-8", "replace") for value in values]


def _count(attributes: Any, name: str, path: Path) -> int:
    identifier = attributes.get_id(name) if name in attributes else None
    if identifier is None or identifier.shape != () or identifier.dtype.kind not in "iu":
        raise ModelFileError(f"{path}: {name!r} is not a number")
    count = int(attributes[name])
    if not 0 <= count <= MAX_NAMES:
        raise ModelFileError(f"{path}: {name!r} is {count}; at most {MAX_NAMES} are read")
    return count


def _child(group: Any, name: str, path: Path) -> Any:
    """The object at `name`, which may contain slashes, by hard links only; None if there is none."""
    for part in name.strip("/").split("/"):
        if not isinstance(group, h5py.Group) or part in ("", ".", "..") or part not in group.keys():  # noqa: SIM118
            return None
        if not isinstance(group.get(part, getlink=True), h5py.HardLink):
            raise ModelFileError(f"{path}: {name!r} is a link; only weights in the file itself are read")
        group = group[part]
    return group


def _keys(group: Any, path: Path) -> list[str]:
    if not isinstance(group, h5py.Group) or len(group) > MAX_NAMES:
        raise ModelFileError(f"{path} holds no weights of a Keras model")
    return list(group.keys())


def _split_number(name: str) -> tuple[str, int]:
    """Split `conv2d_12` into `conv2d` and 12; `conv2d` has the number 0."""
    match = re.fullmatch(r"(.+?)_(\d{1,6})", name)
    return (match[1], int(match[2])) if match else (name, 0)


def _natural(name: str) -> tuple[int, str]:
    return (int(name), "") if name.isascii() and name.isdigit() and len(name) < 7 else (MAX_NAMES, name)


def _text(shapes: Sequence[object]) -> str:
    return ", ".join(map(str, shapes)) or "none"
