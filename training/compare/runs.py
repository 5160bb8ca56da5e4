"""The comparison trains each network with each seed, each in a run folder that can be resumed."""

from __future__ import annotations

import argparse
from pathlib import Path

from models.card import CardError, describes, read_card
from training.__main__ import main as train


class TrainingFailedError(RuntimeError):
    """A training ended early and has printed why. code: its exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"a training ended with exit code {code}")
        self.code = code


def train_all(options: argparse.Namespace) -> dict[str, list[Path]]:
    """Train each network of `options.train` with each seed; returns the model files by network.

    Finished models are not trained again. Raises TrainingFailedError.
    """
    return {
        name: [_train(name, seed, options) for seed in range(1, options.seeds + 1)]
        for name in dict.fromkeys(options.train)
    }


def _train(name: str, seed: int, options: argparse.Namespace) -> Path:
    """Train one network unless its folder holds a finished model of the same command; returns the model file."""
    folder = options.out / "runs" / f"{name}-seed{seed}"
    out: Path = folder / f"{name}.h5"
    command = _training_command(name, seed, options)
    command_file = folder / "asked.txt"
    text = "\n".join(command)
    same_command = command_file.is_file() and command_file.read_text(encoding="utf-8") == text
    if not (_finished(out) and same_command):
        code = train([*command, "--run", str(folder), "--out", str(out)])
        if code:
            raise TrainingFailedError(code)
        command_file.write_text(text, encoding="utf-8")
    return out


def _training_command(name: str, seed: int, options: argparse.Namespace) -> list[str]:
    """Return the arguments of python -m training; --no-drive, because the tracks that judge must not choose."""
    command = [*(str(recording.resolve()) for recording in options.on), "--model", name, "--seed", str(seed)]
    command += ["--precision", options.precision, "--no-drive"]
    for option, value in (("--epochs", options.epochs), ("--lap-m", options.lap_m)):
        command += [option, str(value)] if value is not None else []
    return command


def _finished(out: Path) -> bool:
    try:
        return out.is_file() and describes(read_card(out), out)
    except (CardError, OSError):
        return False
