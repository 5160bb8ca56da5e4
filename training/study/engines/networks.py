"""The networks that engines are measured with, and what is written about the machine and each network.

A network's speed does not depend on its weights, so the networks are untrained.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

from models.classifiers import TASKS
from models.cost import cost
from models.steering import baseline, eff
from protocol.command_line import command_parser

BUILDERS: dict[str, Callable[[], keras.Model]] = {
    **{f"{task}-{name}": build for task, group in TASKS.items() for name, build in group.networks.items()},
    "steering-baseline": baseline,
    "steering-eff": eff,
}
"""Every network of the study, and both steering networks."""


def names_of(prog: str, text: str | None, arguments: Sequence[str] | None) -> list[str]:
    """The networks that a measuring process was asked for, all without any. prog, text: as in `command_parser`."""
    parser = command_parser(prog, text)
    parser.add_argument("networks", nargs="*", help="(default: all)")
    names: list[str] = parser.parse_args(arguments).networks
    if unknown := set(names) - set(BUILDERS):
        raise ValueError(f"no such network: {', '.join(sorted(unknown))}; there are {', '.join(BUILDERS)}")
    return names or list(BUILDERS)


def machine(library: str, device: str, litert_threads: int | None = None) -> dict[str, Any]:
    """Describe where figures come from: library with version, device, processor, and how busy it was."""
    return {
        "library": library,
        "device": device,
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "litert_threads": litert_threads,
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "keras": keras.__version__,
    }


def print_figures(place: str, described: Mapping[str, Any], figures: Mapping[str, Mapping[str, Any]]) -> None:
    """Print a process's result as one line. place: such as `jax-cpu`; figures: those of each network, by name."""
    networks = {}
    for name, values in figures.items():
        network_cost = cost(BUILDERS[name]())
        sizes = {"parameters": network_cost.parameters, "multiply_accumulates": network_cost.multiply_accumulates}
        networks[name] = {**sizes, **values}
    print("\n" + json.dumps({"machines": {place: described}, "networks": networks}), flush=True)
