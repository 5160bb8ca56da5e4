"""The command line of the comparison takes models, or names of networks to train, and writes a table and pictures.

python -m training.compare models/eff.h5 models/baseline.h5 RECORDING
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from models import NETWORKS
from models.adapter.text import ModelSource, model_source
from models.keras_files.file_kinds import model_kind, models_near
from protocol.command_line import command_parser, run
from protocol.logs.files import LOG_SUFFIXES
from protocol.tracks.names import TRACK_NAMES
from simulator.unity.checkout import add_checkout_option
from training.compare.names import distinct_names
from training.jobs.runner import joined_cluster
from training.jobs.trainings import add_training_options, are_jobs, check_training_options
from training.run.precision import add_precision

if TYPE_CHECKING:
    from simulator.world.track import Track
    from training.compare.contender import Contender
    from training.data.samples import Drive

HELP = """Compare models by cost, speed on this machine, agreement with people, and driving.

examples:
  python -m training.compare models/eff.h5 models/baseline.h5
  python -m training.compare models/*.h5 ~/recordings/other-driver --track lake mountain
  python -m training.compare models/eff.h5 strangers/model.h5:course strangers/network.onnx:course
  python -m training.compare --train eff eff-small pilotnet --seeds 3 --on lake udacity --lap-m 1137 other-driver
  python -m training.compare --train eff pilotnet --seeds 3 --on lake --workers 4
  python -m training.compare --train eff pilotnet --seeds 3 --on /data/lake --ray 192.168.1.20:6379

Every row of the recordings named among the models is test data, so name drivers that no model learned from. Without
recordings, each card supplies the figures on its model's own held-out road. --train trains each network with each seed
on the recordings after --on, on a GPU all seeds of a network side by side; the same command resumes an interrupted
training. With --workers or --ray each training is a job; a cluster's computers need the recordings under the same paths
(docs/cluster.md). The table also shows every model file with weights in float16 and in int8.

exit code: 0 success; 2 bad input; 130 interrupted, with every file whole."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Train the named networks, measure all models, write the files and print the table; returns the exit code."""
    library = os.environ.get("KERAS_BACKEND")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    stop_message = "stopped; finished trainings are kept, and the same command resumes"
    return run(
        lambda: _train_and_compare(_parse(arguments), library),
        "compare",
        (OSError, ValueError, RuntimeError),
        stop_message,
    )


def _train_and_compare(options: argparse.Namespace, library: str | None) -> int:
    """Check all models, train and compare; returns the exit code of a training that failed, else 0."""
    files = [source for source in options.paths if not _is_recording(source.path)]
    for source in files:
        model_kind(source.path)
    from simulator.world.track import open_track  # noqa: PLC0415 - --help and a wrong file must not wait
    from training.compare.contender import inspect  # noqa: PLC0415
    from training.compare.runs import TrainingFailedError, train_all  # noqa: PLC0415
    from training.data.samples import HELD_OUT, load_whole  # noqa: PLC0415
    from training.run.recipe import Recipe  # noqa: PLC0415

    tracks = [open_track(name) for name in options.track]
    for source in files:
        _print_progress(f"checking {source}")
        inspect(source)
    recordings = [source.path for source in options.paths if _is_recording(source.path)]
    tests = load_whole(recordings, Recipe(), HELD_OUT)
    try:
        with joined_cluster(options):
            trained = train_all(options, library)
    except TrainingFailedError as error:
        return error.code
    print(_compare(options, files, trained, tests, tracks))
    return 0


def _is_recording(path: Path) -> bool:
    """Whether a path is a recording: a folder, unless it is TensorFlow's SavedModel, or a log."""
    if path.is_dir():
        return not (path / "saved_model.pb").exists()
    return path.suffix.lower() in LOG_SUFFIXES


def _compare(
    options: argparse.Namespace,
    files: Sequence[ModelSource],
    trained: dict[str, list[Path]],
    tests: Sequence[Drive],
    tracks: Sequence[Track],
) -> str:
    """Measure all rows and write the files; returns the table and the names of the files."""
    from training.compare import measures, plots, report  # noqa: PLC0415
    from training.compare.contender import contenders  # noqa: PLC0415

    exports = options.out / "exports"
    exports.mkdir(parents=True, exist_ok=True)
    files_by_name = {
        name: [file] for name, file in zip(distinct_names([file.path for file in files]), files, strict=True)
    } | {name: [ModelSource(model) for model in models] for name, models in trained.items()}
    rows = [row for name, models in files_by_name.items() for row in contenders(name, models, exports, _print_progress)]
    latency = measures.latencies(rows, options.frames)
    agreement = measures.agreements(rows, tests) if tests else [measures.from_cards(row) for row in rows]
    zero = measures.always_zero(tests) if tests else {}
    driving = measures.drives(rows, tracks, options.laps, options.speed)
    results = [report.Result(*figures) for figures in zip(rows, latency, agreement, driving, strict=True)]
    notes = _notes(options, rows, [test.name for test in tests])
    table = report.write(results, zero, notes, options.out)
    plots.draw_pareto(results, options.out / "pareto.png")
    plots.draw_bars(results, options.out / "cost.png")
    return f"{table}\nwrote comparison.md, comparison.json, pareto.png and cost.png in {options.out}"


def _notes(options: argparse.Namespace, rows: Sequence[Contender], tests: Sequence[str]) -> list[str]:
    """Explain the table's columns, and warn where a model learned from a test recording."""
    from training.compare.measures import driving_engine  # noqa: PLC0415

    device = driving_engine(rows[0], rows[0].served[0]).device
    driver = "LiteRT" if all(row.engine == "litert" for row in rows) else "LiteRT, or ONNX Runtime for a .onnx file,"
    notes = [
        "M mult-acc is million multiply-accumulates, one for each use of a trained kernel's weight in a frame; biases,"
        " activations, normalisation, pooling and preprocessing are not counted. The file is the one that drives.",
        f"ms is the time of one frame, p50 (p99) of {options.frames} frames, with all rows in turn; {driver} runs on"
        f" {device}.",
        f"{driver} drives {options.laps:g} lap(s) at {options.speed:g} mph in the built-in simulator; off road counts"
        " the times of all seeds.",
        "[low, high] is the 95 % confidence interval, over seeds where a network has several, else over 10 s blocks of"
        " road.",
    ]
    if tests:
        notes.append(f"agreement compares the answers with people's steering on every row of {', '.join(tests)}.")
    else:
        notes.append(
            "agreement is on the road that each model's own training held out, from its card; no recording is named."
        )
    notes += dict.fromkeys(f"{row.left_out}." for row in rows if row.left_out)
    for row in rows:
        overlap = {data.recording for card in row.cards for data in card.data if data.trained} & set(tests)
        if overlap and row.weights == "float32":
            notes.append(
                f"WARNING: {row.name} learned from {', '.join(sorted(overlap))}; its agreement there flatters."
            )
    return notes


def _print_progress(message: str) -> None:
    print(message, file=sys.stderr)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m training.compare", HELP)
    parser.add_argument(
        "paths",
        type=model_source,
        nargs="*",
        metavar="MODEL[:TEXT]|RECORDING",
        help="model files of any kind, each with its --preprocess text; test recordings, folders or csv files",
    )
    parser.add_argument("--out", type=Path, default=Path("comparison"), help="output folder (%(default)s)")
    parser.add_argument(
        "--train",
        nargs="+",
        choices=NETWORKS,
        default=[],
        metavar="NAME",
        help=f"networks to train: {', '.join(NETWORKS)}",
    )
    parser.add_argument("--on", type=Path, nargs="+", default=[], metavar="RECORDING", help="recordings to train on")
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each network, 1 to 10 (%(default)s)")
    parser.add_argument("--epochs", type=int, help="epochs of each training (the recipe's)")
    parser.add_argument("--lap-m", type=float, help="length of the lap that the --on recordings drive, in metres")
    add_precision(parser)
    add_training_options(parser)
    parser.add_argument("--frames", type=int, default=200, help="frames to time on each engine (%(default)s)")
    parser.add_argument("--track", nargs="*", default=["lake"], help=f"to drive: {TRACK_NAMES}, or none")
    add_checkout_option(parser)
    parser.add_argument("--laps", type=float, default=1.0, help="laps of each track (%(default)g)")
    parser.add_argument("--speed", type=float, default=15.0, metavar="MPH", help="speed to hold (%(default)g)")
    options = parser.parse_args(arguments)
    _check(parser, options)
    return options


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    missing = [str(path) for path in (*(source.path for source in options.paths), *options.on) if not path.exists()]
    if missing:
        names = ", ".join(models_near(Path(missing[0]).parent))
        parser.error(f"no such file or folder: {', '.join(missing)}{names and f'; models near it: {names}'}")
    if not options.train and all(_is_recording(source.path) for source in options.paths):
        parser.error("name at least one model file, or --train NAME")
    if not options.train and (are_jobs(options) or options.shared):
        parser.error("--workers, --ray and --shared are for trainings: give --train NAME... and --on RECORDING..., too")
    check_training_options(parser, options)
    if bool(options.train) != bool(options.on):
        parser.error("--train NAME... and --on RECORDING... belong together")
    if not 1 <= options.seeds <= 10 or not 10 <= options.frames <= 100_000:
        parser.error(f"expected --seeds 1 to 10 and --frames 10 to 100000, got {options.seeds} and {options.frames}")
    if not 0 < options.laps <= 1000 or not 1 <= options.speed <= 30:
        parser.error(f"expected 0 < --laps <= 1000 and 1 <= --speed <= 30, got {options.laps} and {options.speed}")


if __name__ == "__main__":
    sys.exit(main())
