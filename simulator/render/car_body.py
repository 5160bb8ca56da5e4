"""The car as it is seen from behind: a body, a cabin and four wheels of which the front ones turn."""

from __future__ import annotations

import math

import numpy as np
from panda3d.core import NodePath

from protocol.arrays import Float64Array
from simulator.render.eye import CarPose
from simulator.render.mesh import Quads, attach
from simulator.render.weather.codes import GLOW, NO_DISTANCE, mark

Color = tuple[float, float, float]

WHEELBASE_M, TRACK_M, WHEEL_M, TYRE_M = 2.87, 1.78, 0.36, 0.27
"""Distance of the axles and of the wheels, the wheels' radius and width."""

PAINT, GLASS, TYRE, LAMP = (178.0, 52.0, 44.0), (44.0, 52.0, 62.0), (40.0, 40.0, 42.0), (236.0, 88.0, 70.0)
SHADE = (52.0, 51.0, 46.0)
SIDES = 12
DRAWN_LAST = 100

BODY = (
    (-0.62, 0.48, 0.8),
    (-0.66, 0.66, 0.86),
    (-0.56, 0.94, 0.82),
    (2.9, 0.88, 0.8),
    (3.7, 0.68, 0.78),
    (3.76, 0.48, 0.74),
)
CABIN = ((-0.45, 0.92, 0.76), (-0.05, 1.4, 0.6), (1.4, 1.43, 0.6), (2.35, 0.88, 0.74))
"""Profiles from back to front: metres ahead of the rear axle, above the road, and half the width there."""


class CarBody:
    """The car under `root`, hidden until it is placed. Axes from the middle of the rear axle: x ahead, y left, z up."""

    def __init__(self, root: NodePath) -> None:
        self._node = root.attach_new_node("car")
        attach(self._node, "shade", _rectangle(-0.6, 3.9, 1.0, 0.02, SHADE), None)
        attach(self._node, "body", _hull(BODY, PAINT), None)
        lamps = attach(self._node, "lamps", _lamps(), None)
        attach(self._node, "cabin", _hull(CABIN, GLASS), None)
        self._front = []
        for ahead_m in (0.0, WHEELBASE_M):
            for side in (1, -1):
                wheel = attach(self._node, "wheel", _wheel(), None)
                wheel.set_pos(ahead_m, side * TRACK_M / 2, WHEEL_M)
                self._front += [wheel] if ahead_m else []
        for part in self._node.get_children():
            part.set_bin("fixed", DRAWN_LAST)
            mark(part, GLOW if part == lamps else NO_DISTANCE)
        self.hide()

    def place(self, pose: CarPose, wheels_deg: float) -> None:
        """Show the car here. wheels_deg: of the front wheels, to the left."""
        self._node.set_pos(pose.x, pose.y, pose.height_m)
        self._node.set_hpr(math.degrees(pose.heading_rad), 0, -math.degrees(math.atan(pose.slope)))
        for wheel in self._front:
            wheel.set_h(wheels_deg)
        self._node.show()

    def hide(self) -> None:
        """Hide the car from the cameras that it carries."""
        self._node.hide()


def _hull(profile: tuple[tuple[float, float, float], ...], color: Color) -> Quads:
    """A closed body along a profile, lit from above and behind."""
    left, right = (np.array([(x, side * half, z) for x, z, half in profile]) for side in (1, -1))
    skin = [(a, b, c, d) for a, b, c, d in zip(left[:-1], left[1:], right[1:], right[:-1], strict=True)]
    floor = np.minimum(profile[0][1], profile[-1][1])
    flanks = []
    for edge in (left, right):
        below = edge.copy()
        below[:, 2] = floor
        flanks += list(zip(edge[:-1], edge[1:], below[1:], below[:-1], strict=True))
    ends = [(left[i], right[i], _at(right[i], floor), _at(left[i], floor)) for i in (0, -1)]
    return _lit(np.array([*skin, *flanks, *ends]), color)


def _at(point: Float64Array, height_m: float) -> Float64Array:
    return np.array([point[0], point[1], height_m])


def _rectangle(back_m: float, front_m: float, half_m: float, height_m: float, color: Color) -> Quads:
    """A flat piece above the road, in one colour."""
    corners = [(back_m, half_m), (back_m, -half_m), (front_m, -half_m), (front_m, half_m)]
    return _plain(np.array([[(x, y, height_m) for x, y in corners]]), color)


def _lamps() -> Quads:
    """The two rear lamps, just behind the body."""
    x, low, high = -0.68, 0.68, 0.84
    spans = [(side * 0.5, side * 0.8) for side in (1, -1)]
    return _plain(
        np.array([[(x, a, low), (x, b, low), (x + 0.04, b, high), (x + 0.04, a, high)] for a, b in spans]), LAMP
    )


def _plain(position: Float64Array, color: Color) -> Quads:
    return Quads(position, np.broadcast_to(np.array(color), position.shape), np.zeros((len(position), 4, 2)))


def _wheel() -> Quads:
    """A tyre round the y axis, with both its faces."""
    angle = np.linspace(0, 2 * math.pi, SIDES + 1)
    rim = np.stack([WHEEL_M * np.cos(angle), np.zeros(SIDES + 1), WHEEL_M * np.sin(angle)], 1)
    quads = []
    outer, inner = rim + [0, TYRE_M / 2, 0], rim - [0, TYRE_M / 2, 0]
    quads += list(zip(outer[:-1], outer[1:], inner[1:], inner[:-1], strict=True))
    for face in (outer, inner):
        middle = face[:-1].mean(0)
        quads += [(middle, face[i], face[i + 1], middle) for i in range(SIDES)]
    return _lit(np.array(quads), TYRE)


def _lit(position: Float64Array, color: Color) -> Quads:
    """Colour each quad by how far it looks upwards or backwards. position: (n, 4, 3)."""
    normal = np.cross(position[:, 2] - position[:, 0], position[:, 3] - position[:, 1])
    normal = np.abs(normal) / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    light = 0.6 + 0.45 * normal[:, 2] + 0.2 * normal[:, 0]
    return Quads(
        position, np.repeat((light[:, None] * np.array(color))[:, None], 4, 1), np.zeros((len(position), 4, 2))
    )
