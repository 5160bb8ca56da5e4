"""Courses are named by a command line, and opened in each process that drives them."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from protocol.recording import read_recording
from simulator.render.opening import TrackScene, changed_scene, open_scene
from simulator.replay.reference_path import ReferencePath, reference_path
from simulator.world.course import Course, replay_course, track_course
from simulator.world.track import Track, open_track


@dataclass(frozen=True, slots=True)
class CourseName:
    """What a process needs to open a course: plain values.

    track: a track's name, or "" for the recording `replay`. laps: of the track, or share of the recording. seed,
    reverse: of a track's drive; intervention_m: of a replay. camera: the rig's name.
    """

    track: str
    replay: str
    laps: float
    seed: int
    reverse: bool
    camera: str
    intervention_m: float | None

    @property
    def group(self) -> str:
        """Equal for courses that share a scene."""
        return self.track or self.replay


def course_names(options: argparse.Namespace) -> list[CourseName]:
    """All courses that the options name: the tracks, then the recordings."""
    tracks = options.track or ([] if options.replay else ["lake"])
    directions = (False, True) if options.both_ways else (options.reverse,)
    places = [(track, "", reverse) for track in tracks for reverse in directions]
    places += [("", str(recording.resolve()), False) for recording in options.replay]
    return [
        CourseName(track, replay, options.laps, options.seed, reverse, options.camera, options.intervention_m)
        for track, replay, reverse in places
    ]


class OpenCourses:
    """The courses of one process. The scene of the last track stays open, and every recording that was read."""

    def __init__(self) -> None:
        self._scene: tuple[str, TrackScene] | None = None

    def course(self, name: CourseName) -> Course:
        """Open a course; its scene is drawn when it is first driven. Raises ValueError, RuntimeError, OSError."""
        if name.replay:
            return replay_course(replayed_line(name.replay), name.laps, name.intervention_m, name.camera)
        track = open_track(name.track)
        return track_course(track, lambda: self._drawn(track), name.laps, name.seed, name.reverse, name.camera)

    def _drawn(self, track: Track) -> TrackScene:
        last, self._scene = self._scene, None
        if last is None or last[0] != track.name:
            last = (track.name, changed_scene(last[1], track) if last else open_scene(track))
        self._scene = last
        return last[1]


@cache
def replayed_line(recording: str) -> ReferencePath:
    """The human's line of a recording. Raises RecordingError, ValueError, OSError."""
    return reference_path(read_recording(Path(recording)))
