"""The report makes the study's tables and pictures from the runs' own files and from counted costs.

docs/study.md explains them. Only other people's figures are typed in here, the origin's and the paper's, in columns
that say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from models.classifiers import TASKS
from models.whole_files import write_whole
from training.study.engines.measure import Engines, read_engines
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

ENGINES = {
    "litert": "LiteRT",
    "tensorflow": "TensorFlow graph",
    "keras": "`model.predict`",
    "jax-cpu-grouped": "JAX on a CPU, grouped",
    "jax-cpu-shifted": "JAX on a CPU, shifted",
    "jax-gpu-grouped": "JAX on a GPU, grouped",
    "jax-gpu-shifted": "JAX on a GPU, shifted",
}
"""The titles of engines in columns, by the engine's name in the JSON; those that were not measured have none."""


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
        parts["Machine"] = _machine(measured["machines"])
        parts["Engines"] = _engines(measured["networks"])
        parts["Batches of 256"] = _batches(measured["networks"], runs)
        parts["The slim network against the plain one"] = _savings(measured["networks"])
    text = "\n\n".join(f"## {title}\n\n{part}" for title, part in parts.items())
    return f"# The study's tables\n\nWritten by `python -m training.study report`.\n\n{text}\n"


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


def _machine(machines: Mapping[str, Any]) -> str:
    rows = [
        [*(str(machine[name] or "-") for name in ("library", "device", "processor", "cores", "litert_threads", "load"))]
        for machine in machines.values()
    ]
    return _table("library | device | processor | cores | LiteRT threads | processes waiting besides", rows)


def _engines(networks: Mapping[str, Any]) -> str:
    engines = _measured_engines(networks, "milliseconds")
    rows = [
        [
            name,
            f"{figures['multiply_accumulates'] / 1e6:.2f}",
            f"{figures['file_bytes'] / 1e3:,.0f}" if "file_bytes" in figures else "-",
            *(_cell(figures["milliseconds"], engine, ".3f") for engine in engines),
        ]
        for name, figures in networks.items()
    ]
    columns = " | ".join(f"{ENGINES[engine]} ms" for engine in engines)
    return _table(f"network | M mult-acc | LiteRT file KB | {columns}", rows)


def _batches(networks: Mapping[str, Any], runs: Sequence[FinishedStudyRun]) -> str:
    """Set the images a second of batches beside the best accuracy of each network's groups of runs."""
    engines = _measured_engines(networks, "images_s")
    groups = {task: group_runs(runs, task) for task in TASKS}
    rows = []
    for name, figures in networks.items():
        task, _, model = name.partition("-")
        of_model = [group for group in groups.get(task, []) if group.model == model]
        best = max(of_model, key=lambda group: group.mean_accuracy).accuracy() if of_model else "-"
        millions = f"{figures['multiply_accumulates'] / 1e6:.2f}"
        rows.append([name, millions, best, *(_cell(figures["images_s"], engine, ",.0f") for engine in engines)])
    columns = "".join(f" | {ENGINES[engine]}, images/s" for engine in engines)
    return _table(f"network | M mult-acc | best test %{columns}", rows)


def _savings(networks: Mapping[str, Any]) -> str:
    """Divide the plain network's cost and times by the slim one's, for each task; below 1 the slim one needs more."""
    single, batched = (_measured_engines(networks, key) for key in ("milliseconds", "images_s"))
    rows = []
    for task, (plain_name, slim_name) in PAIRS.items():
        plain, slim = networks.get(f"{task}-{plain_name}"), networks.get(f"{task}-{slim_name}")
        if plain and slim:
            saved = plain["multiply_accumulates"] / slim["multiply_accumulates"]
            times = [_ratio(plain["milliseconds"], slim["milliseconds"], engine) for engine in single]
            times += [_ratio(slim["images_s"], plain["images_s"], engine) for engine in batched]
            rows.append([task, plain_name, slim_name, f"{saved:.1f}", *times])
    titles = [f"{ENGINES[engine]}, times as fast" for engine in single]
    titles += [f"{ENGINES[engine]}, in batches" for engine in batched]
    return _table(f"task | plain | slim | times fewer mult-acc | {' | '.join(titles)}", rows)


def _measured_engines(networks: Mapping[str, Any], key: str) -> list[str]:
    """The engines that have a figure of at least one network, in the order of ENGINES."""
    return [engine for engine in ENGINES if any(engine in figures[key] for figures in networks.values())]


def _cell(values: Mapping[str, float], engine: str, form: str) -> str:
    return format(values[engine], form) if engine in values else "-"


def _ratio(over: Mapping[str, float], under: Mapping[str, float], engine: str) -> str:
    return f"{over[engine] / under[engine]:.1f}" if engine in over and engine in under else "-"


def _sizes(task: str, name: str) -> list[str]:
    trainable, multiply_accumulates = network_size(task, name)
    return [f"{trainable:,}", f"{multiply_accumulates / 1e6:.2f}"]


def _pace(group: Group) -> str:
    return f"{group.seconds:.1f}, {group.precision}"


def _table(head: str, rows: Sequence[Sequence[str]]) -> str:
    """Format a Markdown table; head: the columns' names, separated by ` | `."""
    rule = "---|" * (head.count(" | ") + 1)
    return "\n".join([f"| {head} |", f"|{rule}", *(f"| {' | '.join(row)} |" for row in rows)])
