"""The draft's second half: the way to the model, its layers, what the network was shown, and how it drives."""

from __future__ import annotations

import numpy as np

from training.writeup.drive import JudgedDrive
from training.writeup.finished_run import FinishedRun
from training.writeup.markdown import Links, figure, gap, link, picture, shape_text, table
from training.writeup.pictures import BALANCE, CURVES, MAP, VARIATIONS, learned_steering
from training.writeup.strategy import STRAIGHT


def design(run: FinishedRun) -> str:
    """Udacity: solution design approach."""
    names = ["epoch", "loss", "mae", "correlation", "off_road_events", "mean_cte_m"]
    heads = ["epoch", "loss", "held-out error", "correlation", "off the road", "metres beside the middle"]
    present = [(name, head) for name, head in zip(names, heads, strict=True) if name in run.epochs[0]]
    rows = [[figure(epoch, name) for name, _ in present] for epoch in run.epochs]
    trials = [
        f"In the trial *{name}* the chosen weights left the road {figures.get('off_road_events') or 0:.0f} times."
        for name, figures in run.card.driving.items()
    ]
    minutes = sum(epoch["seconds"] for epoch in run.epochs) / 60
    return "\n\n".join(
        (
            "## Architecture and training documentation",
            "### How the solution came about",
            f"The epochs took {minutes:.1f} minutes. After each the averaged weights were measured on held-out rows,"
            " and drove a quarter of the built-in lake where the table says how.",
            table([head for _, head in present], rows),
            *trials,
            gap("How did you get from the first try to this model? Where did the car leave the road, and what helped?"),
        )
    )


def layers(run: FinishedRun) -> str:
    """Udacity: final model architecture."""
    rows = [(f"`{kind}`", shape_text(shape), "", "") for kind, shape in run.preparation]
    rows += [
        (
            f"`{layer.kind}` {layer.layer}",
            shape_text(layer.shape),
            f"{layer.parameters:,}",
            f"{layer.multiply_accumulates:,}",
        )
        for layer in run.cost.layers
        if layer.parameters
    ]
    rows.append(("all", "", f"{run.cost.parameters:,}", f"{run.cost.multiply_accumulates:,}"))
    return "\n\n".join(
        (
            "### The network, layer by layer",
            "Layers without parameters (activations, pooling, dropout) are left out.",
            table(("layer", "output", "parameters", "multiply-accumulates"), rows),
        )
    )


def processing(run: FinishedRun, links: Links) -> str:
    """Udacity: creation of the training set, and training process."""
    recipe, learned = run.recipe, learned_steering(run)
    straight = np.mean(np.abs(learned) < STRAIGHT)
    smoothing = f"Steering is averaged over {recipe.smooth_s:g} s. " if recipe.smooth_s else ""
    return "\n\n".join(
        (
            "### The data on their way into the network",
            f"{smoothing}Straight rows are thinned, and a camera is drawn for each row: {recipe.centre_share:.0%} of"
            f" the images are from the centre. The steering of a side camera is corrected by {recipe.side_camera:g}"
            f" towards the middle. Then {straight:.0%} of an epoch's images ask for straight.",
            picture("steering as recorded, and as drawn for an epoch", links, BALANCE),
            "Each image is then varied at random. The yellow line is the path along which the steering leads.",
            picture("each variation of five frames, and all together", links, VARIATIONS),
            picture("the loss, and error and correlation on held-out rows, by epoch", links, CURVES),
        )
    )


def simulation(drive: JudgedDrive | None, links: Links) -> str:
    """Udacity: the car navigates the test track."""
    film = link(links.film, "The film of the drive") if links.film else gap("film a lap, and link the film here.")
    if drive is None:
        report = gap("How does the model drive? `python -m training.evaluate` counts how often it leaves the road.")
        return f"## Simulation\n\n{report}\n\n{film}"
    figures = drive.report
    laps = ", ".join(f"{seconds:.1f} s" for seconds in figures.lap_times_s) or "none was completed"
    rows = (
        ("laps", f"{figures.laps:.2f}"),
        ("times off the road", figures.off_road_events),
        ("times that a wheel left the carriageway", figures.wheels_off_events),
        ("autonomy (NVIDIA's, 6 s for each time off the road)", f"{figures.autonomy_percent:.1f} %"),
        ("metres from the middle: mean, most", f"{figures.mean_cte_m:.2f}, {figures.max_cte_m:.2f}"),
        ("lap times", laps),
        ("mean speed", f"{figures.mean_speed_mph:.1f} mph"),
    )
    question = "What do you see in the film? What would you do next?"
    if figures.off_road_events:
        question = "Where and why does the car leave the road, and what would you do about it? " + question
    return "\n\n".join(
        (
            "## Simulation",
            f"The model drove the built-in track `{drive.track}` at {drive.speed_mph:g} mph. The car is off the road"
            " when its middle has left the carriageway, or when it has touched a wall.",
            table(("drive", "value"), rows),
            picture("the driven line, coloured by its distance from the middle", links, MAP),
            film,
            gap(question),
        )
    )
