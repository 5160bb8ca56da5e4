"""When EffNet pays, in sentences that the figures choose: another machine or recipe may well say otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from training.study.results import FinishedRun, Group, grouped
from training.study.rivals import Contest, contests

PAIRS = (
    ("steering", "baseline", "eff"),
    ("digits", "baseline", "eff"),
    ("cifar10", "baseline", "effnet"),
)
"""The task, and the plain and the slim network that are compared in it."""

SLIM, RIVALS = "effnet", ("mobilenet", "shufflenet")

ENGINE_NAMES = {"tensorflow": "in a TensorFlow graph", "litert": "in LiteRT"}

NOTICEABLE = 1.2
"""Timings wander by a fifth between runs of one program; a ratio below this shows nothing."""


def conclusion(runs: Sequence[FinishedRun], networks: Mapping[str, Any]) -> str:
    """The report's last part. networks: engine figures by `task-network`, empty where nothing was measured."""
    lines = ["## When EffNet pays"]
    lines += [_speed(*pair, networks) for pair in PAIRS if f"{pair[0]}-{pair[2]}" in networks]
    for task, plain, slim in PAIRS:
        groups = grouped(runs, task)
        pairs = [(one, other) for one in groups for other in groups if one.model == plain and other.model == slim]
        lines += [_accuracy(task, one, other) for one, other in pairs if one.trained_like(other)]
    met = [(contest, rival) for contest in contests(grouped(runs, "cifar10")) for rival in RIVALS]
    lines += [_against(contest, rival) for contest, rival in met if contest.has(SLIM, rival)]
    verdict = _verdict(networks)
    return "\n\n".join(lines + ([verdict] if verdict else []))


def _speed(task: str, plain: str, slim: str, networks: Mapping[str, Any]) -> str:
    """How many times fewer multiplications, and what an engine makes of it."""
    one, other = networks[f"{task}-{plain}"], networks[f"{task}-{slim}"]
    saving = one["multiply_accumulates"] / other["multiply_accumulates"]
    said = [f"{_verb(_ratio(one, other, engine))} {name}" for engine, name in ENGINE_NAMES.items()]
    return (
        f"**{task.capitalize()}**: `{slim}` has {saving:.1f} times fewer multiply-accumulates; it is {', '.join(said)}."
    )


def _ratio(plain: Mapping[str, Any], slim: Mapping[str, Any], engine: str) -> float:
    return float(plain["milliseconds"][engine] / slim["milliseconds"][engine])


def _verb(ratio: float) -> str:
    if ratio >= NOTICEABLE:
        return f"{ratio:.1f} times faster"
    if ratio <= 1 / NOTICEABLE:
        return f"{1 / ratio:.1f} times slower"
    return f"no faster ({ratio:.2f} times)"


def _accuracy(task: str, plain: Group, slim: Group) -> str:
    lost = 100 * (plain.mean_accuracy - slim.mean_accuracy)
    word = "loses" if lost >= 0 else "gains"
    how = f"On {task}, both by the recipe `{plain.recipe}` with {plain.optimizer}, {plain.epochs} epochs,"
    return f"{how} it {word} {abs(lost):.2f} points of accuracy: {slim.accuracy()} % against {plain.accuracy()} %."


def _against(contest: Contest, rival: str) -> str:
    """What EffNet gains or loses against another slim network that was trained alike."""
    group, spent = contest[SLIM]
    other, other_spent = contest[rival]
    gained = 100 * (group.mean_accuracy - other.mean_accuracy)
    pays = f"gains {gained:.2f}" if gained > 0 else f"loses {-gained:.2f}"
    both = f"{group.accuracy()} % and {other.accuracy()} %"
    return (
        f"On cifar10 against `{rival}`, trained alike ({contest.name()}), `{SLIM}` {pays} points of accuracy ({both})"
        f" for {spent / other_spent:.1f} times the multiply-accumulates."
    )


def _verdict(networks: Mapping[str, Any]) -> str:
    """Whether the saving is seen on each engine, over all pairs that were measured."""
    pairs = [pair for pair in PAIRS if f"{pair[0]}-{pair[2]}" in networks]
    if not pairs:
        return ""
    sentences = []
    for engine, name in ENGINE_NAMES.items():
        seen = [
            task
            for task, plain, slim in pairs
            if _ratio(networks[f"{task}-{plain}"], networks[f"{task}-{slim}"], engine) >= NOTICEABLE
        ]
        where = f"on {', '.join(seen)}" if seen else "nowhere"
        sentences.append(f"{name} the saving is seen {where}")
    text = "; ".join(sentences)
    return f"So EffNet pays where the engine runs depthwise kernels well: {text}."
