"""Measures how well a model's confidence tells frames of unknown recordings from pictures that are unlike any road.

The area under the curve (AUC) is the chance that a frame gets a higher confidence than an unlike picture: 1 is perfect,
0.5 is guessing.

    python -m training.confidence.measure models/eff.h5 --known recordings/stranger
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np
from PIL import Image
from tqdm import tqdm

from inference.caution import require_confidence
from inference.engine import Engine, open_engine
from models.adapter.text import model_source
from protocol.arrays import Float64Array
from protocol.command_line import command_parser, run, whole
from protocol.images import DECODER_ERRORS
from protocol.messages import FRAME_COLUMNS, FRAME_ROWS, LOST, SURE, Frame
from protocol.recording import read_recording
from protocol.unbroken import STANDSTILL_MPH
from training.confidence.figures import area_under_curve, unlike_pictures
from training.confidence.unlike import PICTURES
from training.data.crops import Pixels, decode_crops

HELP = """Measure how well the confidence of models tells frames of a road from pictures that are unlike any.

examples:
  python -m training.confidence.measure models/eff.h5 --known recordings/stranger
  python -m training.confidence.measure models/*.h5 --known recordings/stranger --unlike photos donkeycar/data/images

Name recordings with --known that no model learned. The unlike pictures are made from their frames; --unlike adds
folders with .jpg and .png files. Each row of the table has the AUC, the median confidence, and the shares of pictures
that a model is sure of and has no idea of. The last column correlates the steering with that for the frames from which
the pictures were made: near 1, the model can still drive, and need not doubt."""

SUFFIXES = (".jpg", ".jpeg", ".png")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all models and print a table; returns the exit code."""
    return run(lambda: _measure(_parse(arguments)), "measure")


def _measure(options: argparse.Namespace) -> None:
    engines = [open_engine(model.path, "auto", model.preprocess) for model in options.models]
    require_confidence(engines, [str(model) for model in options.models])
    recordings = {folder.name: _frames(folder, options.count) for folder in options.known}
    frames = np.concatenate(list(recordings.values()))
    unlike: dict[str, Sequence[Frame] | Pixels] = {name: unlike_pictures(name, frames) for name in PICTURES}
    unlike |= {folder.name: list(_files(folder, options.count)) for folder in options.unlike}
    total = len(engines) * (len(frames) + sum(map(len, unlike.values())))
    with tqdm(total=total, unit=" pictures") as bar:
        for model, engine in zip(options.models, engines, strict=True):
            answers = {name: _answers(engine, pictures, bar) for name, pictures in recordings.items()}
            steering, reference = np.concatenate(list(answers.values()), axis=1)
            bar.write(
                f"\n{model}\n{'pictures':<24}{'number':>7}{'AUC':>8}{'median':>8}{'sure':>7}{'lost':>7}{'steering':>10}"
            )
            for name, (_, confidences) in answers.items():
                bar.write(_row(name, confidences, "known", ""))
            for name, pictures in unlike.items():
                other_steering, confidences = _answers(engine, pictures, bar)
                area = f"{area_under_curve(reference, confidences):.3f}"
                bar.write(
                    _row(name, confidences, area, _agreement(steering, other_steering) if name in PICTURES else "")
                )


def _frames(folder: Path, count: int) -> Pixels:
    """Centre frames of a moving car, evenly spread over a recording. Raises RecordingError."""
    paths = [str(row.center) for row in read_recording(folder).samples if row.speed_mph > STANDSTILL_MPH]
    places = np.unique(np.linspace(0, len(paths) - 1, min(count, len(paths))).astype(int))
    return decode_crops([paths[place] for place in places], (0, FRAME_ROWS))


def _files(folder: Path, count: int) -> Iterator[Frame]:
    """At most `count` pictures of a folder, at the camera's size. Raises ValueError for one that is damaged."""
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise ValueError(f"{folder} has no {' or '.join(SUFFIXES)} files")
    for path in paths[:: -(-len(paths) // count)]:
        try:
            with Image.open(path, formats=("JPEG", "PNG")) as picture:
                yield np.asarray(picture.convert("RGB").resize((FRAME_COLUMNS, FRAME_ROWS)))
        except DECODER_ERRORS as error:
            raise ValueError(f"{path} is no picture that can be decoded: {error}") from None


def _answers(engine: Engine, pictures: Iterable[Frame], bar: tqdm[NoReturn]) -> Float64Array:
    """The steering and the confidence of n pictures, (2, n)."""
    columns = [engine.answers.index(name) for name in ("steering", "confidence")]
    values = []
    for picture in pictures:
        values.append(engine.run(picture[np.newaxis])[0, columns])
        bar.update()
    return np.array(values, np.float64).T


def _agreement(steering: Float64Array, other_steering: Float64Array) -> str:
    """The correlation of two lists of as many answers, empty where one of them is constant."""
    if min(np.ptp(steering), np.ptp(other_steering)) == 0:
        return ""
    return f"{np.corrcoef(steering, other_steering)[0, 1]:.2f}"


def _row(name: str, confidences: Float64Array, area: str, steering: str) -> str:
    sure, lost = (confidences >= SURE).mean(), (confidences < LOST).mean()
    median = np.median(confidences)
    return f"{name:<24}{len(confidences):>7}{area:>8}{median:>8.2f}{sure:>7.0%}{lost:>7.0%}{steering:>10}".rstrip()


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m training.confidence.measure", HELP)
    parser.add_argument("models", type=model_source, nargs="+", metavar="MODEL[:TEXT]", help="models with a confidence")
    parser.add_argument(
        "--known", type=Path, nargs="+", required=True, metavar="RECORDING", help="recordings that no model learned"
    )
    parser.add_argument("--unlike", type=Path, nargs="+", default=[], metavar="FOLDER", help="folders of pictures")
    parser.add_argument(
        "--count", type=whole(10, 100_000), default=300, metavar="N", help="of each recording and folder (300)"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
