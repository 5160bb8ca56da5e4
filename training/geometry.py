"""The side cameras' places, estimated from a recording alone: views of one moment must map onto each other.

The replay simulator stands on `simulator/camera.py`; this says whether those numbers fit a recording, on rows that they
were not fitted to, and how its car turns after its steering.

    python -m training.geometry RECORDING...
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import astuple
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from protocol.command_line import command_parser, run
from protocol.recording import Sample, read_recording
from simulator.camera import CENTER, Camera, homographies
from simulator.response import BUILT_IN, GAME
from simulator.view import CAMERAS, Viewer
from training.view_match import Grey, warped
from training.yaw import turnings

HELP = """Estimate where the side cameras sit, and check the replay's warp on rows held out.

examples:
  python -m training.geometry recordings/lake
  python -m training.geometry recordings/lake recordings/mountain --rows 100

exit code: 0 the warp comes closer than no warp for every side camera; 1 it does not; 2 bad input."""

ROAD_ROWS = (64, 130)
COLUMNS = slice(60, 260)
"""What is compared: road that both cameras see, without the hood."""

FIRST_STEP = (0.1, 0.08, 1.0, 0.01)
LAST_STEP = 1 / 32
TURNING_ROWS = 1500
RESPONSES = {"the bare bicycle": BUILT_IN, "the replay's car": GAME}

Pair = tuple[Image.Image, Grey]


def fit_camera(pairs: Sequence[Pair], start: Camera) -> Camera:
    """The camera to whose picture the centre's warps best: (centre picture, the other's grey rows) -> Camera.

    Coordinate descent with halving steps from `start`; mean correlation over the road decides.
    """
    best, alike = start, _mean_alike(pairs, start)
    step = 1.0
    while step >= LAST_STEP:
        moved = False
        for number, width in enumerate(FIRST_STEP):
            for sign in (1, -1):
                values = list(astuple(best))
                values[number] += sign * step * width
                score = _mean_alike(pairs, Camera(*values))
                if score > alike + 1e-6:
                    best, alike, moved = Camera(*values), score, True
        step = step if moved else step / 2
    return best


def road_seen(center: Image.Image, shown: Camera) -> Grey:
    """Road rows of a grey centre picture as `shown` would see them."""
    road, _ = homographies(shown, CENTER)
    return warped(center, road, ROAD_ROWS)


def _mean_alike(pairs: Sequence[Pair], shown: Camera) -> float:
    return float(np.mean([_alike(road_seen(center, shown), other) for center, other in pairs]))


def _alike(one: Grey, other: Grey) -> float:
    """Pearson's correlation over the compared columns."""
    return float(np.corrcoef(one[:, COLUMNS].ravel(), other[:, COLUMNS].ravel())[0, 1])


def _pair(sample: Sample, side: str) -> Pair:
    with Image.open(sample.center) as center, Image.open(getattr(sample, side)) as other:
        return center.convert("L"), np.asarray(other.convert("L"), np.float32)[slice(*ROAD_ROWS)]


def check(samples: Sequence[Sample], side: str) -> tuple[float, float]:
    """Mean grey-level difference to the real side pictures, over their road: of the centre's, and of it warped."""
    viewer, place = Viewer(), CAMERAS[side].aside_m
    plain, moved = [], []
    for sample in samples:
        center, other = _pair(sample, side)
        colors = np.asarray(center.convert("RGB"))
        seen = viewer.view({"center": partial(np.asarray, colors)}, place)
        rows = slice(*ROAD_ROWS)
        plain.append(np.abs(np.asarray(center, np.float32)[rows, COLUMNS] - other[:, COLUMNS]).mean())
        moved.append(np.abs(seen[rows, COLUMNS, 0] - other[:, COLUMNS]).mean())
    return float(np.mean(plain)), float(np.mean(moved))


def main(arguments: Sequence[str] | None = None) -> int:
    """Estimate, check, report; the process's exit code."""
    options = _parse(arguments)
    return run(lambda: _report_all(options), "geometry")


def _report_all(options: argparse.Namespace) -> int:
    closer = [_report(folder, options.rows) for folder in options.recordings]
    return 0 if all(closer) else 1


def _report(folder: Path, rows: int) -> bool:
    """Print what one recording shows; whether the warp helps on its held-out half."""
    recording = read_recording(folder)
    print(recording.summary())
    samples = [s for s in recording.samples if s.left and s.right]
    if len(samples) < 2 * rows:
        raise ValueError(f"{folder} has {len(samples)} rows with three cameras; expected {2 * rows} (see --rows)")
    half = len(samples) // 2
    fitted, held_out = (
        [part[i] for i in np.linspace(0, len(part) - 1, rows).astype(int)] for part in (samples[:half], samples[half:])
    )
    closer = []
    for side in tqdm(("left", "right"), desc="cameras", leave=False):
        pairs = [_pair(sample, side) for sample in fitted]
        found, known = fit_camera(pairs, CAMERAS[side]), CAMERAS[side]
        plain, moved = check(held_out, side)
        closer.append(moved < plain)
        tqdm.write(
            f"  {side:<6}{_words(found)} (the replay uses {_words(known)}); held out: {plain:.1f} grey levels off "
            f"unwarped, {moved:.1f} warped ({1 - moved / plain:.0%} less)"
        )
    for name, turns in zip(
        RESPONSES, turnings(recording.samples[:TURNING_ROWS], list(RESPONSES.values())), strict=True
    ):
        print(
            f"  yaw seen in {turns.pairs} pairs of frames, against {name}: correlation {turns.correlation:.3f}, "
            f"{turns.unexplained_deg:.2f} degrees unexplained, {turns.share:.2f} times as far"
        )
    return all(closer)


def _words(camera: Camera) -> str:
    return (
        f"{camera.aside_m:+.2f} m aside, {camera.height_m:.3f} m high, horizon {camera.horizon_row:.1f}, "
        f"yaw {camera.yaw_rad:+.4f}"
    )


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m training.geometry", HELP)
    parser.add_argument("recordings", type=Path, nargs="+", metavar="RECORDING", help="folder with three cameras")
    parser.add_argument("--rows", type=int, default=40, help="to fit, and as many to check (default %(default)d)")
    options = parser.parse_args(arguments)
    if not 5 <= options.rows <= 1000:
        parser.error(f"--rows must be from 5 to 1000, got {options.rows}")
    return options


if __name__ == "__main__":
    sys.exit(main())
