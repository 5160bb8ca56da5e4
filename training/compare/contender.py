"""A network in the comparison: its files, one for each seed, in each form that can be served.

Each form is a row of the table: the float32 network, and the same with weights in float16 and in int8. All three are
finished LiteRT files, so that the rows are compared as they would drive.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.card import Card, CardError, describes, read_card
from models.convert import AGREEMENT, ConversionError, convert
from models.cost import Cost, cost
from models.loading import load_steering_model


@dataclass(frozen=True, slots=True)
class Contender:
    """One row. name: of the network; weights: "float32", "float16" or "int8", "" where a file's own are not known.

    models: the trained files, one for each seed; served: their LiteRT files. cost: None for a LiteRT file that was
    given. cards: those of the models that have one.
    """

    name: str
    weights: str
    models: tuple[Path, ...]
    served: tuple[Path, ...]
    cost: Cost | None
    cards: tuple[Card, ...]

    @property
    def title(self) -> str:
        """`eff`, `eff int8`."""
        return self.name if self.weights in ("float32", "") else f"{self.name} {self.weights}"

    @property
    def seeds(self) -> int:
        """How many trainings stand behind the row."""
        return len(self.models)


def contenders(name: str, models: Sequence[Path], folder: Path, told: Callable[[str], None]) -> list[Contender]:
    """The rows of one network: a finished LiteRT file as it is; else its exports, written into `folder`.

    told: hears what is being done, and which form is left out since it does not answer as the model does.
    Raises ModelFileError, ConversionError, OSError.
    """
    models = tuple(models)
    if models[0].suffix.lower() == ".tflite":
        return [Contender(name, "", models, models, None, ())]
    found = cost(load_steering_model(models[0]).model)
    cards = tuple(card for card in map(_card, models) if card is not None)
    rows = []
    for weights in AGREEMENT:
        served = tuple(folder / f"{name}-{number}-{weights}.tflite" for number in range(1, len(models) + 1))
        try:
            for model, file in zip(models, served, strict=True):
                told(f"{file.name} from {model}")
                convert(model, file, weights=weights)
        except ConversionError as error:
            if weights == "float32":
                raise
            told(f"no row of {name} with {weights} weights: {error}")
            continue
        rows.append(Contender(name, weights, models, served, found, cards))
    return rows


def unlike_names(models: Sequence[Path]) -> list[str]:
    """A name for each file: its stem, or as much of its path as tells it from the others of that stem."""
    stems = [model.stem for model in models]
    return [
        stem if stems.count(stem) == 1 else "-".join((*model.parent.parts[-2:], stem)).replace("/", "")
        for stem, model in zip(stems, models, strict=True)
    ]


def _card(model: Path) -> Card | None:
    """The card beside a model, if it is of this very file; a comparison does not need one."""
    try:
        card = read_card(model)
    except CardError:
        return None
    return card if describes(card, model) else None
