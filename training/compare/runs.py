"""Trains the networks of a comparison: each with each seed, each a run folder that goes on where it was."""

from __future__ import annotations

import argparse
from pathlib import Path

from models.card import CardError, describes, read_card
from training.__main__ import main as train


class TrainingFailedError(RuntimeError):
    """A training that ended early and has said why. code: its exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"a training ended with exit code {code}")
        self.code = code


def train_all(options: argparse.Namespace) -> dict[str, list[Path]]:
    """The model files of each network of `options.train`, one for each seed; those that are finished stay.

    Raises TrainingFailedError.
    """
    return {
        name: [_trained(name, seed, options) for seed in range(1, options.seeds + 1)]
        for name in dict.fromkeys(options.train)
    }


def _trained(name: str, seed: int, options: argparse.Namespace) -> Path:
    """The run folder is asked first whether its settings are these, so a finished model is never another's."""
    folder = options.out / "runs" / f"{name}-seed{seed}"
    out: Path = folder / f"{name}.h5"
    words = _words(name, seed, options)
    asked = folder / "asked.txt"
    if not (_finished(out) and asked.is_file() and asked.read_text(encoding="utf-8") == "\n".join(words)):
        code = train([*words, "--run", str(folder), "--out", str(out)])
        if code:
            raise TrainingFailedError(code)
        asked.write_text("\n".join(words), encoding="utf-8")
    return out


def _words(name: str, seed: int, options: argparse.Namespace) -> list[str]:
    """The command line of python -m training; a checkpoint chosen by the tracks that judge it would flatter."""
    words = [*(str(recording.resolve()) for recording in options.on), "--model", name, "--seed", str(seed)]
    words += ["--precision", options.precision, "--no-drive"]
    for option, value in (("--epochs", options.epochs), ("--lap-m", options.lap_m)):
        words += [option, str(value)] if value is not None else []
    return words


def _finished(out: Path) -> bool:
    try:
        return out.is_file() and describes(read_card(out), out)
    except (CardError, OSError):
        return False
