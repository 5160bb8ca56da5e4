"""What came of it: both networks' curves beside what always answering 0 gives, and a table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from training.figures import save_figure
from training.held_out import Metrics
from training.origin.experiment import History, best_epoch
from training.origin.recipe import PUBLISHED


def draw(histories: Mapping[str, History], path: Path) -> None:
    """A panel for each network: training and validation loss, that of always 0, and the published figures."""
    figure = Figure(figsize=(12, 4.2), layout="constrained")
    panels = figure.subplots(1, len(histories), sharey=True, squeeze=False)[0]
    drawn = [row[key] for history in histories.values() for row in history for key in ("loss", "val_loss")]
    highest = max(*drawn, *(PUBLISHED[name]["val_loss"] for name in histories))
    for axes, (name, history) in zip(panels, histories.items(), strict=True):
        epochs = [row["epoch"] for row in history]
        zero = history[0]["val_loss_of_0"]
        axes.plot(epochs, [row["loss"] for row in history], marker=".", label="training")
        axes.plot(epochs, [row["val_loss"] for row in history], marker=".", label="validation")
        axes.axhline(zero, color="black", linestyle="--", label="validation, always 0")
        axes.axhline(PUBLISHED[name]["val_loss"], color="tab:red", linestyle=":", label="validation, published")
        axes.set(
            title=f"{name}, the study's recipe", xlabel="epoch", ylabel="mean squared error", ylim=(0, 1.1 * highest)
        )
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small", loc="center right")
    save_figure(figure, path)


def table(histories: Mapping[str, History], judged: Mapping[str, Metrics]) -> str:
    """Markdown: losses as the study counts them, then agreement as driving sees it."""
    lines = [
        "| mean squared error | training | validation | always 0 | published, validation | best epoch |",
        "|---|---|---|---|---|---|",
    ]
    for name, history in histories.items():
        best = history[best_epoch(history) - 1]
        lines.append(
            f"| `{name}` | {history[-1]['loss']:.4f} | {best['val_loss']:.4f} | {best['val_loss_of_0']:.4f} |"
            f" {PUBLISHED[name]['val_loss']:.4f} | {best_epoch(history)} of {len(history)} |"
        )
    lines += ["", "| as driving sees it | MAE | of always 0 | correlation | bias |", "|---|---|---|---|---|"]
    for name, metrics in judged.items():
        for key, figures in metrics.items():
            lines.append(
                f"| `{name}`, {key} | {figures['mae']:.4f} | {figures['zero_mae']:.4f} |"
                f" {figures['correlation']:.3f} | {figures['bias']:+.4f} |"
            )
    return "\n".join(lines)
