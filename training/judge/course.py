"""A command line names courses: built-in tracks, and recordings to replay."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from functools import cache

from protocol.recording import read_recording
from simulator.render.opening import TrackScene, open_scene
from simulator.replay.reference_path import reference_path
from simulator.world.course import Course, replay_course, track_course
from simulator.world.track import Track, open_track


def courses(options: argparse.Namespace, stack: ExitStack) -> list[Course]:
    """Open all courses that the options name; `stack` closes them. Raises ValueError, RuntimeError, OSError."""
    lines = [reference_path(read_recording(folder)) for folder in options.replay]
    for line in lines:
        print(line.summary())
    tracks = [open_track(name) for name in options.track or ([] if lines else ["lake"])]
    on_tracks = [course for track in tracks for course in _directions(track, options, stack)]
    return [*on_tracks, *(replay_course(line, options.laps, options.intervention_m, options.camera) for line in lines)]


def _directions(track: Track, options: argparse.Namespace, stack: ExitStack) -> list[Course]:
    """Return the track's course in one direction or both; its scene is drawn when it is first driven."""

    @cache
    def scene() -> TrackScene:
        track_scene = open_scene(track)
        stack.callback(track_scene.close)
        return track_scene

    directions = (False, True) if options.both_ways else (options.reverse,)
    return [track_course(track, scene, options.laps, options.seed, reverse, options.camera) for reverse in directions]
