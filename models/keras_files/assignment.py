"""Assigns the groups of a weight file to the layers of a flat network, also to those of nested models.

A .h5 file has one group for each layer of the outermost model; a nested model's group holds the weights of all its
layers, whose names tell them apart. A .keras file has a tree of groups like the models, with layers counted by class.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from models.keras_files.flattening import MODELS, TIME_DISTRIBUTED, LayerSpec, ModelPart
from models.keras_files.weights import LayerGroup, ModelFileError, TreeNode, WeightFile

Path = tuple[ModelPart, ...]
Groups = dict[Path, LayerGroup]
Names = tuple[str, ...]

MAX_COMPONENTS = 16

PARTS = {
    "SimpleRNN": ("cell",),
    "GRU": ("cell",),
    "LSTM": ("cell",),
    "Bidirectional": ("forward_layer/cell", "backward_layer/cell"),
    TIME_DISTRIBUTED: ("layer",),
    "MultiHeadAttention": ("query_dense", "key_dense", "value_dense", "output_dense"),
}
"""Where a .keras file keeps the weights of a layer that consists of layers, in Keras' order."""


def assign(specs: Iterable[LayerSpec], weights: WeightFile) -> Groups:
    """The group of each layer, by the layer's path. specs: the layers that have weights, in the file's order.

    Raises ModelFileError if the file's groups are not those of the network.
    """
    paths = list(dict.fromkeys(spec.path for spec in specs))
    if not paths:
        return {}
    tree = weights.tree()
    if tree is not None:
        return dict(_assign_tree(paths, tree, 0))
    entries: defaultdict[ModelPart, list[Path]] = defaultdict(list)
    for path in paths:
        entries[path[0]].append(path)
    groups_by_layer: Groups = {}
    for step, group in _assign_entries(list(entries), weights):
        if len(entries[step][0]) > 1:
            groups_by_layer.update(_split(group, entries[step]))
        else:
            groups_by_layer[entries[step][0]] = group
    return groups_by_layer


def _assign_entries(entries: list[ModelPart], weights: WeightFile) -> Iterator[tuple[ModelPart, LayerGroup]]:
    """Pair the outermost model's layers with groups: by name if all names agree, else by order."""
    groups = weights.groups()
    if len(groups) != len(entries):
        raise ModelFileError(
            f"{weights.path} has weights for {len(groups)} layers, the architecture has {len(entries)} with weights: "
            "the two belong to different models"
        )
    by_name = {group.name: group for group in groups}
    if by_name.keys() == {step.name for step in entries}:
        return ((step, by_name[step.name]) for step in entries)
    return zip(entries, groups, strict=True)


def _split(group: LayerGroup, paths: list[Path]) -> Groups:
    """Distribute a nested model's weights, named such as `first/deep/conv/kernel`, among its layers.

    Keras leaves out the outer names of a model that was made by itself, so the longest matches choose first.
    """
    by_layer: defaultdict[str, list[Path]] = defaultdict(list)
    for path in paths:
        by_layer[_components(path)[-1]].append(path)
    parents_of = [tuple(name.strip("/").split("/")[:-1][-MAX_COMPONENTS:]) for name in group.weight_names]
    matches = {parents: _match(parents, by_layer) for parents in dict.fromkeys(parents_of)}
    owners: dict[Names, Path] = {}
    names_of: dict[Path, Names] = {}
    for parents, (names, candidates) in sorted(matches.items(), key=lambda item: -len(item[1][0])):
        free = [path for path in candidates if names_of.get(path, names) == names]
        if len(free) != 1:
            fits = f"{len(free)} layers" if free else "no layer"
            raise ModelFileError(
                f"{group.path}: the weight {'/'.join(parents)!r} of the nested model {group.name!r} fits {fits} by name"
            )
        owners[parents] = free[0]
        names_of[free[0]] = names
    datasets: defaultdict[Path, list[object]] = defaultdict(list)
    for parents, dataset in zip(parents_of, group.datasets, strict=True):
        datasets[owners[parents]].append(dataset)
    return {path: LayerGroup(path[-1].name, datasets[path], group.path) for path in paths}


def _match(parents: Names, by_layer: dict[str, list[Path]]) -> tuple[Names, list[Path]]:
    """The layers whose names, from the outside in, agree with the most of a weight's names, and these names."""
    names: Names = ()
    best: list[Path] = []
    for end in range(len(parents), 0, -1):
        for path in by_layer.get(parents[end - 1], ()):
            size = _common_end(_components(path), parents[:end])
            if size < len(_components(path[-1:])):
                continue  # only a part of the layer's own name
            if size > len(names):
                names, best = parents[end - size : end], [path]
            elif size == len(names):
                best.append(path)
    return names, best


def _components(path: Path) -> list[str]:
    """The names from the outside in; a layer's own name may contain slashes."""
    return [part for step in path for part in step.name.split("/")]


def _common_end(first: Sequence[str], second: Sequence[str]) -> int:
    """The number of last items that both sequences have in common."""
    count = 0
    while count < min(len(first), len(second)) and first[-1 - count] == second[-1 - count]:
        count += 1
    return count


def _assign_tree(paths: list[Path], node: TreeNode, depth: int) -> Iterator[tuple[Path, LayerGroup]]:
    """Pair layers and nested models with groups, by their order within each class."""
    steps = list(dict.fromkeys(path[depth] for path in paths))
    queues = {
        kind: [child for child in node.children(_snake_case(kind)) if _is_filled(child, kind)]
        for kind in dict.fromkeys(step.kind for step in steps)
    }
    for step in steps:
        if not queues[step.kind]:
            raise ModelFileError(f"the file has no weights for layer {step.name!r} ({step.kind})")
        child = queues[step.kind].pop(0)
        inner = [path for path in paths if path[depth] == step]
        path = inner[0]
        if step.kind in MODELS:
            yield from _assign_tree(inner, child, depth + 1)
        elif step.kind == TIME_DISTRIBUTED and len(path) > depth + 1:
            yield from _assign_tree(inner, child.part("layer"), depth + 2)
        else:
            yield path, LayerGroup(step.name, child.datasets(PARTS.get(step.kind, ("",))), child.path)


def _is_filled(node: TreeNode, kind: str) -> bool:
    if kind == TIME_DISTRIBUTED and node.part("layer").has_datasets():
        return True
    return node.has_datasets() if kind in MODELS else bool(node.datasets(PARTS.get(kind, ("",))))


def _snake_case(kind: str) -> str:
    """The name of a class's group in a .keras file: `MaxPooling2D` is `max_pooling2d`."""
    kind = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", kind)
    return re.sub("([a-z])([A-Z])", r"\1_\2", kind).lower()
