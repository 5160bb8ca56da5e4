"""Makes a film (mp4 or GIF) of a recording, with an overlay of its steering, speed and throttle.

The film shows what a model learned from or did. It runs at true speed, by the time in the images' names; pauses
between recording sessions are cut.

    python -m film RECORDING --out FILE.mp4
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import math
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import av
from tqdm import tqdm

from film.gif import GifWriter
from film.overlay import WIDTH, Shot
from film.writer import FilmWriter
from inference.conversion import saliency_file
from inference.saliency_network import SaliencyNetwork
from models.adapter.text import ModelSource, model_source
from protocol.command_line import INTERRUPTED, command_parser, output_file, run
from protocol.errors import ProtocolError
from protocol.images import decode_image
from protocol.logs.columns import CAMERAS
from protocol.logs.recorded_positions import RecordedPositions
from protocol.recording import Recording, Sample, read_frames

HELP = """Make a film of a recording: mp4 (H.264), or GIF for a README.

examples:
  python -m film recordings/lake --out lake.mp4
  python -m film recordings/lake --out curve.gif --start 31 --end 39
  python -m film recordings/lake --out left.mp4 --camera left
  python -m film recordings/lake --out saliency.mp4 --saliency models/eff.h5
  python -m film run1 --out run1.mp4
  python -m film frames_without_times --out film.mp4 --fps 20

A folder of images alone, as Udacity's drive.py leaves it, is filmed by the times in their names, without instruments'
values.

An existing FILE is overwritten. Ctrl-C ends the film early and leaves a complete file."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the film and return the exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return run(lambda: _film(_parse(arguments)), "film", (OSError, ValueError, av.FFmpegError))


def _film(options: argparse.Namespace) -> int:
    recording = read_frames(options.recording)
    print(recording.summary(), file=sys.stderr)
    samples = _select(recording, options)
    network = _saliency(options.saliency) if options.saliency else None
    positions = RecordedPositions(recording.folder, recording.samples[0].center.name)
    writer = _open(recording, options)
    interrupted = _write(samples, writer, options, network, positions)
    size_mb = options.out.stat().st_size / 1e6
    print(f"{options.out}: {writer.duration_s:.1f} s, {writer.frames} frames, {size_mb:.2f} MB")
    return INTERRUPTED if interrupted else 0


def _saliency(model: ModelSource) -> SaliencyNetwork:
    return SaliencyNetwork(saliency_file(model.path, model.preprocess))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m film", HELP)
    parser.add_argument("recording", type=Path, help="folder with driving_log.csv and IMG/, or with images alone")
    parser.add_argument("--out", type=output_file, required=True, metavar="FILE", help="FILE.mp4 or FILE.gif")
    parser.add_argument("--camera", choices=CAMERAS, default="center", help="default: center")
    parser.add_argument("--start", type=float, default=0.0, metavar="S", help="begin S seconds after the first frame")
    parser.add_argument("--end", type=float, default=math.inf, metavar="S", help="end S seconds after the first frame")
    parser.add_argument(
        "--fps", type=float, metavar="N", help="N frames per second, in place of the recording's own times"
    )
    parser.add_argument("--saliency", type=model_source, metavar="MODEL[:TEXT]", help="mark what this model looks at")
    parser.add_argument("--title", help="text under the picture; default: the folder's name")
    parser.add_argument("--width", type=int, default=400, help="width of a GIF in pixels; default: 400")
    return parser.parse_args(arguments)


def _select(recording: Recording, options: argparse.Namespace) -> list[Sample]:
    """The rows between --start and --end, each with a time. Raises ValueError if there are none."""
    samples = list(recording.samples)
    if options.fps is not None:
        if not 0 < options.fps <= 240:
            raise ValueError(f"--fps must be above 0 and at most 240, got {options.fps:g}")
        samples = [replace(s, time_s=i / options.fps) for i, s in enumerate(samples)]
    elif any(math.isnan(s.time_s) for s in samples):
        raise ValueError(f"the image names of {recording.folder} carry no time; set their rate with --fps")
    samples = [s for s in samples if getattr(s, options.camera) is not None]
    if not samples:
        raise ValueError(f"{recording.folder} has no {options.camera} camera")
    first_s = samples[0].time_s
    selection = [s for s in samples if options.start <= s.time_s - first_s <= options.end]
    if not selection:
        last_s = samples[-1].time_s - first_s
        raise ValueError(
            f"no frame from --start {options.start:g} to --end {options.end:g}: the recording lasts {last_s:.1f} s"
        )
    return selection


def _open(recording: Recording, options: argparse.Namespace) -> FilmWriter | GifWriter:
    title = options.title or recording.folder.resolve().name
    suffix = options.out.suffix.lower()
    if suffix == ".mp4":
        return FilmWriter(options.out, title)
    if suffix == ".gif":
        if not 64 <= options.width <= WIDTH:
            raise ValueError(f"--width must be from 64 to {WIDTH}, got {options.width}")
        return GifWriter(options.out, title, options.width)
    raise ValueError(f"--out must end in .mp4 or .gif, got {options.out}")


def _write(
    samples: list[Sample],
    writer: FilmWriter | GifWriter,
    options: argparse.Namespace,
    network: SaliencyNetwork | None,
    positions: RecordedPositions,
) -> bool:
    """Write the samples until the end or Ctrl-C; return whether Ctrl-C came."""
    interrupted = False
    try:
        for shot in tqdm(_shots(samples, options.camera, positions), total=len(samples), unit="frame", disable=None):
            writer.write(replace(shot, frame=network.marked(shot.frame)) if network else shot)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        writer.close()
    return interrupted


def _shots(samples: list[Sample], camera: str, positions: RecordedPositions) -> Iterator[Shot]:
    for s in samples:
        path: Path = getattr(s, camera)
        try:
            frame = decode_image(path.read_bytes())
        except ProtocolError as error:
            raise ValueError(f"{path}: {error}") from None
        position = positions.at(path.name)
        yield Shot(s.time_s, frame, s.steering, s.throttle - s.brake, s.speed_mph, position=position)


if __name__ == "__main__":
    sys.exit(main())
