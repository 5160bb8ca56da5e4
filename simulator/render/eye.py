"""Where a camera on the car stands in the world, and how Panda3D turns it there."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from protocol.messages import FRAME_ROWS
from simulator.render.camera import FOCAL_PX, Camera, view_deg
from simulator.world.track import Track

if TYPE_CHECKING:  # a training whose checkpoints do not drive has no renderer
    from panda3d.core import NodePath

BEHIND_M, BEHIND_ABOVE_M, BEHIND_PITCH_RAD = 5.2, 2.3, math.radians(9)
"""The camera that follows the car: behind its rear axle, above the road, and how far it looks down."""

BEHIND = Camera(0.0, BEHIND_ABOVE_M, FRAME_ROWS / 2 - FOCAL_PX * math.tan(BEHIND_PITCH_RAD))


class CarPose(NamedTuple):
    """Where the middle of a car's rear axle is on the ground, in metres, and how the car is turned.

    heading_rad: anticlockwise from the x axis; slope: the rise per metre ahead.
    """

    x: float
    y: float
    height_m: float
    heading_rad: float
    slope: float = 0.0


def pose_on(track: Track, index: int) -> CarPose:
    """A car that stands on a point of a track's centre line and looks along it."""
    x, y = track.points[index].tolist()
    return CarPose(x, y, float(track.height_m[index]), float(track.heading_rad[index]), float(track.slope[index]))


class Eye(NamedTuple):
    """place: metres; turn_deg: heading, pitch and roll as Panda3D counts them; focal_px: of its lens."""

    place: tuple[float, float, float]
    turn_deg: tuple[float, float, float]
    focal_px: float = FOCAL_PX

    def look(self, camera: NodePath) -> None:
        """Let a camera of Panda3D see the world from here."""
        camera.set_pos(*self.place)
        camera.set_hpr(*self.turn_deg)
        camera.node().get_lens().set_fov(*view_deg(self.focal_px))


def eye_of(camera: Camera, ahead_m: float, pose: CarPose) -> Eye:
    """A camera of a car, ahead_m before the middle of its rear axle."""
    x, y, height_m, heading_rad, slope = pose
    left_m, above_m = camera.lateral_offset_m, camera.height_m + ahead_m * slope
    cos, sin = math.cos(heading_rad), math.sin(heading_rad)
    return Eye(
        (x + ahead_m * cos - left_m * sin, y + ahead_m * sin + left_m * cos, height_m + above_m),
        (
            math.degrees(heading_rad + camera.yaw_rad) - 90,
            math.degrees(math.atan(slope) - camera.pitch_rad),
            -math.degrees(camera.roll_rad),
        ),
        camera.focal_px,
    )
