"""The graph that a preprocessing extends step by step.

A step describes itself as text, says what shape it makes, and extends the graph. Until a step scales the pixels they
are bytes: every step then rounds its result, as OpenCV does with 8-bit images.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

Shape = tuple[int, int, int]
"""Rows, columns, channels."""


HALF = 0.5 + 1 / 1024
"""Halves are rounded up, as by OpenCV. The surplus keeps the backends' last digits from deciding about a half."""


class StepError(ValueError):
    """A step that does not fit the image before it; the message says why."""


@dataclass(slots=True)
class Graph:
    """The graph so far. x: symbolic pixels; scale, offset: the pixels are bytes * scale + offset.

    as_bytes: whether no step has scaled them yet. uniform: whether scale and offset say what the pixels are.
    names: of the layers so far.
    """

    x: Any
    scale: float = 1.0
    offset: float = 0.0
    as_bytes: bool = True
    uniform: bool = True
    names: frozenset[str] = frozenset()

    def name(self, kind: str) -> str:
        """A name for the next layer of this kind, unique within the preprocessing."""
        name, number = f"preprocess_{kind}", 1
        while name in self.names:
            number += 1
            name = f"preprocess_{kind}_{number}"
        self.names |= {name}
        return name

    def floats(self) -> Any:
        """The pixels as float32. Bytes are cast even where a crop of them says that it is float32."""
        from keras import ops  # noqa: PLC0415 - --help prints the steps and must not wait for Keras

        return ops.cast(self.x, "float32") if self.as_bytes else self.x

    def round(self) -> None:
        """Round the pixels to 0, 1, ... 255, unless they have been scaled."""
        from keras import ops  # noqa: PLC0415

        if self.as_bytes:
            self.x = ops.clip(ops.floor(self.x + HALF), 0.0, 255.0)


class Step(Protocol):
    """One step. text: as in a written preprocessing."""

    @property
    def text(self) -> str: ...

    def shape_after(self, shape: Shape) -> Shape:
        """The shape that it makes of an image of `shape`. Raises StepError."""
        ...

    def extend(self, graph: Graph) -> None:
        """Add the step's layers to the graph."""
        ...
