"""Measure how long Udacity's own scenes take to draw, by OpenGL and by Panda3D's software renderer.

python -m benchmarks.udacity
python -m benchmarks.udacity --track udacity-jungle --frames 400 --scale 2

It needs a checkout of Udacity's simulator: --udacity or UDACITY_SIMULATOR names it.
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.command import run_benchmark
from protocol.arrays import Float64Array
from protocol.command_line import command_parser, whole
from simulator.render.camera import AUTONOMOUS, CAMERA_AHEAD_M
from simulator.render.eye import Eye, eye_of, pose_on
from simulator.render.udacity.baking.bake import bake
from simulator.render.udacity.drawing import DrawnScene
from simulator.render.udacity.opengl import NoOpenGl, OpenGlScene, open_opengl
from simulator.render.udacity.software import SoftwareScene, open_software
from simulator.unity.checkout import add_checkout_option
from simulator.unity.opening import SCENES, open_unity_scene
from simulator.world.track import Track, open_track

WARM_UP = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    return run_benchmark(lambda: measure(_parse(arguments)))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m benchmarks.udacity", __doc__)
    parser.add_argument("--track", choices=sorted(SCENES), default="udacity-lake", help="(default %(default)s)")
    parser.add_argument("--shadows", action="store_true", help="also with cast shadows, by OpenGL")
    add_checkout_option(parser)
    parser.add_argument("--frames", type=whole(10, 10**6), default=400, help="frames round the lap (default 400)")
    parser.add_argument("--scale", type=whole(1, 4), default=1, help="1 for 320 x 160 (default), 2 for 640 x 320")
    return parser.parse_args(arguments)


def measure(options: argparse.Namespace) -> None:
    """Measure and print."""
    track = open_track(options.track)
    start_s = time.perf_counter()
    scene = open_unity_scene(options.track)
    read_s = time.perf_counter() - start_s
    baked = bake(scene, track.points)
    print(f"{options.track}: read in {read_s:.2f} s, light and land computed in", end=" ")
    print(f"{time.perf_counter() - start_s - read_s:.2f} s")
    try:
        opengl = open_opengl()
        _report(f"OpenGL by {opengl.driver}", lambda: OpenGlScene(opengl, baked, scene), track, options)
        if options.shadows:
            road = np.column_stack([track.points, track.height_m])
            _report("the same with shadows", lambda: OpenGlScene(opengl, baked, scene, road), track, options)
    except NoOpenGl as error:
        print(f"OpenGL: none here, {error}")
    software = open_software()
    _report("Panda3D's software renderer", lambda: SoftwareScene(software, baked, scene), track, options)


def _report(name: str, open_drawn: Callable[[], DrawnScene], track: Track, options: argparse.Namespace) -> None:
    start_s = time.perf_counter()
    drawn = open_drawn()
    drawn.draw(_eye(track, 0.0), options.scale)
    first_s = time.perf_counter() - start_s
    for number in range(WARM_UP):
        drawn.draw(_eye(track, number / WARM_UP), options.scale)
    wall_ms, core_ms = _times(drawn, track, options)
    print(
        f"{name}: first frame after {first_s:.2f} s; {np.median(wall_ms):.2f} ms a frame at the median, "
        f"{np.percentile(wall_ms, 99):.2f} ms at p99, {1000 / wall_ms.mean():.0f} frames/s; "
        f"{core_ms.mean():.2f} ms of processor time a frame"
    )


def _times(drawn: DrawnScene, track: Track, options: argparse.Namespace) -> tuple[Float64Array, Float64Array]:
    """Milliseconds of each frame by the clock and by the processor, evenly round the lap."""
    wall, core = np.empty(options.frames), np.empty(options.frames)
    for number in range(options.frames):
        eye = _eye(track, number / options.frames)
        wall_s, core_s = time.perf_counter(), time.process_time()
        drawn.draw(eye, options.scale)
        wall[number], core[number] = time.perf_counter() - wall_s, time.process_time() - core_s
    return 1000 * wall, 1000 * core


def _eye(track: Track, share: float) -> Eye:
    pose = pose_on(track, int(share * len(track.points)))
    return eye_of(AUTONOMOUS.center, CAMERA_AHEAD_M, pose)


if __name__ == "__main__":
    sys.exit(main())
