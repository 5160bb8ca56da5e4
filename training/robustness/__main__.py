"""The command line of the robustness measure: models drive under 25 corruptions, and a table says what harms them.

python -m training.robustness models/eff.h5 models/baseline.h5
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import sys
from collections.abc import Sequence
from contextlib import closing
from itertools import product
from pathlib import Path

from tqdm import tqdm

from inference.caution import require_confidence
from inference.engine import Engine, open_engine
from models.adapter.text import ModelSource, model_source
from models.whole_files import write_whole
from protocol.command_line import command_parser, number, output_file, run, whole
from protocol.tracks.names import TRACK_NAMES
from simulator.render.opening import TrackScene, open_scene
from simulator.unity.checkout import add_checkout_option
from simulator.world.track import open_track
from training.compare.names import distinct_names
from training.evaluate import CAREFUL_HELP
from training.robustness.catalogue import CLEAN, CORRUPTIONS, corruption
from training.robustness.corruption import STRENGTHS, Corruption
from training.robustness.drives import Plan, drive_case
from training.robustness.heat_map import draw_heat_map
from training.robustness.records import Records
from training.robustness.report import Outcomes, RobustnessReport, markdown
from training.robustness.sheet import save_sheet
from training.robustness.stretches import choose_stretches

HELP = """Let models drive under 25 corruptions of picture, camera, timing and steering, and say what harms them.

examples:
  python -m training.robustness models/eff.h5 models/baseline.h5
  python -m training.robustness models/eff.h5 --strengths 1 2 3 4 5 --out robustness/eff
  python -m training.robustness models/eff.h5 --careful --strengths 5 --out robustness/careful
  python -m training.robustness models/eff.h5 --corruptions latency wheel-play --metres 1137 --starts 1
  python -m training.robustness --sheet corruptions.jpg

It drives the stretches of the track that turn most, and writes robustness.md (the table), robustness.png (a heat map)
and a .json for each model into the folder --out. If you stop it, the same command goes on where it was.
Commands with different models may use one folder at the same time. docs/robustness.md lists the corruptions.

exit code: 0 success; 2 bad input; 130 stopped by Ctrl-C, with every file whole."""

STOPPED = "stopped; finished drives are kept, and the same command goes on"

SHEET_PLACE_M = 820.0
"""Where the sheet looks from: on the lake, a bend between water and hills."""

Case = tuple[Corruption, int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Drive, and write the report; or draw the sheet. Returns the exit code."""
    return run(lambda: _measure(_parse(arguments)), "robustness", (OSError, ValueError, RuntimeError), STOPPED)


def _measure(options: argparse.Namespace) -> None:
    track = open_track(options.track)
    corruptions = [corruption(name) for name in dict.fromkeys(options.corruptions)] or list(CORRUPTIONS)
    plan = Plan(
        track, choose_stretches(track, options.metres, options.starts), options.speed, options.seed, options.careful
    )
    models = _by_name(options.models)
    engines = {name: open_engine(model.path, "auto", model.preprocess, threads=1) for name, model in models.items()}
    if options.careful:
        require_confidence(list(engines.values()), list(engines))
    if engines:
        options.out.mkdir(parents=True, exist_ok=True)
    records = {
        name: Records(options.out / f"{name}.json", model.path, model.preprocess, plan)
        for name, model in models.items()
    }
    cases = [(CLEAN, 1), *product(corruptions, options.strengths)]
    with closing(open_scene(track)) as scene:
        if options.sheet:
            save_sheet(track, scene, options.sheet, SHEET_PLACE_M)
        _drive_all(plan, scene, engines, records, cases)
    if engines:
        outcomes = {name: _outcomes(record, cases) for name, record in records.items()}
        _write(RobustnessReport(plan, corruptions, options.strengths, outcomes), options.out)


def _by_name(models: Sequence[ModelSource]) -> dict[str, ModelSource]:
    """The models by their names in the report."""
    names = distinct_names([model.path for model in models])
    if len(set(names)) < len(names):
        raise ValueError("a model file is named twice; give each text a command and an --out of its own")
    return dict(zip(names, models, strict=True))


def _drive_all(
    plan: Plan, scene: TrackScene, engines: dict[str, Engine], records: dict[str, Records], cases: Sequence[Case]
) -> None:
    """Drive what has not been driven yet."""
    remaining = [(name, *case) for name, case in product(engines, cases) if not records[name].has(*case)]
    with tqdm(total=round(plan.length_m * len(remaining)), unit="m", unit_scale=True, disable=not remaining) as bar:
        for name, cause, strength in remaining:
            bar.set_postfix_str(f"{name}, {cause.name} {strength}")
            outcome = drive_case(engines[name], plan, scene, cause, strength, bar)
            records[name].add(cause, strength, outcome)


def _outcomes(records: Records, cases: Sequence[Case]) -> Outcomes:
    return {(cause.name, strength): records.outcome(cause, strength) for cause, strength in cases}


def _write(report: RobustnessReport, folder: Path) -> None:
    text = markdown(report)
    write_whole(folder / "robustness.md", text.encode())
    draw_heat_map(report, folder / "robustness.png")
    print(f"{text}\nwrote robustness.md, robustness.png and a .json for each model in {folder}")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m training.robustness", HELP)
    parser.add_argument(
        "models",
        type=model_source,
        nargs="*",
        metavar="MODEL[:TEXT]",
        help="model files, with a --preprocess text each",
    )
    parser.add_argument("--track", default="lake", help=f"{TRACK_NAMES} (default %(default)s)")
    add_checkout_option(parser)
    parser.add_argument(
        "--speed", type=number(1, 30, "the speed"), default=15.0, metavar="MPH", help="to hold (default %(default)g)"
    )
    parser.add_argument(
        "--metres",
        type=number(20, 1e6, "the way"),
        default=400.0,
        metavar="M",
        help="to drive under each corruption, on all stretches together (default %(default)g)",
    )
    parser.add_argument(
        "--starts",
        type=whole(1, 100, "the number of starts"),
        default=4,
        metavar="N",
        help="stretches to drive (default %(default)s); sides and random numbers differ between them",
    )
    parser.add_argument(
        "--strengths",
        type=whole(STRENGTHS[0], STRENGTHS[-1], "a strength"),
        nargs="+",
        default=[3],
        metavar="N",
        help="1 to 5 (default 3)",
    )
    parser.add_argument("--careful", action="store_true", help=CAREFUL_HELP)
    parser.add_argument("--corruptions", nargs="+", default=[], metavar="NAME", help="only these (default: all 25)")
    parser.add_argument(
        "--seed", type=whole(0, 1 << 31, "the seed"), default=0, help="of starts and noise (default %(default)s)"
    )
    parser.add_argument("--out", type=Path, default=Path("robustness"), help="output folder (default %(default)s)")
    parser.add_argument("--sheet", type=output_file, metavar="FILE.jpg", help="draw pictures of the corruptions")
    options = parser.parse_args(arguments)
    options.strengths = sorted(set(options.strengths))
    if not options.models and not options.sheet:
        parser.error("name at least one model file, or --sheet FILE.jpg")
    return options


if __name__ == "__main__":
    sys.exit(main())
