"""Find which pixels a model wants: try the usual ones on a recording, and compare the answers with its driver.

The driver need not be the one from whom the model learned, but the road should be of the kind that it knows.

    python -m models.identify model.h5 recordings/lake
    python -m models.identify model.h5 recordings/lake --write
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from models.keras_files.file_kinds import model_kind
from models.whole_files import write_whole
from protocol.command_line import command_parser, output_file, run

if TYPE_CHECKING:
    from models.identify.network import PixelNetwork
    from models.identify.search import Search, Try

HELP = """Find which pixels a model wants: try the usual ones on a recording, and compare the answers with its driver.

examples:
  python -m models.identify model.h5 recordings/lake
  python -m models.identify network.tflite recordings/lake recordings/mountain --json tries.json
  python -m models.identify model.h5 recordings/lake --write
      also keep the result in model.h5.pixels.json, which every command obeys

The correlation compares means over one second, since a keyboard driver steers in taps; `frames` compares single frames.
`size` is the answers' deviation from straight ahead, divided by the driver's.

exit code: 0 one preprocessing stands out; 1 none does; 2 bad input; 130 stopped by Ctrl-C."""

CLEAR = 0.3
CLEAR_DEVIATIONS = 3.5
"""The best of some 150 tries stands out if its correlation is at least CLEAR and so many standard deviations from 0."""

SHOWN = 8
WORTH_A_WORD = 0.02
"""A delay of the log is told where the correlation gains more than this."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Identify and print; returns the exit code."""
    return run(lambda: _identify(_parse(arguments)), "identify", (OSError, ValueError, RuntimeError))


def _identify(options: argparse.Namespace) -> int:
    from models.identify.candidates import coarse  # noqa: PLC0415 - Keras takes seconds; --help should not
    from models.identify.evidence import read_evidence  # noqa: PLC0415
    from models.identify.search import FINE_TRIES, Search  # noqa: PLC0415

    network = _open(options.model)
    for note in network.notes:
        print(note)
    evidence = read_evidence(options.recordings)
    total = sum(map(len, coarse(network.shape, network.scales))) + FINE_TRIES
    with tqdm(total=total, desc="trying", unit="") as bar:
        search = Search(network, evidence, bar.update)
        best = search.run()
        bar.total = bar.n
    clear = best.agreement.correlation >= max(CLEAR, CLEAR_DEVIATIONS / math.sqrt(len(evidence.means)))
    print(_table(search, best))
    print(_verdict(options.model, search, best, clear))
    rows, with_delay = search.delay(best)
    if clear and with_delay > best.agreement.correlation + WORTH_A_WORD:
        print(f"the answers agree better, {with_delay:.2f}, with the steering {rows} rows later: the log lags behind")
    if options.json:
        facts = {
            "model": str(options.model),
            "recordings": [str(folder) for folder in options.recordings],
            "frames": len(evidence.frames),
            "best": {**_figures(best, search), "delay_rows": rows} if clear else None,
            "tries": [_figures(one, search) for one in sorted(search.tries, key=_rank)],
        }
        write_whole(options.json, (json.dumps(facts, indent=2) + "\n").encode())
    if options.write and clear:
        from models.adapter.pixel_card import write_pixel_card  # noqa: PLC0415

        evidence_facts = {**_figures(best, search), "recordings": [folder.name for folder in options.recordings]}
        path = write_pixel_card(options.model, best.text(search.outputs), evidence_facts)
        print(f"wrote {path}; every command obeys it")
    return 0 if clear else 1


def _open(model: Path) -> PixelNetwork:
    """The network of a file of any kind. Raises ModelFileError, EngineError, OSError."""
    kind = model_kind(model)
    if kind == "keras":
        from models.identify.network import KerasNetwork  # noqa: PLC0415

        return KerasNetwork(model)
    from inference.pixel_network import PixelNetworkFile  # noqa: PLC0415 - nobody imports this command, so it may

    return PixelNetworkFile(model, kind)


def _table(search: Search, best: Try) -> str:
    """The best tries on all frames, a line each."""
    tries = sorted((one for one in search.tries if not one.coarse), key=_rank)
    lines = [f"{'correlation':>11}{'frames':>8}{'size':>7}  preprocess"]
    for one in dict.fromkeys([best, *tries[: SHOWN - 1]]):
        figures = one.agreement
        lines.append(f"{figures.correlation:>11.2f}{figures.raw:>8.2f}{figures.size:>7.2f}  {one.text(search.outputs)}")
    return "\n".join(lines)


def _verdict(model: Path, search: Search, best: Try, clear: bool) -> str:
    """What stands out, by how much, and how to use it."""
    if not clear:
        return (
            "None stands out: no try's answers follow the driver. The model may know another road, or it wants pixels "
            "that are not tried here; its author's drive.py says which"
        )
    text = best.text(search.outputs)
    other = search.runner_up(best)
    lines = [f'best: "{text}", correlation {best.agreement.correlation:.2f}']
    if other is not None:
        lines.append(
            f'the next that differs: "{other.text(search.outputs)}", correlation {other.agreement.correlation:.2f}'
        )
    return "\n".join([*lines, f'drive with it: python server/drive.py {model} --preprocess "{text}"'])


def _figures(one: Try, search: Search) -> dict[str, Any]:
    figures = {name: round(value, 4) for name, value in asdict(one.agreement).items()}
    return {"preprocess": one.text(search.outputs), **figures, "coarse": one.coarse}


def _rank(one: Try) -> tuple[bool, float]:
    return one.coarse, -one.score


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m models.identify", HELP)
    parser.add_argument("model", type=Path, help="a .h5, .keras, .tflite or .onnx file, or half of a .json + .h5 pair")
    parser.add_argument("recordings", type=Path, nargs="+", metavar="RECORDING", help="recordings of a person's drive")
    parser.add_argument("--write", action="store_true", help="keep the result in a card beside the model")
    parser.add_argument("--json", type=output_file, metavar="FILE", help="write all tries to this file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
