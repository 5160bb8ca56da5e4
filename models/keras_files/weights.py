"""Reads weights from an HDF5 file, layer by layer and in order, in every layout that Keras has written.

HDF5 can refer to other files, to computed data and to arrays far larger than the file. This module reads only plain
numbers that the file itself contains, in the shape that the network expects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np
import numpy.typing as npt

from models.keras_files.file_kinds import ModelFileError
from models.keras_files.hdf5 import (
    MAX_NAME_BYTES,
    MAX_NAMES,
    child_of,
    count_attribute,
    keys_of,
    names_attribute,
    require_child,
    text_attribute,
)

__all__ = ["LayerGroup", "ModelFileError", "TreeNode", "WeightFile", "Weights", "text_attribute"]

Weights = list[npt.NDArray[np.float32]]
Shapes = Sequence[tuple[int, ...]]

MAX_GROUPS = 3000
NO_WEIGHTS = ("vars", "seed_generator")
"""Groups below a layer's that are no layers; random layers keep a state in the second."""


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
                yield cls(file, child_of(file, "model_weights", path) or file, path)
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
        """The outermost model's layers that have weights, in the file's order; none in a file with a tree of groups.

        Raises ModelFileError if the file holds no weights of a Keras model.
        """
        groups = self._named_groups() if "layer_names" in self.root.attrs else self._numbered_groups()
        filled = [group for group in groups if group.datasets]
        if not filled:
            raise ModelFileError(f"{self.path} holds no weights of a Keras model")
        return filled

    def tree(self) -> TreeNode | None:
        """The groups of a .keras or .weights.h5 file (tf.keras 2.12 on), which are nested like the models, or None."""
        if "layer_names" in self.root.attrs or "nb_layers" in self.root.attrs:
            return None
        node = TreeNode(self.root, self.path, iter(range(MAX_GROUPS)))
        if not node.has_datasets():
            raise ModelFileError(f"{self.path} holds no weights of a Keras model")
        return node

    def _named_groups(self) -> list[LayerGroup]:
        """The layers of a .h5 file, in the order of its attributes `layer_names` and `weight_names`."""
        groups = []
        for name in names_attribute(self.root.attrs, "layer_names", self.path):
            group = require_child(self.root, name, self.path)
            weight_names = names_attribute(group.attrs, "weight_names", self.path)
            datasets = [require_child(group, weight, self.path) for weight in weight_names]
            groups.append(LayerGroup(name, datasets, self.path, weight_names))
        return groups

    def _numbered_groups(self) -> list[LayerGroup]:
        """The layers in files of the first Keras releases, `layer_0` with `param_0`, `param_1`, ..., without names."""
        groups = []
        for number in range(count_attribute(self.root.attrs, "nb_layers", self.path)):
            group = require_child(self.root, f"layer_{number}", self.path)
            count = count_attribute(group.attrs, "nb_params", self.path)
            datasets = [require_child(group, f"param_{index}", self.path) for index in range(count)]
            groups.append(LayerGroup("", datasets, self.path, []))
        return groups


@dataclass(frozen=True, slots=True)
class TreeNode:
    """A model's or layer's group in a .keras file: `layers/conv2d_1/vars/0`, counted by class.

    path: of the file. budget: one item for each group that may still be looked at, for all nodes of the file.
    """

    group: Any
    path: Path
    budget: Iterator[int]

    def children(self, kind: str) -> list[TreeNode]:
        """The layers of a class, whose name is in snake case, in the model's order."""
        layers = self._layers()
        numbered = [(_split_number(name), name) for name in keys_of(layers, self.path)] if layers is not None else []
        names = sorted((number, name) for (prefix, number), name in numbered if prefix == kind)
        return [TreeNode(require_child(layers, name, self.path), self.path, self.budget) for _, name in names]

    def datasets(self, parts: Sequence[str] = ("",)) -> list[Any]:
        """The layer's weights, in order. parts: the layers inside it that have them; tf.keras adds `_` to the names."""
        datasets = []
        for part in parts:
            home = self.group
            if part:
                home = child_of(self.group, part, self.path) or child_of(self.group, f"_{part}", self.path)
            variables = child_of(home, "vars", self.path) if home is not None else None
            keys = sorted(keys_of(variables, self.path), key=_natural) if variables is not None else []
            datasets += [require_child(variables, key, self.path) for key in keys]
        return datasets

    def part(self, name: str) -> TreeNode:
        """A layer inside this one, such as the one that TimeDistributed wraps; an empty node if there is none."""
        return TreeNode(child_of(self.group, name, self.path), self.path, self.budget)

    def has_datasets(self) -> bool:
        """Whether the model or any layer inside it has weights; the states of random layers do not count."""
        return _holds_weights(self._layers(), self.path, self.budget)

    def _layers(self) -> Any:
        names = ("layers", "_layer_checkpoint_dependencies")
        return next((group for name in names if (group := child_of(self.group, name, self.path)) is not None), None)


@dataclass(frozen=True, slots=True)
class LayerGroup:
    """The weights of a layer, or in a .h5 file those of a nested model. name: "" if the file has none.

    weight_names: one for each of the datasets, only in a .h5 file.
    """

    name: str
    datasets: list[Any]
    path: Path
    weight_names: list[str] = field(default_factory=list)

    def read(self, layer: str, shapes: Shapes) -> Weights:
        """The arrays as float32. Raises ModelFileError, which names `layer`, unless they have exactly these shapes."""
        self.check(layer, shapes)
        return [self._array(layer, dataset) for dataset in self.datasets]

    def check(self, layer: str, shapes: Shapes) -> None:
        """Raise ModelFileError, which names `layer`, unless the arrays have exactly these shapes; reads no array."""
        stored = [tuple(item.shape) if isinstance(item, h5py.Dataset) else None for item in self.datasets]
        if stored != list(shapes):
            raise ModelFileError(
                f"{self.path}: layer {layer!r} needs weights of shapes {_text(shapes)}, the file has {_text(stored)}"
            )

    def _array(self, layer: str, dataset: Any) -> npt.NDArray[np.float32]:
        is_number = dataset.dtype.kind == "f" or (dataset.dtype.kind in "iu" and dataset.shape == ())
        if not is_number or dataset.is_virtual or dataset.external:
            raise ModelFileError(f"{self.path}: the weights of layer {layer!r} are not plain numbers in the file")
        try:
            array = np.asarray(dataset[()], dtype=np.float32)
        except (OSError, ValueError) as error:
            raise ModelFileError(f"{self.path}: the weights of layer {layer!r} are damaged ({error})") from error
        if not np.isfinite(array).all():
            raise ModelFileError(f"{self.path}: the weights of layer {layer!r} are not all finite numbers")
        return array


def _holds_weights(root: Any, path: Path, budget: Iterator[int]) -> bool:
    """Whether a `vars` group at or below `root` has datasets. budget: one item for each group that may be looked at.

    Hard links can make a tree endless and repeat its branches.
    """
    waiting, addresses = [root], set()
    while waiting:
        group = waiting.pop()
        if not isinstance(group, h5py.Group) or (address := h5py.h5o.get_info(group.id).addr) in addresses:
            continue
        addresses.add(address)
        if next(budget, None) is None:
            raise ModelFileError(f"{path} has more than {MAX_GROUPS:,} groups of weights")
        variables = child_of(group, "vars", path)
        if variables is not None and keys_of(variables, path):
            return True
        waiting += [child_of(group, name, path) for name in keys_of(group, path) if name not in NO_WEIGHTS]
    return False


def _split_number(name: str) -> tuple[str, int]:
    """Split `conv2d_12` into `conv2d` and 12; `conv2d` has the number 0."""
    match = re.fullmatch(r"(.+?)_(\d{1,6})", name)
    return (match[1], int(match[2])) if match else (name, 0)


def _natural(name: str) -> tuple[int, str]:
    return (int(name), "") if name.isascii() and name.isdigit() and len(name) < 7 else (MAX_NAMES, name)


def _text(shapes: Sequence[object]) -> str:
    return ", ".join(map(str, shapes)) or "none"
