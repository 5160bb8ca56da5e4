"""Draws what the car's camera sees from a place on a track that is driven either way."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from protocol.messages import Frame
from simulator.render.camera import RIGS, Camera
from simulator.render.eye import CarPose
from simulator.render.opening import TrackScene
from simulator.world.track import Track


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a car stands on a track. backwards: the track is driven the other way round.

    distance_m: along the lap, in the direction driven; offset_m: of the rear axle's middle from the centre line,
    positive left; heading_rad: from the road's direction, positive left.
    """

    backwards: bool
    distance_m: float
    offset_m: float
    heading_rad: float


class DrawnTrack:
    """A track, both ways round, with the scene that draws it. camera: the name of the car's cameras in RIGS."""

    def __init__(self, track: Track, scene: TrackScene, camera: str) -> None:
        self.ways = {False: track, True: track.reversed()}
        self.length_m = track.length_m
        self.camera: Camera = RIGS[camera].center
        self._scene = scene

    def standing(self, pose: Pose) -> CarPose:
        """Where a pose is, interpolated between the points of the centre line."""
        track = self.ways[pose.backwards]
        here, ahead, share = self._between(pose)
        height, slope = (
            float(values[here] + share * (values[ahead] - values[here])) for values in (track.height_m, track.slope)
        )
        x, y = track.point_at(pose.distance_m)
        road_rad = self.road_rad(pose)
        return CarPose(
            x - pose.offset_m * math.sin(road_rad),
            y + pose.offset_m * math.cos(road_rad),
            height,
            road_rad + pose.heading_rad,
            slope,
        )

    def road_rad(self, pose: Pose) -> float:
        """The direction of the road where a car stands, anticlockwise from the x axis."""
        heading_rad = self.ways[pose.backwards].heading_rad
        here, ahead, share = self._between(pose)
        return float(heading_rad[here]) + share * angle(float(heading_rad[ahead] - heading_rad[here]))

    def moved(self, pose: Pose, along_m: float, left_m: float, left_rad: float) -> Pose:
        """A car moved along the road, to its left, and turned left; it looks where it did, whatever the road's bend."""
        place = replace(pose, distance_m=pose.distance_m + along_m, offset_m=pose.offset_m + left_m)
        bend_rad = angle(self.road_rad(place) - self.road_rad(pose))
        return replace(place, heading_rad=pose.heading_rad + left_rad - bend_rad)

    def _between(self, pose: Pose) -> tuple[int, int, float]:
        """The points of the centre line before and after a car, and its share of the way between them."""
        track = self.ways[pose.backwards]
        position = pose.distance_m / track.spacing_m
        index = math.floor(position)
        return index % len(track.points), (index + 1) % len(track.points), position - index

    def frame(self, pose: Pose) -> Frame:
        """Draw the centre camera's picture, uint8 (160, 320, 3)."""
        return self._scene.render(self.standing(pose), self.camera)


def angle(radians: float) -> float:
    """The same angle between -pi and pi."""
    return (radians + math.pi) % (2 * math.pi) - math.pi
