"""Several model files get a name each, for the rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def distinct_names(models: Sequence[Path]) -> list[str]:
    """Name each file by its stem, or by more of its path where several files have that stem."""
    stems = [model.stem for model in models]
    return [
        stem if stems.count(stem) == 1 else "-".join((*model.parent.parts[-2:], stem)).replace("/", "")
        for stem, model in zip(stems, models, strict=True)
    ]
