"""Opens the renderer that draws a track: the built-in one, or the one of Udacity's own scenes."""

from __future__ import annotations

from typing import Protocol

from protocol.messages import Frame
from simulator.render.camera import AUTONOMOUS, Camera
from simulator.render.eye import CarPose
from simulator.world.track import Track


class TrackScene(Protocol):
    """A track that can be drawn; `Scene` says what each method does."""

    def render(self, pose: CarPose, camera: Camera = AUTONOMOUS.center, scale: int = 1, time_s: float = 0.0) -> Frame:
        """Render what a camera of the car sees."""
        ...

    def render_behind(self, pose: CarPose, wheels_deg: float, scale: int = 1, time_s: float = 0.0) -> Frame:
        """Render the car from behind."""
        ...

    def show(self, track: Track) -> None:
        """Draw another track of the same kind from now on."""
        ...

    def close(self) -> None:
        """Free the renderer."""
        ...


UDACITY = "udacity-"
"""Begins the looks of Udacity's own scenes."""


def open_scene(track: Track) -> TrackScene:
    """Open the renderer of a track.

    Raises RuntimeError without a renderer. For Udacity's scenes it also raises ValueError without a checkout or for
    damaged files, and OSError.
    """
    if not track.look.startswith(UDACITY):
        from simulator.render.scene import Scene  # noqa: PLC0415 - a training whose checkpoints do not drive has none

        return Scene(track)
    from simulator.render.udacity.scene import UdacityScene  # noqa: PLC0415 - other tracks do not need OpenGL

    return UdacityScene(track)


def changed_scene(scene: TrackScene, track: Track) -> TrackScene:
    """The renderer of another track: the same one if it can draw that, else a new one. Raises as `open_scene`."""
    from simulator.render.scene import Scene  # noqa: PLC0415

    if isinstance(scene, Scene) != track.look.startswith(UDACITY):
        scene.show(track)
        return scene
    another = open_scene(track)
    scene.close()
    return another
