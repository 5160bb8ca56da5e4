"""A run draws its progress as a picture: training loss, and error and correlation on the held-out road."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from training.run.figures import save_figure


def draw_curves(history: Sequence[Mapping[str, float]], path: Path) -> None:
    """Draw per-epoch figures into a PNG of three panels: loss, and error and correlation on some held-out rows.

    Where there is a validation loss, it is drawn beside the training loss, with that of always answering 0.
    """
    figure = Figure(figsize=(12, 3.5), layout="constrained")
    epochs = [row["epoch"] for row in history]
    panels = {
        "loss": "loss (MSE)",
        "mae": "held-out mean absolute error",
        "correlation": "held-out correlation",
    }
    for axes, (key, title) in zip(figure.subplots(1, 3), panels.items(), strict=True):
        for name in (key, f"val_{key}", f"val_{key}_of_0"):
            if name in history[0]:
                axes.plot(epochs, [row[name] for row in history], marker=".", label=name)
        axes.set(title=title, xlabel="epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend()
    save_figure(figure, path)
