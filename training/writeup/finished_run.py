"""A finished training: its settings, its epochs' figures, its model and the model's card, and the rows it learned."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from models.card import Card, CardError, describes, read_card
from models.cost import Cost, cost
from models.loading import load_steering_model
from training.data.samples import TRAIN, Drive, load_drives, load_whole
from training.run.model_out import shell_line
from training.run.recipe import Recipe, recipe_of
from training.run.run import TrainingSettings, read_settings
from training.run.run_folder import RunError

MAX_EPOCHS_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """What a write-up says of a training.

    epochs: a row of figures each, nan where one was not measured. preparation: kind and output shape of the model's
    layers that prepare the frame; cost: of all others. drives: the rows of the recordings.
    """

    folder: Path
    settings: TrainingSettings
    epochs: Sequence[dict[str, float]]
    model: Path
    card: Card
    preparation: tuple[tuple[str, tuple[int, ...]], ...]
    cost: Cost
    drives: Sequence[Drive]

    @property
    def recipe(self) -> Recipe:
        """The run's hyperparameters."""
        return self.settings.recipe

    def command(self) -> str:
        """Return the command that repeats the training, with the recordings' names without their folders."""
        settings, recipe = self.settings, self.recipe
        name = _recipe_name(settings)
        words = ["python", "-m", "training", *(Path(folder).name for folder in settings.recordings)]
        words += ["--model", settings.model, "--recipe", name] if name else ["--model", settings.model]
        usual = recipe_of(name or "ours", settings.model)
        words += ["--epochs", str(recipe.epochs)] if recipe.epochs != usual.epochs else []
        words += ["--no-drive"] if usual.driven_checkpoints and not recipe.driven_checkpoints else []
        words += ["--lap-m", f"{settings.lap_m:g}"] if settings.lap_m else []
        words += ["--dagger", str(settings.dagger)] if settings.dagger else []
        for option, folders in (("--also", settings.also), ("--test", settings.tests)):
            words += [option, *(Path(folder).name for folder in folders)] if folders else []
        return shell_line([*words, "--seed", str(settings.seed)])


def read_run(folder: Path, model: Path | None) -> FinishedRun:
    """Read a run's folder. model: the file that the training wrote; None takes the usual one in the folder.

    Raises RunError for a folder without a finished training, RecordingError for a recording that is gone, and
    ModelFileError and OSError.
    """
    settings = read_settings(folder)
    model = model or folder / f"{settings.model}.h5"
    if not model.is_file():
        raise RunError(
            f"there is no model {model}: the training has not finished, or wrote it elsewhere (then name it by --model)"
        )
    card = _card(model, settings)
    recordings, also = ([Path(name) for name in names] for names in (settings.recordings, settings.also))
    drives = load_drives(recordings, settings.recipe, settings.lap_m, settings.seed)
    drives += load_whole(also, settings.recipe, TRAIN)
    network = load_steering_model(model).model
    total = cost(network)
    names = {layer.layer for layer in total.layers}
    prepared = tuple(
        (type(layer).__name__, tuple(int(size) for size in layer.output.shape[1:]))
        for layer in network.layers
        if layer.name not in names
    )
    return FinishedRun(folder, settings, _epochs(folder / "epochs.csv"), model, card, prepared, total, drives)


def _card(model: Path, settings: TrainingSettings) -> Card:
    """Read the model's card, and refuse one of another training."""
    try:
        card = read_card(model)
    except CardError as error:
        raise RunError(f"{model} needs the card that training wrote beside it: {error}") from None
    if not describes(card, model):
        raise RunError(f"{model} is not the file that its card describes; train again, or copy both files together")
    names = {Path(name).name for name in (*settings.recordings, *settings.also, *settings.tests)}
    learned = {data.recording for data in card.data}
    if (card.model, card.seed) != (settings.model, settings.seed) or not names <= learned:
        raise RunError(f"{model} comes from another training than the run's: its card says {card.model}, {learned}")
    return card


def _epochs(file: Path) -> list[dict[str, float]]:
    try:
        if file.stat().st_size > MAX_EPOCHS_BYTES:
            raise ValueError("it is too large")
        with file.open(newline="", encoding="utf-8") as text:
            epochs = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(text, strict=True)]
        if not epochs or not {"epoch", "loss", "seconds", "mae", "correlation"} <= set(epochs[0]):
            raise ValueError("it has no epochs")
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise RunError(f"{file} is gone or damaged ({error})") from None
    return epochs


def _recipe_name(settings: TrainingSettings) -> str | None:
    """Return the recipe that a training began with, but for its epochs and drives; None for none of this version's."""
    recipe = settings.recipe
    for name in ("ours", "quick", "study"):
        usual = recipe_of(name, settings.model)
        if recipe == replace(usual, epochs=recipe.epochs, driven_checkpoints=recipe.driven_checkpoints):
            return name
    return None
