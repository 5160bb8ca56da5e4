"""Which commit of this repository is running, for the cards and reports that it writes."""

from __future__ import annotations

import subprocess
from pathlib import Path


def git_commit() -> str:
    """Return the repository's commit, marked `-changed` when tracked files differ from it; "" without git."""
    try:
        description = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty=-changed", "--exclude=*"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return description.stdout.strip()
