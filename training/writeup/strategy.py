"""The draft's first half: the files, and the choice of network, parameters and data with the run's own figures."""

from __future__ import annotations

from pathlib import PurePosixPath

import numpy as np

from protocol.recording import SESSION_GAP_S
from training.run.model_out import shell_line
from training.run.recipe import Recipe
from training.writeup.finished_run import FinishedRun
from training.writeup.markdown import Links, figure, gap, link, picture, table
from training.writeup.pictures import VIEWS, recorded_steering

STRAIGHT = 0.02
"""Steering below this counts as straight, which is half a degree of the wheels."""


def opening(run: FinishedRun) -> str:
    """Say where the figures come from, and ask what the student did."""
    commit = f", commit {run.card.commit}" if run.card.commit else ""
    return "\n\n".join(
        (
            "# Behavioral cloning",
            f"`python -m training.writeup` drafted this page from the training of {run.card.created[:10]}{commit}. All"
            " figures and pictures are of this one training and of the drive at the end. The program that trained is"
            " not the student's own work, and this page should say what is.",
            gap("What did you do yourself, what did you change, and what did you take from others?"),
        )
    )


def files(run: FinishedRun, links: Links) -> str:
    """List what is handed in, and how it is run. Udacity: files submitted, code quality."""
    film = link(links.film) if links.film else "not filmed yet"
    rows = (
        (link(links.model), f"the trained network, {run.model.stat().st_size / 1e6:.2f} MB"),
        (link(links.card), "what it learned from, all settings, and its figures"),
        (film, "the film of a drive"),
        ("`python -m training`", "the program that trains, in place of `model.py`"),
        ("`server/drive.py`", "the program that drives, in place of the course's `drive.py`"),
    )
    return "\n\n".join(
        (
            "## Files and code",
            table(("file", "what it is"), rows),
            "This command lets the model drive Udacity's simulator in its autonomous mode:",
            f"```\n{shell_line(['python', 'server/drive.py', PurePosixPath(links.model).name])}\n```",
            "This command repeats the training, where the recordings are:",
            f"```\n{run.command()}\n```",
            "Images are decoded once into files (`training/data/crops.py`), which are read batch by batch while the"
            " network learns, so they need not lie in memory all at once. A step varies its batch"
            " (`training/data/augment.py`). The loop of the training is in `training/run/train.py`.",
        )
    )


def network(run: FinishedRun) -> str:
    """Udacity: an appropriate model architecture."""
    kinds = [layer.kind for layer in run.cost.layers]
    convolutions = sum("Conv" in kind for kind in kinds)
    activations = sum("ReLU" in kind or kind == "Activation" for kind in kinds)
    preparation = ", ".join(f"`{kind}`" for kind, _ in run.preparation if kind != "InputLayer")
    return "\n\n".join(
        (
            "## Model architecture and training strategy",
            "### The network",
            f"`{run.settings.model}` has {convolutions} convolutions and {kinds.count('Dense')} dense layers with"
            f" {run.cost.parameters:,} parameters. One frame takes {run.cost.multiply_accumulates / 1e6:.1f} million"
            f" multiply-accumulates. {activations} activation layers make it non-linear. Its first layers crop and"
            f" normalise the raw frame ({preparation}), so whoever drives it needs no preprocessing.",
            gap("Why does this network suit the task? What else did you try, and how did it drive?"),
        )
    )


def overfitting(run: FinishedRun) -> str:
    """Udacity: attempts to reduce overfitting."""
    recipe = run.recipe
    rows = [
        (name, *(figure(figures, key) for key in ("rows", "mae", "zero_mae", "correlation")))
        for name, figures in run.card.metrics.items()
        if " stretch " not in name
    ]
    average = f", and the saved weights are an average over {recipe.average_horizon_steps} steps"
    averaged = average if recipe.average_horizon_steps > 1 else ""
    return "\n\n".join(
        (
            "### Against overfitting",
            f"Held out of the training: {run.card.held_out}.",
            table(
                ("recording", "rows", "rows learned", "rows held out"),
                [
                    (data.recording, f"{data.rows:,}", f"{data.trained:,}", f"{data.held_out:,}")
                    for data in run.card.data
                ],
            ),
            "The error on held-out rows stands beside the error of always answering 0. Means over one second show the"
            " intention of a driver who steers in bursts. The model's card has the figures of each held-out stretch.",
            table(("held out", "rows", "mean absolute error", "of always 0", "correlation"), rows),
            f"Dropout is {recipe.head_dropout:g} between the dense layers and {recipe.block_dropout:g} after each"
            f" block. Weights decay by {recipe.weight_decay:g}{averaged}. Each image"
            " is varied anew whenever it is drawn; the picture below shows how.",
        )
    )


def parameters(run: FinishedRun) -> str:
    """Udacity: parameter tuning."""
    recipe = run.recipe
    rows = [
        ("optimizer", "AdamW; loss: mean squared error of the steering"),
        ("learning rate", f"{recipe.learning_rate:g}{_schedule(recipe)}"),
        ("batch", f"{recipe.batch} images"),
        ("epochs", f"{recipe.epochs}{_refit(recipe)}"),
        ("images learned", f"{run.card.samples:,}, varied anew each time"),
        ("seed", run.settings.seed),
    ]
    return "\n\n".join(
        (
            "### Parameters",
            table(("parameter", "value"), rows),
            "The other values of the recipe, each with its reason, are in `training/run/recipe.py`.",
            gap("Which of these did you change, why, and what came of it?"),
        )
    )


def data(run: FinishedRun, links: Links) -> str:
    """Udacity: appropriate training data."""
    steering = recorded_steering(run)
    return "\n\n".join(
        (
            "### Training data",
            f"The recordings have {steering.size:,} usable rows, {_minutes(run):.1f} minutes of driving. In"
            f" {np.mean(np.abs(steering) < STRAIGHT):.0%} of them the wheel is straight;"
            f" {np.mean(steering <= -STRAIGHT):.0%} steer left and {np.mean(steering >= STRAIGHT):.0%} right.",
            picture("frames of a bend to the left, a straight and a bend to the right", links, VIEWS),
            gap("How did you drive (keys, mouse, gamepad), which way round, and did you record recoveries?"),
        )
    )


def _minutes(run: FinishedRun) -> float:
    steps = np.concatenate([np.diff(drive.time_s) for drive in run.drives])
    return float(steps[(steps > 0) & (steps < SESSION_GAP_S)].sum()) / 60


def _schedule(recipe: Recipe) -> str:
    rise = f", which it reaches after {recipe.warm_up:.0%} of the steps" if recipe.warm_up else ""
    return f"{rise}; then it falls to {recipe.last_rate:.0%} of that" if recipe.last_rate < 1 else rise


def _refit(recipe: Recipe) -> str:
    if not recipe.refit_epochs:
        return ""
    return f", then {recipe.refit_epochs} on all of the road at {recipe.refit_learning_rate:g}"
