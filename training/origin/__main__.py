"""The study's own experiment, repeated: its recipe, both its networks, their curves, and what its figures mean.

Its rows are split at random, so neighbours of a tested row were learned, and its validation varies images as its
training does. Both are kept here, to be like it; beside them stand the answers to images as driving shows them, whole
recordings of others (--test), and what always answering 0 gives on each.

    python -m training.origin lake udacity --test another-driver --out docs/origin
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from training.origin.recipe import MODELS
from training.precision import add_precision


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what is missing, report; the exit code: 0 done, 2 for bad input, 130 when interrupted."""
    options = _parse(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from models.whole_files import write_whole  # noqa: PLC0415 - so that --help need not wait for TensorFlow
    from protocol.recording import RecordingError  # noqa: PLC0415
    from training.origin.experiment import Data, judge, train  # noqa: PLC0415
    from training.origin.report import draw, table  # noqa: PLC0415
    from training.run_folder import RunError  # noqa: PLC0415

    try:
        data = Data(options.recordings, options.seed)
        histories = {name: train(name, data, options.runs / name, options.precision) for name in options.models}
        judged = {name: judge(name, options.runs / name, data, options.test) for name in options.models}
        told = table(histories, judged)
        options.out.mkdir(parents=True, exist_ok=True)
        draw(histories, options.out / "curves.png")
        write_whole(options.out / "table.md", (told + "\n").encode())
        result = {"precision": options.precision, "seed": options.seed, "epochs": histories, "judged": judged}
        write_whole(options.out / "result.json", (json.dumps(result, indent=1) + "\n").encode())
    except (RecordingError, RunError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\nstopped; the same command goes on from the last finished epoch in {options.runs}", file=sys.stderr)
        return 130
    print(told)
    print(f"wrote {options.out / 'curves.png'}, table.md and result.json")
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    summary, _, rest = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="python -m training.origin",
        description=summary,
        epilog=rest,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("recordings", nargs="+", type=Path, metavar="RECORDING", help="folder with driving_log.csv")
    parser.add_argument("--test", nargs="+", type=Path, default=[], metavar="RECORDING", help="others, to judge on")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS), help="(baseline eff)")
    parser.add_argument("--seed", type=int, default=1)
    add_precision(parser)
    parser.add_argument("--runs", type=Path, default=Path("runs/origin"), help="folder of the runs (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("docs/origin"), help="folder of the report (%(default)s)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
