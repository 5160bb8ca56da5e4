"""Measures the networks with each library in turn, and writes all figures to one JSON file.

Figures of libraries that are not measured now stay in the file, with the description of their machine.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from inference.child_process import ROOT
from inference.devices import nvidia_gpu
from models.whole_files import write_whole

LIBRARIES = ("tensorflow", "jax")

Engines = dict[str, Any]
"""machines: a description by place, such as `jax-cpu`; networks: sizes, milliseconds of one image by engine, and
images_s, the images a second of batches by engine, for each network. Empty where nothing was measured.
"""


def installed_libraries() -> list[str]:
    """Those of LIBRARIES that are here."""
    return [name for name in LIBRARIES if importlib.util.find_spec(name)]


def measure(libraries: Sequence[str], networks: Sequence[str], out: Path) -> Engines:
    """Measure, and write `out` after each library; JAX is measured on the GPU, if there is one, and on the processor.

    networks: their names, none for all. Raises RuntimeError for a library that cannot be measured, ValueError for a
    file that holds no figures.
    """
    results = read_engines(out)
    for library in libraries:
        places = [{}, {"JAX_PLATFORMS": "cpu"}] if library == "jax" and nvidia_gpu() else [{}]
        for environment in places:
            results = merged(results, _figures(library, networks, environment))
            write_whole(out, (json.dumps(results, indent=2) + "\n").encode())
    return results


def merged(older: Engines, newer: Engines) -> Engines:
    """Both figures; where both have one, the newer."""
    networks = dict(older.get("networks", {}))
    for name, figures in newer["networks"].items():
        former = networks.get(name, {})
        tables = {key: {**former.get(key, {}), **figures.get(key, {})} for key in ("milliseconds", "images_s")}
        networks[name] = {**former, **figures, **tables}
    return {"machines": {**older.get("machines", {}), **newer["machines"]}, "networks": networks}


def _figures(library: str, networks: Sequence[str], environment: Mapping[str, str]) -> Engines:
    """What a process of one library measures; its progress bars stay visible."""
    command = [sys.executable, "-m", f"training.study.engines.on_{library}", *networks]
    process = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.PIPE, check=False, text=True
    )
    if process.returncode:
        raise RuntimeError(f"{library} was not measured: its process ended with exit code {process.returncode}")
    engines: Engines = json.loads(process.stdout.strip().splitlines()[-1])
    return engines


def read_engines(path: Path) -> Engines:
    """Read the engine figures, {} where the file is missing. Raises ValueError for a file that holds none."""
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        for figures in content["networks"].values():
            values = [figures["multiply_accumulates"], *figures["milliseconds"].values(), *figures["images_s"].values()]
            if not figures["milliseconds"] or not all(isinstance(value, int | float) for value in values):
                raise KeyError("milliseconds")
        machines = {place: dict(described) for place, described in content["machines"].items()}
        return {"machines": machines, "networks": dict(content["networks"])}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} holds no engine figures ({error}): python -m training.study engines") from None
