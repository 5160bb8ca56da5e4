"""Pictures for people: the pairs side by side, and the models' answers to them."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageDraw

from film.lettering import GROUND, LABEL, TEXT, font
from models.whole_files import write_whole
from protocol.messages import FRAME_COLUMNS, FRAME_ROWS, Frame
from training.likeness.answers import Answers
from training.likeness.criteria import MOST_DIFFERENCE
from training.likeness.motion import Pair
from training.run.figures import save_figure

MARGIN, HEAD = 8, 16
COLUMNS = 3
"""Pairs side by side on the sheet."""


def save_sheet(pairs: Sequence[Pair], drawn_frames: Sequence[Frame], path: Path) -> None:
    """Write all pairs, the real frame on the left of each. Raises OSError."""
    width, height = 2 * FRAME_COLUMNS + 2 + MARGIN, FRAME_ROWS + HEAD + MARGIN
    lines = math.ceil(len(pairs) / COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * width + MARGIN, lines * height + MARGIN), GROUND)
    pencil = ImageDraw.Draw(sheet)
    for number, ((frame, located), picture) in enumerate(zip(pairs, drawn_frames, strict=True)):
        left, top = MARGIN + number % COLUMNS * width, MARGIN + number // COLUMNS * height
        pose = located.pose
        way = ", backwards" if pose.backwards else ""
        place = f"at {pose.distance_m:.1f} m{way}, {pose.offset_m:+.2f} m, {math.degrees(pose.heading_rad):+.1f} deg"
        pencil.text((left, top), frame.name, TEXT, font(11))
        pencil.text((left + FRAME_COLUMNS + 2, top), f"drawn {place}, fit {located.fit:.2f}", LABEL, font(11))
        sheet.paste(Image.fromarray(frame.pixels), (left, top + HEAD))
        sheet.paste(Image.fromarray(picture), (left + FRAME_COLUMNS + 2, top + HEAD))
    file = io.BytesIO()
    sheet.save(file, "PNG")
    write_whole(path, file.getvalue())


def save_plot(answers: Mapping[str, Answers], recordings: Sequence[str], path: Path) -> None:
    """Plot the answers to drawn frames over those to real ones, a panel for each model. Raises OSError."""
    figure = Figure(figsize=(4.4 * len(answers), 5.2), layout="constrained")
    for panel, (model, answer) in zip(figure.subplots(1, len(answers), squeeze=False)[0], answers.items(), strict=True):
        reach = 1.1 * max(0.1, float(np.abs([answer.real, answer.drawn]).max()))
        ends = np.array([-reach, reach])
        panel.plot(ends, ends, color="0.6", linewidth=1)
        panel.fill_between(ends, ends - MOST_DIFFERENCE, ends + MOST_DIFFERENCE, color="0.9")
        for recording in dict.fromkeys(recordings):
            rows = np.array([name == recording for name in recordings])
            panel.plot(answer.real[rows], answer.drawn[rows], "o", markersize=4, label=recording)
        panel.set(xlim=ends, ylim=ends, xlabel="steering for the real frame", ylabel="steering for the drawn frame")
        panel.set_title(
            f"{model}: correlation {answer.errors.correlation:.3f}, mean difference {answer.errors.mae:.3f}",
            fontsize=10,
        )
        panel.set_box_aspect(1)
    figure.legend(*panel.get_legend_handles_labels(), loc="outside lower center", fontsize="small", ncols=3)
    save_figure(figure, path)
