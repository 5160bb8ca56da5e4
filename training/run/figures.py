"""Figures of Matplotlib are saved as PNG files, whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path

from matplotlib.figure import Figure

from models.whole_files import write_whole


def save_figure(figure: Figure, path: Path, dpi: int = 100) -> None:
    """Write the figure as a PNG. Raises OSError."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=dpi)
    write_whole(path, picture.getvalue())
