"""The study's report: docs/study.md and its pictures, written from the runs' own files and from what was counted.

No figure is typed in but those of others: the origin's and the paper's, each said to be theirs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from models.classifiers import TASKS
from models.cost import cost
from models.whole_files import write_whole
from training.figures import save_figure
from training.study.conclusion import conclusion
from training.study.pictures import mark_axes
from training.study.results import Group, grouped, read_runs
from training.study.rivals import contest_rows, contests, draw_contests
from training.study.separable import describe, draw_costs

ORIGIN_DIGITS = {("baseline", "origin", 20): 99.43, ("eff", "origin", 20): 97.98, ("eff", "origin", 50): 98.32}
"""Percent of the test digits right, as the origin tells."""

PAPER_CIFAR = {
    "baseline": (80.3, 82.78),
    "mobilenet": (5.8, 77.48),
    "shufflenet": (4.7, 77.30),
    "effnet": (11.4, 80.20),
    "effnet-large": (79.8, 85.02),
}
"""Million operations, and percent of the test images right, as the origin copied them from the paper."""

DASHES = ("-", "--", ":", "-.")

ENGINE_TITLES = {"litert": "LiteRT ms", "tensorflow": "TensorFlow graph ms", "keras": "`model.predict` ms"}


def write_report(runs: Path, engines: Path, out: Path) -> None:
    """Write the report, and its pictures into the folder of its name.

    Raises RunError for a damaged run, ValueError for engine figures that are none.
    """
    found = read_runs(runs)
    measured = _engines(engines)
    pictures = out.with_suffix("")
    pictures.mkdir(parents=True, exist_ok=True)
    draw_costs(pictures / "separable.png")
    parts = [_opening(), _separable(pictures)]
    for task, part in (("digits", _digits), ("cifar10", _cifar)):
        groups = grouped(found, task)
        if groups:
            draw_errors(groups, pictures / f"{task}.png")
        parts.append(part(groups, pictures))
    parts += [_engine_table(measured), conclusion(found, measured["networks"] if measured else {})]
    write_whole(out, ("\n\n".join(parts) + "\n").encode())


def _opening() -> str:
    return """# The study: what EffNet saves, and what it costs

Written by `python -m training.study report` from the runs in [study/runs](study/runs); every figure but those marked as
the origin's or the paper's was counted or measured here. A multiply-accumulate is one use of a kernel's weight for one
image; biases, activations, normalisation and pooling are not counted. Accuracy is that of the last epoch on the 10,000
test images, which choose nothing; ± is the standard deviation over seeds."""


def _separable(pictures: Path) -> str:
    return f"""## Separable convolutions

```
{describe()}
```

![cost against channels and kernel size]({pictures.name}/separable.png)

`python -m training.study separable`"""


def _digits(groups: Sequence[Group], pictures: Path) -> str:
    lines = [
        "network | recipe | optimizer | trainable parameters | M mult-acc | file KB | epochs | seeds | test %"
        " | training % | origin"
        " | s an epoch, arithmetic"
    ]
    for group in groups:
        origin = ORIGIN_DIGITS.get((group.model, group.recipe, group.epochs))
        cells = [group.model, group.recipe, group.optimizer, *_size_cells("digits", group.model), _file_cell(group)]
        cells += [str(group.epochs), str(len(group.runs)), group.accuracy(), group.accuracy("train")]
        lines.append(" | ".join([*cells, f"{origin:.2f}" if origin else "-", _seconds_cell(group)]))
    return f"""## Digits

{_table(lines)}

The recipe `origin` has Adam, batch 1000 and dropout after every block; `ours` moves the digits a little, drops
nothing out, starts the kernels by their true fan-in and none of them dead, and takes Muon's steps at a rate that falls.
Training accuracy is of moved digits or, in `origin`, with dropout. Files are float32 weights.

{_pictures(groups, pictures)}

`python -m training.study digits --model eff --recipe ours --seed 1`"""


def _cifar(groups: Sequence[Group], pictures: Path) -> str:
    lines = [
        "network | trainable parameters | M mult-acc | M operations | paper's M operations | optimizer | epochs | seeds"
        " | test % | paper's % | s an epoch, arithmetic"
    ]
    trained = {group.model for group in groups}
    for name in TASKS["cifar10"].networks:
        budget, accuracy = PAPER_CIFAR.get(name, (None, None))
        parameters, millions = _size_cells("cifar10", name)
        first = [name, parameters, millions, f"{2 * float(millions):.1f}", str(budget or "-")]
        paper = f"{accuracy:.2f}" if accuracy else "-"
        for group in groups:
            if group.model == name:
                cells = [group.optimizer, str(group.epochs), str(len(group.runs)), group.accuracy(), paper]
                cells.append(_seconds_cell(group))
                lines.append(" | ".join(first + cells))
        if name not in trained:
            lines.append(" | ".join([*first, "-", "-", "-", "not trained yet", paper, "-"]))
    return f"""## CIFAR-10

{_table(lines)}

The paper's text was not at hand: its accuracies and its budgets are as the origin cites them. Two operations a
multiply-accumulate, and three stages of 64, 128 and 256 channels before the dense layer, are what its budgets come to;
two stages would cost half. `effnet-1x2` is `effnet` with the other reading of the block's last kernel.

{_pictures(groups, pictures)}

`python -m training.study cifar10 --model effnet --data cifar10.npz`{_rivals(groups, pictures)}"""


def _rivals(groups: Sequence[Group], pictures: Path) -> str:
    """The part on networks that were trained alike; empty where no two were."""
    found = contests(groups)
    if not found:
        return ""
    draw_contests(found, pictures / "cifar10-rivals.png")
    lines = ["trained alike | network | M mult-acc | seeds | test % | beaten, at no more multiply-accumulates, by"]
    lines += [row for contest in found for row in contest_rows(contest)]
    return f"""

### Rivals, trained alike

{_table(lines)}

![accuracy against cost]({pictures.name}/cifar10-rivals.png)"""


def _engine_table(measured: dict[str, Any]) -> str:
    if not measured:
        return "## On engines\n\nNot measured yet: `python -m training.study engines`."
    machine = measured["machine"]
    lines = ["network | M mult-acc | LiteRT file KB | " + " | ".join(ENGINE_TITLES.values())]
    for name, found in measured["networks"].items():
        cells = [name, f"{found['multiply_accumulates'] / 1e6:.2f}", f"{found['file_bytes'] / 1e3:,.0f}"]
        lines.append(" | ".join(cells + [f"{found['milliseconds'][engine]:.3f}" for engine in ENGINE_TITLES]))
    gpu = f"the GPU {machine['gpu']} under TensorFlow and Keras" if machine["gpu"] else "no GPU was there"
    return f"""## On engines

Milliseconds of one image, the median; {machine["cores"]} cores ({machine["processor"]}), LiteRT on
{machine["litert_threads"]} of them, TensorFlow {machine["tensorflow"]}; {gpu}; other programs kept {machine["load"]}
processes waiting meanwhile, so compare within a column.

{_table(lines)}

`python -m training.study engines`"""


def _size_cells(task: str, name: str) -> list[str]:
    model = TASKS[task].networks[name]()
    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    return [f"{trainable:,}", f"{cost(model).multiply_accumulates / 1e6:.2f}"]


def _file_cell(group: Group) -> str:
    return f"{int(group.runs[0].result['file_bytes']) / 1e3:,.0f}"


def _seconds_cell(group: Group) -> str:
    return f"{group.seconds:.1f}, {group.precision}"


def _pictures(groups: Sequence[Group], pictures: Path) -> str:
    """The curves of all, and the confusion of each network's best group."""
    if not groups:
        return "No run is finished yet."
    task = groups[0].task
    lines = [f"![wrong answers over the epochs]({pictures.name}/{task}.png)"]
    for name in dict.fromkeys(group.model for group in groups):
        best = max((group for group in groups if group.model == name), key=lambda group: group.mean_accuracy)
        folder = Path(os.path.relpath(best.runs[0].folder, pictures.parent)).as_posix()
        lines.append(f"What `{name}` confuses ({best.recipe}): ![confusion]({folder}/confusion.png)")
    return "\n\n".join(lines)


def _table(lines: Sequence[str]) -> str:
    head = f"| {lines[0]} |"
    return "\n".join([head, "|---" * lines[0].count("|") + "|---|", *(f"| {line} |" for line in lines[1:])])


def draw_errors(groups: Sequence[Group], path: Path) -> None:
    """Wrong test answers over the epochs: a colour for each network, dashes for each way of training, a line a seed."""
    models = list(dict.fromkeys(group.model for group in groups))
    ways = list(dict.fromkeys(group.way() for group in groups))
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes: Any = figure.subplots()
    for group in sorted(groups, key=lambda each: -each.epochs):  # a longer run hides no shorter one
        look = {"color": f"C{models.index(group.model)}", "linestyle": DASHES[ways.index(group.way()) % len(DASHES)]}
        for seed, run in enumerate(group.runs):
            label = f"{group.model}, {group.way()}" if seed == 0 else None
            percent = [max(100 * error, 0.01) for error in run.test_errors]
            axes.plot(range(1, len(percent) + 1), percent, label=label, linewidth=1.2, **look)
    axes.set(xlabel="epoch", ylabel="test images answered wrongly, %", yscale="log")
    mark_axes(axes)
    axes.legend()
    save_figure(figure, path)


def _engines(path: Path) -> dict[str, Any]:
    """What `engines` measured, or nothing where it has not."""
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        for each in found["networks"].values():
            if set(each["milliseconds"]) != set(ENGINE_TITLES):
                raise KeyError("milliseconds")
        return {"machine": dict(found["machine"]), "networks": dict(found["networks"])}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} holds no engine figures ({error}): python -m training.study engines") from None
