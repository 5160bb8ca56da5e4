"""The machine and its libraries, as the first line of the tables says."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("jax", "torch", "tensorflow", "keras", "ai-edge-litert", "numpy")


def describe_machine() -> str:
    """The processor, the cards, and the installed libraries with their versions."""
    return f"{platform.machine()}, {os.cpu_count()} cores; {cards() or 'no NVIDIA GPU'}; {libraries()}"


def cards() -> str:
    """The GPUs' names, memory and drivers, as nvidia-smi prints them; empty without it."""
    if shutil.which("nvidia-smi") is None:
        return ""
    query = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    return "; ".join(subprocess.run(query, capture_output=True, text=True, check=False).stdout.splitlines())


def libraries() -> str:
    """The installed libraries and their versions."""
    names = []
    for package in PACKAGES:
        try:
            names.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            names.append(f"no {package}")
    return ", ".join(names)
