"""A heat map shows at a glance what harms which model, and from which strength on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from training.robustness.catalogue import CLEAN
from training.robustness.report import RobustnessReport
from training.run.figures import save_figure

COLOURS = "RdYlBu"
"""Red for none and blue for full autonomy, which people who cannot tell red from green tell apart."""


def draw_heat_map(report: RobustnessReport, path: Path) -> None:
    """Write autonomy as a PNG: a panel for each model, a row for each corruption, a column for each strength."""
    corruptions = [*report.by_harm(), CLEAN]
    models, strengths = list(report.outcomes), report.strengths
    size = 2.4 + len(models) * (0.5 + 0.42 * len(strengths)), 1.5 + 0.27 * len(corruptions)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(1, len(models), squeeze=False, sharey=True)[0]
    for panel, model in zip(panels, models, strict=True):
        outcomes = report.outcomes[model]
        autonomy = np.array(
            [
                [outcomes[c.name, 1 if c is CLEAN else strength].autonomy_percent for strength in strengths]
                for c in corruptions
            ]
        )
        panel.imshow(autonomy, COLOURS, vmin=0, vmax=100, aspect="auto")
        for (row, column), percent in np.ndenumerate(autonomy):
            dark = percent < 20 or percent > 85
            panel.text(
                column, row, f"{percent:.0f}", ha="center", va="center", fontsize=8, color="white" if dark else "black"
            )
        means = [f"{strength}\n{report.mean_autonomy(model, strength):.0f} %" for strength in strengths]
        panel.set_xticks(range(len(strengths)), means)
        panel.set_yticks(range(len(corruptions)), [c.name for c in corruptions])
        panel.set_title(model, fontsize=10)
        panel.tick_params(length=0)
    figure.supxlabel("strength, and mean of the corruptions", fontsize=9)
    figure.suptitle(f"Autonomy in percent on {report.plan.track.name}", fontsize=11)
    save_figure(figure, path, dpi=120)
