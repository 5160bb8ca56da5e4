"""What draws a baked scene: OpenGL, or Panda3D's software renderer where there is no OpenGL."""

from __future__ import annotations

import sys
import threading
from functools import cached_property
from typing import Protocol
from weakref import WeakValueDictionary

import numpy as np

from protocol.messages import Frame
from protocol.tracks.names import SHADOWS
from simulator.render.car_body import CarBody
from simulator.render.eye import Eye
from simulator.render.udacity.baking.bake import bake
from simulator.render.udacity.canvas import Canvases
from simulator.render.udacity.opengl import NoOpenGl, OpenGlScene, open_opengl
from simulator.render.udacity.software import SoftwareScene, open_software
from simulator.unity.opening import open_unity_scene
from simulator.world.track import Track

NO_OPENGL = """\
Udacity's scene is drawn by the software renderer, more coarsely and without shadows, for there is no OpenGL: {}.
On Debian and Ubuntu, `apt install libegl1 libgl1-mesa-dri` brings one that needs neither a display nor a GPU."""


class DrawnScene(Protocol):
    """A scene with its meshes and pictures where they are drawn, and one camera."""

    @property
    def car(self) -> CarBody:
        """The car's body, hidden until it is placed."""
        ...

    def draw(self, eye: Eye, scale: int) -> Frame:
        """Draw what is seen from here, uint8 RGB (160 * scale, 320 * scale, 3)."""
        ...


class _Renderers(threading.local):
    """What the scenes of one thread share: an OpenGL context belongs to its thread, and a scene's meshes are large."""

    def __init__(self) -> None:
        self.scenes: WeakValueDictionary[str, DrawnScene] = WeakValueDictionary()

    @cached_property
    def opengl(self) -> Canvases | None:
        try:
            return open_opengl()
        except NoOpenGl as error:
            print(NO_OPENGL.format(error), file=sys.stderr)
            return None

    @cached_property
    def software(self) -> Canvases:
        return open_software()


_renderers = _Renderers()


def drawn_scene(track: Track) -> DrawnScene:
    """The scene of a track, which stays as long as somebody holds it. Raises ValueError, OSError, RuntimeError."""
    scene = _renderers.scenes.get(track.name)
    if scene is None:
        unity_scene = open_unity_scene(track.look)
        baked = bake(unity_scene, track.points)
        if _renderers.opengl:
            road = np.column_stack([track.points, track.height_m]) if track.weather == SHADOWS else None
            scene = OpenGlScene(_renderers.opengl, baked, unity_scene, road)
        else:
            scene = SoftwareScene(_renderers.software, baked, unity_scene)
        _renderers.scenes[track.name] = scene
    return scene
