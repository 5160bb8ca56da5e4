"""The pixels that public networks of an input shape mostly want, and what to do where that is a guess."""

from __future__ import annotations

from models.preprocessing.named import named, names_for
from models.preprocessing.written import Preprocessing
from protocol.messages import FRAME_SHAPE

IDENTIFY = "python -m models.identify MODEL RECORDING"

USUAL: dict[tuple[int, ...], str] = {
    FRAME_SHAPE: "frame",
    (66, 200, 3): "course",
    (120, 160, 3): "donkey",
    (128, 128, 3): "origin",
}
"""The usual short form for an input shape. A public 66x200 network that does not scale its pixels itself nearly always
has an author who divides by 255 in drive.py; one that does scale them leaves out the blur as often as not."""


def likely(shape: tuple[int, ...], scales_itself: bool) -> tuple[Preprocessing, list[str]] | None:
    """The usual preprocessing for a shape, and notes on the guess; None where there is none.

    scales_itself: whether the file scales its pixels.
    """
    name = "pilotnet" if scales_itself and shape == (66, 200, 3) else USUAL.get(shape)
    if name is None:
        return None
    note = f"{name} was chosen by the input's shape"
    if shape == FRAME_SHAPE and scales_itself:
        return named(name), []
    return named(name), [f"{note}; if the car drives badly, {advice(shape, scales_itself)}"]


def advice(shape: tuple[int, ...], scales_itself: bool = False) -> str:
    """How to say or find the pixels for an input of this shape. scales_itself: as for `likely`."""
    rows, columns, channels = shape
    size = "" if (rows, columns) == FRAME_SHAPE[:2] else f"rows=60:140, size={rows}x{columns}"
    parts = (size, "colour=grey" if channels == 1 else "", "" if scales_itself else "scale=1/255")
    example = ", ".join(filter(None, parts)) or "frame"
    names = names_for(shape)
    forms = f", {', '.join(names)}" if names else ""
    return (
        f"say how a frame becomes its {rows}x{columns} pixels, as in "
        f'--preprocess "{example}"{forms}, '
        f"or let `{IDENTIFY}` find out"
    )
