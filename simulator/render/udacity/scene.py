"""Udacity's own scenes as a renderer of tracks, with the same methods as the built-in one."""

from __future__ import annotations

from functools import cache

from protocol.messages import Frame
from simulator.render.camera import AUTONOMOUS, CAMERA_AHEAD_M, Camera
from simulator.render.eye import BEHIND, BEHIND_M, CarPose, eye_of
from simulator.render.scene import hood
from simulator.render.udacity.drawing import drawn_scene
from simulator.world.track import Track


class UdacityScene:
    """One of Udacity's scenes; several that show the same one share its meshes. `close` lets go of them.

    Raises ValueError without a checkout of Udacity's simulator or for damaged files of it, OSError, and RuntimeError
    without a renderer.
    """

    def __init__(self, track: Track) -> None:
        self.show(track)

    def show(self, track: Track) -> None:
        """Draw another of Udacity's tracks from now on."""
        self._drawn = drawn_scene(track)

    def render(self, pose: CarPose, camera: Camera = AUTONOMOUS.center, scale: int = 1, time_s: float = 0.0) -> Frame:
        """Render what a camera of the car sees, as `Scene.render` does; time changes nothing here."""
        frame = self._drawn.draw(eye_of(camera, CAMERA_AHEAD_M, pose), scale)
        rows, columns, colors = _hood(scale)
        frame[rows, columns] = colors
        return frame

    def render_behind(self, pose: CarPose, wheels_deg: float, scale: int = 1, time_s: float = 0.0) -> Frame:
        """Render the car from behind, as `Scene.render_behind` does."""
        car = self._drawn.car
        car.place(pose, wheels_deg)
        frame = self._drawn.draw(eye_of(BEHIND, -BEHIND_M, pose), scale)
        car.hide()
        return frame

    def close(self) -> None:
        """Let go of the scene; it is freed when nobody else shows it."""
        del self._drawn


_hood = cache(hood)
