"""How far a driver's own laps lie apart: the best that anybody could reach in a replay who knew all but this lap.

The replay puts the car back a metre from the human's line. But the human drives another line on every lap, and no frame
tells which one this lap's is. Views of one place, lap by lap, laid on one another, tell how far left of the first lap
each later one ran. The mean of all laps is the line of a perfect pupil; wherever a lap lies more than a metre beside
that, the pupil would be put back though he did nothing wrong.

    python -m training.wander RECORDING --lap-m 1135 --picture wander.png
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from protocol.command_line import command_parser, run
from protocol.recording import read_recording, row_times_s
from simulator.drive_log import INTERVENTION_S
from simulator.replay import INTERVENTION_M
from training.figures import save_figure
from training.lap_match import LEAST_PLACES, Laps, match_laps
from training.pupil import agreements
from training.pupil import describe as describe_pupils
from training.road import legs
from training.samples import MEAN_S, centred_mean

HELP = """Tell how far a driver's own laps lie apart, and so what a replay can ask of any model.
Tell too how well a perfect pupil of them would agree with their driver.

examples:
  python -m training.wander recordings/lake --lap-m 1135
  python -m training.wander recordings/lake --lap-m 1135 --every-m 10 --picture wander.png

`python -m training.doctor RECORDING` tells the length of its lap. Each direction of the road stands for itself.

exit code: 0 done; 2 bad input, or nowhere a lap and a part of the next."""

Floats = npt.NDArray[np.float64]


def from_mean(laps: Laps, place_m: Floats) -> Floats:
    """(laps, places): metres left of the mean of the laps that came there, nan where that was one lap only.

    A lap of which nothing is known is left out. Each value is the median of three neighbouring places, for one misfit
    alone is no excursion.
    """
    later: list[Floats] = [np.interp(place_m, lap.at_m, lap.aside_m, left=np.nan, right=np.nan) for lap in laps.later]
    aside_m = np.array([np.zeros(place_m.size), *later])
    known = np.isfinite(aside_m)
    count = known.sum(axis=0)
    mean = np.where(count > 1, np.nansum(aside_m, axis=0) / np.maximum(count, 1), np.nan)
    wide = np.pad(aside_m - mean, ((0, 0), (1, 1)), mode="edge")
    off_m = np.asarray(np.median(np.stack([wide[:, :-2], wide[:, 1:-1], wide[:, 2:]]), axis=0))
    return off_m[np.isfinite(off_m).any(axis=1)]


def excursions(off_m: Floats) -> int:
    """Unbroken runs of places, lap by lap, more than the replay's metre beside the mean."""
    return _runs(np.abs(off_m) > INTERVENTION_M)


def unavoidable(off_m: Floats) -> int:
    """Runs of places where two laps lie so far apart that no line whatever is within the replay's metre of both."""
    apart_m = np.fmax.reduce(off_m) - np.fmin.reduce(off_m)
    return _runs(apart_m[np.newaxis] > 2 * INTERVENTION_M)


def _runs(yes: npt.NDArray[np.bool_]) -> int:
    """Unbroken runs of True in all rows together."""
    return int((np.diff(np.pad(yes, ((0, 0), (1, 0))).astype(int), axis=1) > 0).sum())


def describe(off_m: Floats, laps: Laps, seconds: float) -> str:
    """What they say, in one line. off_m: of `from_mean`; seconds: that all laps took."""
    known, count, least = off_m[np.isfinite(off_m)], excursions(off_m), unavoidable(off_m)
    mean, best = (max(0.0, 100 * (1 - INTERVENTION_S * number / seconds)) for number in (count, least))
    sides = laps.side_errors_m
    check = f"; side cameras found {sides.mean():+.2f} +- {sides.std():.2f} m off their places" if sides.size else ""
    return (
        f"{seconds:.0f} s: {known.std():.2f} m beside their mean (standard deviation), "
        f"{(np.abs(known) > INTERVENTION_M).mean():.1%} of places beyond {INTERVENTION_M:g} m, in {count} excursions: "
        f"autonomy of who drives the mean {mean:.0f} %; of any one line at most {best:.0f} %, for the laps lie over "
        f"{2 * INTERVENTION_M:g} m apart {least} times{check}; {laps.unlike} views left out"
    )


def draw(found: Sequence[tuple[str, Floats, Floats]], path: Path) -> None:
    """Each lap's way about the mean; one part of the picture for each (title, places, metres off)."""
    figure = Figure(figsize=(11, 3 * len(found)), layout="constrained")
    for number, (title, place_m, off_m) in enumerate(found, 1):
        axes = figure.add_subplot(len(found), 1, number)
        axes.axhspan(-INTERVENTION_M, INTERVENTION_M, color="0.93")
        for lap, off in enumerate(off_m, 1):
            axes.plot(place_m, off, lw=1, label=f"lap {lap}")
        axes.set(title=title, xlabel="m along the lap", ylabel="m left of the laps' mean", ylim=(-2.5, 2.5))
        axes.legend(loc="upper right", ncols=9, fontsize="small")
    save_figure(figure, path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, report; the process's exit code."""
    options = _parse(arguments)
    return run(lambda: _report(options), "wander")


def _report(options: argparse.Namespace) -> None:
    """Print a line for each part of each recording, and draw them. Raises ValueError where there is none."""
    found: list[tuple[str, Floats, Floats]] = []
    place_m = np.arange(0.0, options.lap_m, options.every_m)
    for folder in options.recordings:
        recording = read_recording(folder)
        print(recording.summary())
        time_s = row_times_s(recording.samples)
        for number, leg in enumerate(legs(0, recording.samples, time_s), 1):
            try:
                laps = match_laps(recording.samples, leg, options.lap_m, options.every_m)
            except ValueError as error:
                print(f"  part {number}: {error}")
                continue
            off_m = from_mean(laps, place_m)
            found.append((f"{folder.absolute().name}, part {number}", place_m, off_m))
            means = centred_mean(leg.steering, time_s[leg.rows], MEAN_S)
            pupils = agreements(laps, leg.distance_m - leg.distance_m[0], means, place_m)
            seconds = float(time_s[leg.rows[-1]] - time_s[leg.rows[0]])
            driven_m = leg.distance_m[-1] - leg.distance_m[0]
            print(
                f"  part {number}: {driven_m / options.lap_m:.1f} laps, {describe(off_m, laps, seconds)}\n"
                f"    {describe_pupils(pupils)}",
                flush=True,
            )
    if not found:
        raise ValueError("nothing to compare: no part of any recording drives its lap again")
    if options.picture:
        draw(found, options.picture)
        print(f"wrote {options.picture}")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m training.wander", HELP)
    parser.add_argument("recordings", type=Path, nargs="+", metavar="RECORDING", help="folder with driving_log.csv")
    parser.add_argument("--lap-m", type=float, required=True, help="length of its lap in metres")
    parser.add_argument("--every-m", type=float, default=4.0, help="between two places (default %(default)g)")
    parser.add_argument("--picture", type=Path, metavar="FILE.png", help="draw each lap's way about the mean")
    options = parser.parse_args(arguments)
    if not 50 <= options.lap_m <= 100_000:
        parser.error(f"expected --lap-m from 50 to 100000, got {options.lap_m:g}")
    if not 1 <= options.every_m <= options.lap_m / LEAST_PLACES:
        parser.error(f"expected --every-m from 1 to a tenth of the lap, got {options.every_m:g}")
    return options


if __name__ == "__main__":
    sys.exit(main())
