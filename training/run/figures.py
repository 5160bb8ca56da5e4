"""Matplotlib's figures as PNG files that are there whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path

from matplotlib.figure import Figure

from models.whole_files import write_whole


def save_figure(figure: Figure, path: Path, dpi: int = 100) -> None:
    """Write it. Raises OSError."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=dpi)
    write_whole(path, picture.getvalue())
