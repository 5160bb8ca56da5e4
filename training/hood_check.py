"""Does a model tell where the car stands by the road, or by the hood that tells the camera? Its answers say.

The side cameras of one moment see the road from 0.75 m to the left and to the right. A model that steers by the road
answers their frames as differently when all have the centre camera's hood; one that steers by the hood answers the
centre camera's road differently when it has a side camera's hood.

    python -m training.hood_check RECORDING models/eff.h5 models/baseline.h5
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from protocol.command_line import command_parser, run
from protocol.images import decode_image
from protocol.messages import Frame
from protocol.recording import Sample, read_recording
from server.driver import Policy
from server.engine import open_engine
from simulator.camera import HOOD_ROW, LEFT, RIGHT

SLOWEST_MPH = 10.0
KINDS = ("side cameras as they are", "their road, centre hood", "centre road, their hood")


def per_metre(policy: Policy, samples: Sequence[Sample]) -> dict[str, float]:
    """By kind: the mean change of the answer, -1..1, for each metre to the left. Raises OSError, ValueError."""
    found: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for sample in tqdm(samples, unit=" moments", leave=False):
        center, left, right = (_frame(path) for path in (sample.center, sample.left, sample.right))
        pairs = ((left, right), (_with_hood(left, center), _with_hood(right, center)))
        for kind, pair in zip(KINDS, (*pairs, (_with_hood(center, left), _with_hood(center, right))), strict=True):
            answers = [float(policy.predict(frame[np.newaxis])[0]) for frame in pair]
            found[kind].append((answers[0] - answers[1]) / (LEFT.aside_m - RIGHT.aside_m))
    return {kind: float(np.mean(values)) for kind, values in found.items()}


def _frame(path: Path | None) -> Frame:
    if path is None:
        raise ValueError("a row has no side cameras")
    return decode_image(path.read_bytes())


def _with_hood(road: Frame, hood: Frame) -> Frame:
    return np.concatenate([road[:HOOD_ROW], hood[HOOD_ROW:]])


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask each model, print a line for each; the process's exit code: 0, or 2 for bad input."""
    parser = command_parser("python -m training.hood_check", __doc__)
    parser.add_argument("recording", type=Path, metavar="RECORDING", help="folder with three cameras")
    parser.add_argument("models", type=Path, nargs="+", metavar="MODEL", help=".h5, .keras, .tflite")
    parser.add_argument("--moments", type=int, default=150, help="rows to ask about (default %(default)d)")
    options = parser.parse_args(arguments)
    return run(lambda: _ask(options), "hood_check")


def _ask(options: argparse.Namespace) -> None:
    samples = [s for s in read_recording(options.recording).samples if s.left and s.right and s.speed_mph > SLOWEST_MPH]
    if not 1 <= options.moments <= len(samples):
        raise ValueError(f"{len(samples)} moving rows have three cameras; --moments is {options.moments}")
    chosen = [samples[i] for i in np.linspace(0, len(samples) - 1, options.moments).astype(int)]
    print(f"change of steering for each metre to the left\n{'':<24}" + "".join(f"{kind:>26}" for kind in KINDS))
    for model in options.models:
        found = per_metre(open_engine(model), chosen)
        print(f"{model.name:<24}" + "".join(f"{found[kind]:>26.3f}" for kind in KINDS))


if __name__ == "__main__":
    sys.exit(main())
