"""A network in the comparison has one file for each seed, in each form that the server can run.

Each form is a row of the table: the float32 network, and the same with weights in float16 and in int8. All three are
LiteRT files, so the rows are compared as they would drive. A .tflite or .onnx file is one row, as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from inference.engine import open_engine
from models.adapter.text import ModelSource
from models.card import Card, CardError, describes, read_card
from models.convert import AGREEMENT, ConversionError, convert
from models.cost import Cost, cost
from models.keras_files.file_kinds import ModelKind, model_kind
from models.loading import load_steering_model


@dataclass(frozen=True, slots=True)
class Contender:
    """One row of the table. name: the network's; weights: "float32", "float16" or "int8", "" where unknown.

    models: the trained files, one for each seed; served: the files that drive; engine: on which they do, "litert" or
    "onnx". cost: None where it is unknown. cards: those of the models that have one. left_out: what is not measured,
    and why, for the user; "" where everything is.
    """

    name: str
    weights: str
    models: tuple[ModelSource, ...]
    served: tuple[ModelSource, ...]
    engine: str
    cost: Cost | None
    cards: tuple[Card, ...] = ()
    left_out: str = ""

    @property
    def title(self) -> str:
        """The row's title, such as `eff` or `eff int8`."""
        return self.name if self.weights in ("float32", "") else f"{self.name} {self.weights}"

    @property
    def seeds(self) -> int:
        """The number of trainings behind the row."""
        return len(self.models)


@dataclass(frozen=True, slots=True)
class Inspection:
    """A model file that can be compared. uncounted: why its cost is None."""

    kind: ModelKind
    cost: Cost | None
    uncounted: str = ""


@cache
def inspect(source: ModelSource) -> Inspection:
    """Open a model file as the comparison will, before hours of other work. Raises ValueError, OSError."""
    kind = model_kind(source.path)
    if kind != "keras":
        open_engine(source.path, kind, source.preprocess, threads=1)
        return Inspection(kind, None, f"the layers of a {source.path.suffix} file cannot be read")
    model = load_steering_model(source.path, source.preprocess).model
    try:
        return Inspection(kind, cost(model))
    except ValueError as error:
        return Inspection(kind, None, str(error))


def contenders(
    name: str, sources: Sequence[ModelSource], folder: Path, report: Callable[[str], None]
) -> list[Contender]:
    """Make the rows of one network: a .tflite or .onnx file as it is, else its exports, written into `folder`.

    report: receives a message for each export, and for each form left out because it answers differently.
    Raises ModelFileError, EngineError, ConversionError, OSError.
    """
    models = tuple(sources)
    inspection = inspect(models[0])
    if inspection.kind != "keras":
        left_out = f"{name} has no cost, no other engine and no other weights: {inspection.uncounted}"
        return [Contender(name, "", models, models, inspection.kind, None, left_out=left_out)]
    left_out = f"{name} has no cost: {inspection.uncounted}" if inspection.uncounted else ""
    cards = tuple(card for card in (_card(source.path) for source in models) if card is not None)
    rows = []
    for weights in AGREEMENT:
        files = [folder / f"{name}-{number}-{weights}.tflite" for number in range(1, len(models) + 1)]
        try:
            for source, file in zip(models, files, strict=True):
                report(f"{file.name} from {source}")
                convert(source.path, file, source.preprocess, weights)
        except ConversionError as error:
            if weights == "float32":
                raise
            report(f"no row of {name} with {weights} weights: {error}")
            continue
        served = tuple(map(ModelSource, files))
        rows.append(Contender(name, weights, models, served, "litert", inspection.cost, cards, left_out))
    return rows


def _card(model: Path) -> Card | None:
    """Return the card beside a model if it describes this file, else None; a comparison needs no card."""
    try:
        card = read_card(model)
    except CardError:
        return None
    return card if describes(card, model) else None
