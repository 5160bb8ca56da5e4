"""A run writes the card of its model: data, recipe, figures, versions, and the answer to a golden frame."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import keras

from models import card as cards
from models.confidence.output import steering_parameters
from models.whole_files import sha256
from training.commit import git_commit
from training.confidence.figures import Figures
from training.data.samples import HELD_OUT, TRAIN, Drive
from training.judge.choose import Driving
from training.judge.held_out import Metrics
from training.run.recipe import Recipe
from training.run.run import TrainingSettings

GOLDEN_TOLERANCE = 2e-3
"""Engines and versions may differ by this much in steering, which is 0.05 degrees of the wheel."""

DESCRIPTION = (
    "Steering and its confidence for the Udacity simulator: uint8 RGB (160, 320, 3) in, -1..1 (right) and 0..1 out."
)

LIBRARIES = ("keras", "numpy", "pillow")
"""Those of every training; the card also names the backend's."""

INTENDED_USE = (
    "Steers simulated cars, in Udacity's simulator or this project's own, on roads like those that it learned."
    " It is for teaching and research, not for vehicles near which people may be."
)


def card_of(
    settings: TrainingSettings,
    model: keras.Model,
    out: Path,
    drives: Sequence[Drive],
    epochs: int,
    samples: int,
    metrics: Metrics,
    driving: Driving,
    confidence: Figures,
) -> cards.Card:
    """Make the card of the model saved as `out`, a whole one with a confidence.

    drives: all recordings that were read; epochs, samples: how many were learned; driving: the chosen checkpoint's;
    confidence: how well it tells frames from unlike pictures.
    """
    libraries = dict.fromkeys((*LIBRARIES, keras.backend.backend()))
    return cards.Card(
        format=cards.FORMAT,
        model=settings.model,
        description=DESCRIPTION,
        parameters=steering_parameters(model),
        sha256=sha256(out),
        data=tuple(_data(drive) for drive in drives),
        held_out=describe_held_out(settings.recipe, settings.lap_m, bool(settings.tests)),
        recipe={
            **asdict(settings.recipe),
            "precision": settings.precision,
            "lap_m": settings.lap_m,
            "dagger": settings.dagger,
        },
        seed=settings.seed,
        epochs=epochs,
        samples=samples,
        metrics=metrics,
        driving=driving,
        versions={"python": platform.python_version(), **{name: version(name) for name in libraries}},
        commit=git_commit(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        golden=golden_of(model),
        confidence=confidence,
        intended_use=INTENDED_USE,
    )


def golden_of(model: keras.Model) -> cards.Golden:
    """Make the golden frame of a whole model whose first output is the steering."""
    frame = cards.golden_frame()
    steering = keras.tree.flatten(model.predict_on_batch(frame[None]))[0]
    return cards.Golden(cards.png_base64(frame), float(steering[0, 0]), GOLDEN_TOLERANCE)


def describe_held_out(recipe: Recipe, lap_m: float | None, tests: bool) -> str:
    """Describe, for the card, what was held out."""
    if recipe.held_out_share is not None:
        text = (
            f"{recipe.held_out_share:.0%} of the rows, drawn at random; their neighbours, which look the same, were"
            " trained on, so the figures flatter; the file holds the epoch that did best on them"
        )
    elif lap_m is None:
        text = "blocks of time; other laps over the same road were trained on, so the figures flatter"
    else:
        ends = (f"{start:g} to {start + recipe.held_out_length_m:g}" for start in recipe.held_out_starts_m)
        text = (
            f"stretches of road, in all laps, directions and recordings: {', '.join(ends)} m from the sharpest bend of"
            f" a lap of {lap_m:g} m, with {recipe.guard_m:g} m on both sides that are left out"
        )
    if recipe.refit_epochs:
        text += (
            f". Measured after {recipe.epochs} epochs; then {recipe.refit_epochs} more (after each round of"
            " corrections, if any) learned all of the road, so the file has since learned the held-out road, too"
        )
    if tests:
        text += ". The figures marked (test) are those of the finished file on recordings that it did not learn"
    return text


def _data(drive: Drive) -> cards.Data:
    rows = drive.part
    return cards.Data(drive.name, int(rows.size), int((rows == TRAIN).sum()), int((rows == HELD_OUT).sum()))
