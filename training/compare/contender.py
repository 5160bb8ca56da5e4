"""A network in the comparison has one file for each seed, in each form that the server can run.

Each form is a row of the table: the float32 network, and the same with weights in float16 and in int8. All three are
LiteRT files, so the rows are compared as they would drive.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.adapter import ModelSource
from models.card import Card, CardError, describes, read_card
from models.convert import AGREEMENT, ConversionError, convert
from models.cost import Cost, cost
from models.loading import load_steering_model


@dataclass(frozen=True, slots=True)
class Contender:
    """One row of the table. name: the network's; weights: "float32", "float16" or "int8", "" where unknown.

    models: the trained files, one for each seed; served: their LiteRT files. cost: None where the model itself is a
    LiteRT file. cards: those of the models that have one.
    """

    name: str
    weights: str
    models: tuple[Path, ...]
    served: tuple[Path, ...]
    cost: Cost | None
    cards: tuple[Card, ...]

    @property
    def title(self) -> str:
        """The row's title, such as `eff` or `eff int8`."""
        return self.name if self.weights in ("float32", "") else f"{self.name} {self.weights}"

    @property
    def seeds(self) -> int:
        """The number of trainings behind the row."""
        return len(self.models)


def contenders(
    name: str, sources: Sequence[ModelSource], folder: Path, report: Callable[[str], None]
) -> list[Contender]:
    """Make the rows of one network: a LiteRT file as it is, else its exports, which are written into `folder`.

    report: receives a message for each export, and for each form left out because it answers differently.
    Raises ModelFileError, ConversionError, OSError.
    """
    models = tuple(source.path for source in sources)
    if models[0].suffix.lower() == ".tflite":
        return [Contender(name, "", models, models, None, ())]
    model_cost = cost(load_steering_model(models[0], sources[0].preprocess).model)
    cards = tuple(card for card in map(_card, models) if card is not None)
    rows = []
    for weights in AGREEMENT:
        served = tuple(folder / f"{name}-{number}-{weights}.tflite" for number in range(1, len(models) + 1))
        try:
            for source, file in zip(sources, served, strict=True):
                report(f"{file.name} from {source}")
                convert(source.path, file, source.preprocess, weights)
        except ConversionError as error:
            if weights == "float32":
                raise
            report(f"no row of {name} with {weights} weights: {error}")
            continue
        rows.append(Contender(name, weights, models, served, model_cost, cards))
    return rows


def distinct_names(models: Sequence[Path]) -> list[str]:
    """Name each file by its stem, or by more of its path where several files have that stem."""
    stems = [model.stem for model in models]
    return [
        stem if stems.count(stem) == 1 else "-".join((*model.parent.parts[-2:], stem)).replace("/", "")
        for stem, model in zip(stems, models, strict=True)
    ]


def _card(model: Path) -> Card | None:
    """Return the card beside a model if it describes this file, else None; a comparison needs no card."""
    try:
        card = read_card(model)
    except CardError:
        return None
    return card if describes(card, model) else None
