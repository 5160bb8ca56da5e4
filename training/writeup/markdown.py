"""Pieces of Markdown that all sections of a draft are made of."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import quote

GAP = "> **Your words:**"
"""A paragraph that begins so is a question to the student."""


@dataclass(frozen=True, slots=True)
class Links:
    """Paths from the text's own folder, with slashes. pictures: their folder; film: None if there is none."""

    pictures: str
    model: str
    card: str
    film: str | None


def gap(question: str) -> str:
    """Return a question to the student, as a marked paragraph."""
    return f"{GAP} {question}"


def picture(title: str, links: Links, name: str) -> str:
    """Return a picture of the write-up's folder of pictures."""
    return f"!{link(f'{links.pictures}/{name}', title)}"


def link(path: str, title: str = "") -> str:
    """Return a link to a file; without a title, its name is shown."""
    return f"[{title or PurePosixPath(path).name}]({quote(path)})"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table."""
    lines = [head, ["---"] * len(head), *([_cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    return str(value).replace("|", r"\|")


def figure(figures: Mapping[str, float | None], name: str) -> str:
    """Return a figure as text, - for one that was not measured."""
    value = figures.get(name)
    if value is None or math.isnan(value):
        return "-"
    return f"{value:,.0f}" if name in ("rows", "epoch", "off_road_events") else f"{value:.3f}"


def shape_text(shape: tuple[int, ...]) -> str:
    """Return a layer's output shape as text."""
    return " x ".join(map(str, shape))
