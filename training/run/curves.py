"""A run's progress as a picture: training loss, and what the held-out road says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from training.run.figures import save_figure


def draw_curves(history: Sequence[Mapping[str, float]], path: Path) -> None:
    """Per-epoch figures -> a PNG of three panels: loss, and error and correlation on a part of the held-out rows.

    A validation loss stands beside that of training, with that of always answering 0 (val_loss_of_0).
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
