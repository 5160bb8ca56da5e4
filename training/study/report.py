"""The report makes the study's tables and pictures from the runs' own files and from counted costs.

docs/study.md explains them. Only other people's figures are typed in here, the origin's and the paper's, in columns
that say so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from models.classifiers import TASKS
from models.whole_files import write_whole
from training.study.pictures import draw_errors, draw_rivals
from training.study.results import (
    FinishedStudyRun,
    Group,
    better_rivals,
    comparable_groups,
    group_runs,
    network_size,
    read_runs,
)
from training.study.separable import describe, draw_costs

ORIGIN_DIGITS = {("baseline", "origin", 20): 99.43, ("eff", "origin", 20): 97.98, ("eff", "origin", 50): 98.32}
"""The origin reports these percentages of right answers on the test digits."""

PAPER_CIFAR = {
    "baseline": (80.3, 82.78),
    "mobilenet": (5.8, 77.48),
    "shufflenet": (4.7, 77.30),
    "effnet": (11.4, 80.20),
    "effnet-large": (79.8, 85.02),
}
"""Million operations, and percentage of right test answers, as the origin copied them from the paper."""

PAIRS = {"steering": ("baseline", "eff"), "digits": ("baseline", "eff"), "cifar10": ("baseline", "effnet")}
"""The plain and the slim network of each task."""

ENGINES = {"litert": "LiteRT", "tensorflow": "TensorFlow graph", "keras": "`model.predict`"}
"""The titles of the columns of milliseconds, by the engine's name in the JSON."""

Engines = dict[str, Any]
"""The JSON of `python -m training.study engines`: "machine" and "networks"; empty where it has not run."""


def write_report(runs: Path, engines: Path, out: Path) -> None:
    """Write the tables as Markdown, and the pictures beside them.

    Raises RunError for a damaged run, and ValueError for a file without engine figures.
    """
    finished, measured = read_runs(runs), read_engines(engines)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(out, tables(finished, measured).encode())
    draw_costs(out.parent / "separable.png")
    for task in TASKS:
        if groups := group_runs(finished, task):
            draw_errors(groups, out.parent / f"{task}.png")
    if rivals := comparable_groups(group_runs(finished, "cifar10")):
        draw_rivals(rivals, out.parent / "cifar10-rivals.png")


def tables(runs: Sequence[FinishedStudyRun], measured: Engines) -> str:
    """Format all tables as Markdown, each under a heading."""
    parts = {
        "Separable convolutions": f"```\n{describe()}\n```",
        "Digits": _digits(group_runs(runs, "digits")),
        "CIFAR-10": _cifar(group_runs(runs, "cifar10")),
        "CIFAR-10, trained alike": _rivals(comparable_groups(group_runs(runs, "cifar10"))),
    }
    if measured:
        parts["Machine"] = _machine(measured["machine"])
        parts["Engines"] = _engines(measured["networks"])
        parts["The slim network against the plain one"] = _savings(measured["networks"])
    text = "\n\n".join(f"## {title}\n\n{part}" for title, part in parts.items())
    return f"# The study's tables\n\nWritten by `python -m training.study report`.\n\n{text}\n"


def read_engines(path: Path) -> Engines:
    """Read the engine figures, {} where the file is missing. Raises ValueError for a file that holds none."""
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        for figures in content["networks"].values():
            if set(figures["milliseconds"]) != set(ENGINES):
                raise KeyError("milliseconds")
        return {"machine": dict(content["machine"]), "networks": dict(content["networks"])}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} holds no engine figures ({error}): python -m training.study engines") from None


def _digits(groups: Sequence[Group]) -> str:
    rows = []
    for group in groups:
        origin = ORIGIN_DIGITS.get((group.model, group.recipe, group.epochs))
        sizes = [*_sizes("digits", group.model), f"{int(group.runs[0].result['file_bytes']) / 1e3:,.0f}"]
        accuracies = [group.accuracy(), group.accuracy("train"), f"{origin:.2f}" if origin else "-"]
        how = [group.model, group.recipe, group.optimizer]
        rows.append([*how, *sizes, str(group.epochs), str(len(group.runs)), *accuracies, _pace(group)])
    return _table(
        "network | recipe | optimizer | trainable parameters | M mult-acc | file KB | epochs | seeds | test %"
        " | training % | origin % | s an epoch, arithmetic",
        rows,
    )


def _cifar(groups: Sequence[Group]) -> str:
    rows = []
    for name in TASKS["cifar10"].networks:
        operations, accuracy = PAPER_CIFAR.get(name, ("-", None))
        parameters, millions = _sizes("cifar10", name)
        sizes = [name, parameters, millions, f"{2 * float(millions):.1f}", str(operations)]
        paper = f"{accuracy:.2f}" if accuracy else "-"
        results = [
            [group.optimizer, str(group.epochs), str(len(group.runs)), group.accuracy(), paper, _pace(group)]
            for group in groups
            if group.model == name
        ]
        rows += [sizes + result for result in results or [["-", "-", "-", "not trained yet", paper, "-"]]]
    return _table(
        "network | trainable parameters | M mult-acc | M operations | paper's M operations | optimizer | epochs | seeds"
        " | test % | paper's % | s an epoch, arithmetic",
        rows,
    )


def _rivals(contests: Sequence[Sequence[Group]]) -> str:
    rows = []
    for contest in contests:
        for group in contest:
            beaten = ", ".join(better_rivals(group, contest)) or "none"
            millions = f"{group.multiply_accumulates / 1e6:.2f}"
            rows.append([group.way(), group.model, millions, str(len(group.runs)), group.accuracy(), beaten])
    return _table("trained alike | network | M mult-acc | seeds | test % | beaten at no more mult-acc by", rows)


def _machine(machine: Mapping[str, Any]) -> str:
    names = ("processor", "cores", "litert_threads", "load", "tensorflow")
    row = [*(str(machine[name]) for name in names), str(machine["gpu"] or "none")]
    return _table("processor | cores | LiteRT threads | processes waiting besides | TensorFlow | GPU", [row])


def _engines(networks: Mapping[str, Any]) -> str:
    rows = [
        [
            name,
            f"{figures['multiply_accumulates'] / 1e6:.2f}",
            f"{figures['file_bytes'] / 1e3:,.0f}",
            *(f"{figures['milliseconds'][engine]:.3f}" for engine in ENGINES),
        ]
        for name, figures in networks.items()
    ]
    columns = " | ".join(f"{title} ms" for title in ENGINES.values())
    return _table(f"network | M mult-acc | LiteRT file KB | {columns}", rows)


def _savings(networks: Mapping[str, Any]) -> str:
    """Divide the plain network's cost and times by the slim one's, for each task; below 1 the slim one needs more."""
    rows = []
    for task, (plain_name, slim_name) in PAIRS.items():
        plain, slim = networks.get(f"{task}-{plain_name}"), networks.get(f"{task}-{slim_name}")
        if plain and slim:
            saved = plain["multiply_accumulates"] / slim["multiply_accumulates"]
            ratios = (plain["milliseconds"][engine] / slim["milliseconds"][engine] for engine in ENGINES)
            rows.append([task, plain_name, slim_name, *(f"{ratio:.1f}" for ratio in (saved, *ratios))])
    columns = " | ".join(f"{title}, times as fast" for title in ENGINES.values())
    return _table(f"task | plain | slim | times fewer mult-acc | {columns}", rows)


def _sizes(task: str, name: str) -> list[str]:
    trainable, multiply_accumulates = network_size(task, name)
    return [f"{trainable:,}", f"{multiply_accumulates / 1e6:.2f}"]


def _pace(group: Group) -> str:
    return f"{group.seconds:.1f}, {group.precision}"


def _table(head: str, rows: Sequence[Sequence[str]]) -> str:
    """Format a Markdown table; head: the columns' names, separated by ` | `."""
    rule = "---|" * (head.count(" | ") + 1)
    return "\n".join([f"| {head} |", f"|{rule}", *(f"| {' | '.join(row)} |" for row in rows)])
