"""Driving as a number: models drive the built-in tracks in a plain loop, no socket, and are judged side by side.

A low error on recorded frames says little about driving: small mistakes add up, and the car sees places that no
recording holds. Here the very engine and speed control that serve a simulator close the loop.

    python -m training.evaluate models/eff.h5 --track lake --laps 10 --speed 15
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from protocol.messages import MPS_PER_MPH, Control
from server.driver import Policy
from server.engine import open_engine
from server.speed import PIController
from simulator.drive_log import DriveReport
from simulator.map import draw_map
from simulator.scene import Scene
from simulator.track import Track, open_track
from simulator.world import TrackWorld

EXAMPLES = """examples:
  python -m training.evaluate models/eff.h5 --track lake --laps 10 --speed 15
  python -m training.evaluate models/eff.h5 models/baseline.h5 --track lake mountain random:1 --both-ways
  python -m training.evaluate models/eff.h5 --latency-ms 0 50 100 200 --json latency.json --map latency.png

exit code: 0 no model left the road; 1 one did; 2 bad input."""

FRAME_S = 0.05
SLOWEST_MPH = 4.0
"""On average; a car that takes longer has stopped, and its drive is over."""


def drive(policy: Policy, world: TrackWorld, speed_mph: float, bar: tqdm[Any] | None = None) -> None:
    """Let `policy` drive the world to its end, 20 frames a second, at `speed_mph`, slower in bends."""
    speed = PIController(speed_mph)
    while not world.finished:
        steering = float(np.clip(policy.predict(world.frame()[np.newaxis])[0], -1.0, 1.0))
        throttle = speed.throttle(world.car.speed_mph, steering, world.log.time_s)
        before_m = world.log.distance_m
        world.apply(Control(steering, throttle))
        world.step(FRAME_S)
        if bar is not None:
            left_m = (bar.total or math.inf) - bar.n  # tqdm warns of more than all
            bar.update(min(world.log.distance_m - before_m, left_m))


def judged_world(track: Track, scene: Scene, laps: float, seed: int = 0, latency_s: float = 0.0) -> TrackWorld:
    """A drive that ends when the laps are driven, or when the car would have had to be slower than SLOWEST_MPH."""
    return TrackWorld(track, scene, laps, seed, latency_s, 20 + laps * track.length_m / (SLOWEST_MPH * MPS_PER_MPH))


def main(arguments: Sequence[str] | None = None) -> int:
    """Drive all models on all tracks, report; the process's exit code."""
    options = _parse(arguments)
    try:
        tracks = [open_track(name) for name in options.track]
        engines = [(path, open_engine(path, "auto", options.preprocess)) for path in options.models]
        found = _drive_all(engines, tracks, options)
        _write(found, options)
    except (OSError, ValueError, RuntimeError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 1 if any(report.off_road_events for _, report, _ in found) else 0


Found = list[tuple[dict[str, Any], DriveReport, TrackWorld]]


def _drive_all(engines: list[tuple[Path, Any]], tracks: list[Track], options: argparse.Namespace) -> Found:
    """Each model on each track, each way, with each latency; a line is printed as each drive ends."""
    found: Found = []
    ways = (False, True) if options.both_ways else (options.reverse,)
    total = sum(t.length_m for t in tracks) * options.laps * len(engines) * len(ways) * len(options.latency_ms)
    print(_HEADER)
    with tqdm(total=round(total), unit="m", unit_scale=True, smoothing=0.05) as bar:
        for track in tracks:
            scene = Scene(track)
            for path, engine in engines:
                for reverse in ways:
                    for latency_ms in options.latency_ms:
                        case = {"model": str(path), "track": track.name, "reverse": reverse, "latency_ms": latency_ms}
                        driven = track.reversed() if reverse else track
                        world = judged_world(driven, scene, options.laps, options.seed, latency_ms / 1000)
                        start_s = time.perf_counter()
                        drive(engine, world, options.speed, bar)
                        rate = world.log.time_s / FRAME_S / (time.perf_counter() - start_s)
                        report = world.log.report()
                        found.append(
                            ({**case, "speed_mph": options.speed, "frames_per_s": round(rate, 1)}, report, world)
                        )
                        bar.write(_line(found[-1][0], report))
            scene.close()
    return found


_HEADER = (
    f"{'model':<24}{'track':<15}{'latency':>8}{'laps':>7}{'off road':>9}{'autonomy':>9}{'mean m':>8}{'max m':>7}"
    f"{'mph':>6}{'lap s':>8}{'reversals':>10}{'jerk':>7}{'frames/s':>9}"
)


def _line(case: dict[str, Any], report: DriveReport) -> str:
    track = case["track"] + (" back" if case["reverse"] else "")
    lap_s = f"{np.mean(report.lap_times_s):.1f}" if report.lap_times_s else "-"
    return (
        f"{Path(case['model']).name:<24}{track:<15}{case['latency_ms']:>5.0f} ms{report.laps:>7.2f}"
        f"{report.off_road_events:>9}{report.autonomy_percent:>7.1f} %{report.mean_cte_m:>8.2f}{report.max_cte_m:>7.2f}"
        f"{report.mean_speed_mph:>6.1f}{lap_s:>8}{report.reversals_per_min:>10.0f}{report.jerk_mps3:>7.2f}"
        f"{case['frames_per_s']:>9.0f}"
    )


def _write(found: Found, options: argparse.Namespace) -> None:
    if options.json:
        rows = [
            {**case, "laps_asked": options.laps, "seed": options.seed, **asdict(report)} for case, report, _ in found
        ]
        options.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    if options.map:
        first = found[0][2].track
        here = [(case, world) for case, _, world in found if case["track"] == first.name]
        draw_map(first, [(f"{Path(c['model']).name}, {c['latency_ms']:g} ms", w.log) for c, w in here], options.map)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate",
        description="Let models drive the built-in tracks, and judge them side by side.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("models", type=Path, nargs="+", metavar="MODEL", help=".h5, .keras, .json with .h5, .tflite")
    parser.add_argument("--track", nargs="+", default=["lake"], help="lake, mountain, random:SEED (default lake)")
    parser.add_argument("--laps", type=float, default=1.0, help="of each track (default %(default)g)")
    parser.add_argument("--speed", type=float, default=15.0, metavar="MPH", help="to hold (default %(default)g)")
    parser.add_argument("--reverse", action="store_true", help="drive the tracks the other way round")
    parser.add_argument("--both-ways", action="store_true", help="drive them both ways")
    parser.add_argument("--latency-ms", type=float, nargs="+", default=[0.0], metavar="MS", help="added to each answer")
    parser.add_argument("--seed", type=int, default=0, help="of the start (default %(default)s)")
    parser.add_argument("--preprocess", help="for models that do not take raw frames, as in server/drive.py")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures")
    parser.add_argument("--map", type=Path, metavar="FILE.png", help="draw the drives on the first track")
    options = parser.parse_args(arguments)
    if not 0 < options.laps <= 1000 or not 1 <= options.speed <= 30:
        parser.error(f"expected 0 < --laps <= 1000 and 1 <= --speed <= 30, got {options.laps} and {options.speed}")
    if not all(0 <= latency <= 5000 for latency in options.latency_ms) or options.seed < 0:
        parser.error("expected --latency-ms from 0 to 5000 and --seed from 0")
    return options


if __name__ == "__main__":
    sys.exit(main())
