"""The command locates the frames of recordings on a drawn track, compares the pairs, and says whether it is true.

python -m training.likeness RECORDING --track udacity-lake
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import contextlib
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from itertools import groupby
from pathlib import Path

import numpy as np
from tqdm import tqdm

from inference.engine import Engine, open_engine
from models.adapter.text import ModelSource, model_source
from models.whole_files import write_whole
from protocol.command_line import command_parser, run, whole
from protocol.messages import Frame
from protocol.recording import Recording, read_recording
from protocol.start import ROOT
from simulator.render.camera import RIGS
from simulator.render.opening import open_scene
from simulator.replay.reference_path import ReferencePath, reference_path
from simulator.unity.checkout import add_checkout_option
from simulator.world.track import open_track
from training.compare.names import distinct_names
from training.likeness.answers import Answers, as_sent, compare_answers
from training.likeness.atlas import draw_atlas, place_together
from training.likeness.criteria import all_met, criteria
from training.likeness.drives import drives, laps
from training.likeness.edges import edge_errors
from training.likeness.frames import RealFrame, choose_rows, read_frame, stretches
from training.likeness.location import LEAST_FIT, locate
from training.likeness.looks import in_their_looks, looks_of
from training.likeness.motion import Pair, odometers, replays
from training.likeness.pictures import save_plot, save_sheet
from training.likeness.report import Findings, as_json, table
from training.likeness.view import DrawnTrack

HELP = """Locate real frames on a drawn track, and compare what is seen and answered there with what is drawn.

examples:
  python -m training.likeness recordings/lake
  python -m training.likeness recordings/lake recordings/other --frames 30 --models my-eff.h5 --out likeness
  python -m training.likeness recordings/driven --camera autonomous --udacity ../self-driving-car-sim
  python -m training.likeness recordings/shady --track udacity-lake:shadows

It writes likeness.json, pairs.png (the real frame on the left of each pair) and answers.png into the output folder. The
recordings may go round either way; exclude.txt is obeyed. A frame whose outlines do not match any place is named and
left out. Each recording is drawn with or without cast shadows, as its frames are, unless --track says which.
Recordings that a person made in Udacity's training mode have the camera `recording`; those of a model that drove in
autonomous mode have the other.

exit code: 0 all demands are met, which it prints; 1 some are not; 2 bad input; 130 stopped by Ctrl-C."""

SHIPPED = tuple(ModelSource(ROOT / "models" / f"{name}.h5") for name in ("eff", "eff-small", "baseline"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Locate, compare and report; returns the exit code."""
    return run(lambda: _compare(_parse(arguments)), "likeness", (OSError, ValueError, RuntimeError))


def _compare(options: argparse.Namespace) -> int:
    recordings = [read_recording(folder) for folder in options.recordings]
    frames = [frame for recording in recordings for frame in _choose(recording, options.frames)]
    tracks = {name: open_track(name) for name in looks_of(options.track)}
    names = distinct_names([model.path for model in options.models])
    engines = {
        name: open_engine(model.path, "auto", model.preprocess)
        for name, model in zip(names, options.models, strict=True)
    }
    with contextlib.ExitStack() as scenes:
        roads = {}
        for name, look in tracks.items():
            scene = scenes.enter_context(closing(open_scene(look)))
            roads[name] = DrawnTrack(look, scene, options.camera)
        options.out.mkdir(parents=True, exist_ok=True)
        road = roads[options.track]
        all_pairs = _locate(road, frames)
        left_out = [pair for pair in all_pairs if pair[1].fit < LEAST_FIT]
        pairs, looks = in_their_looks(roads, [pair for pair in all_pairs if pair[1].fit >= LEAST_FIT])
        drawn_frames = [as_sent(roads[look].frame(place.pose)) for look, (_, place) in zip(looks, pairs, strict=True)]
    if not pairs:
        raise ValueError(f"none of {len(frames)} frames is on the track {options.track}; --track names another one")
    answers = _answers(engines, pairs, drawn_frames)
    findings = _findings(road, options, pairs, looks, left_out, answers, recordings)
    print(table(findings))
    _write(findings, drawn_frames, options.out)
    return 0 if all_met(findings.demands) else 1


def _choose(recording: Recording, count: int) -> list[RealFrame]:
    """Read the frames to locate. Raises ValueError for a recording in which the car never moves."""
    pieces = stretches(recording)
    rows = choose_rows(pieces, count)
    if not rows:
        raise ValueError(f"{recording.folder}: the car moves in none of its {len(recording.samples)} rows")
    return [read_frame(pieces[number], row) for number, row in rows]


def _locate(road: DrawnTrack, frames: Sequence[RealFrame]) -> list[Pair]:
    """Locate the frames: roughly with those of their stretch, then each by itself."""
    atlas = draw_atlas(road, lambda poses: tqdm(poses, desc="drawing the lap", unit=" views"))
    pairs = []
    with tqdm(total=len(frames), desc="locating", unit=" frames") as bar:
        for _, group in groupby(frames, key=lambda frame: id(frame.stretch)):
            members = list(group)
            for frame, near in zip(members, place_together(atlas, members, road.length_m), strict=True):
                pairs.append((frame, locate(road, frame.pixels, near)))
                bar.update()
    return pairs


def _answers(engines: Mapping[str, Engine], pairs: Sequence[Pair], drawn_frames: Sequence[Frame]) -> dict[str, Answers]:
    real_frames = [frame.pixels for frame, _ in pairs]
    names = [frame.stretch.recording for frame, _ in pairs]
    return {
        model: compare_answers(engine, real_frames, drawn_frames, names)
        for model, engine in tqdm(engines.items(), desc="answers")
    }


def _findings(
    road: DrawnTrack,
    options: argparse.Namespace,
    pairs: Sequence[Pair],
    looks: Sequence[str],
    left_out: Sequence[Pair],
    answers: Mapping[str, Answers],
    recordings: Sequence[Recording],
) -> Findings:
    edges = [edge_errors(road, located.pose, frame.pixels) for frame, located in pairs]
    errors = {model: answer.errors for model, answer in answers.items()}
    demands = criteria(len(pairs), errors, np.concatenate([edge.columns for edge in edges]))
    paths = _paths(recordings)
    return Findings(
        options.track,
        options.camera,
        road.length_m,
        pairs,
        looks,
        left_out,
        answers,
        edges,
        odometers(road, pairs),
        replays(road, pairs, paths),
        drives(road, pairs, paths),
        laps(road, pairs, paths),
        demands,
    )


def _paths(recordings: Sequence[Recording]) -> list[ReferencePath]:
    """The way that the simulator's car makes of each recording; none of one without three seconds of driving."""
    paths = []
    for recording in recordings:
        with contextlib.suppress(ValueError):
            paths.append(reference_path(recording))
    return paths


def _write(findings: Findings, drawn_frames: Sequence[Frame], folder: Path) -> None:
    text = json.dumps(as_json(findings), indent=2, allow_nan=False)
    write_whole(folder / "likeness.json", f"{text}\n".encode())
    save_sheet(findings.pairs, drawn_frames, folder / "pairs.png")
    save_plot(findings.answers, [frame.stretch.recording for frame, _ in findings.pairs], folder / "answers.png")
    print(f"\nwrote likeness.json, pairs.png and answers.png in {folder}")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m training.likeness", HELP)
    parser.add_argument("recordings", type=Path, nargs="+", metavar="RECORDING", help="folders with driving_log.csv")
    parser.add_argument("--track", default="udacity-lake", help="the track that they drive (default %(default)s)")
    add_checkout_option(parser)
    parser.add_argument(
        "--camera", choices=RIGS, default="recording", help="of the car that took the frames (default %(default)s)"
    )
    parser.add_argument(
        "--frames",
        type=whole(2, 1000, "the number of frames"),
        default=14,
        metavar="N",
        help="at most so many of each recording (default %(default)s)",
    )
    parser.add_argument(
        "--models",
        type=model_source,
        nargs="+",
        default=SHIPPED,
        metavar="MODEL[:TEXT]",
        help="model files, with a --preprocess text each (default: the shipped ones)",
    )
    parser.add_argument("--out", type=Path, default=Path("likeness"), help="output folder (default %(default)s)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
