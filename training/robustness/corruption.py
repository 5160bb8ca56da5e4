"""A corruption is one kind of disturbance at five strengths; a disturbance is what it does to one drive.

A disturbance may change four things: the camera, each picture, each command, and the latency. Each corruption changes
one of them and leaves the others alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from protocol.messages import Control, Frame
from simulator.render.camera import Camera

STRENGTHS = (1, 2, 3, 4, 5)


class Moment(NamedTuple):
    """A frame of a drive: what the random numbers of a picture depend on."""

    seed: int
    number: int

    def generator(self) -> np.random.Generator:
        """Random numbers of this frame, always the same ones."""
        return np.random.default_rng([self.seed, self.number])


class Disturbance:
    """What happens to one drive; this one changes nothing. latency_s: game time until a command takes effect."""

    latency_s = 0.0

    def camera(self, camera: Camera) -> Camera:
        """The camera that the car really has."""
        return camera

    def picture(self, frame: Frame) -> Frame:
        """What arrives of the next picture, uint8 (160, 320, 3); the caller does not change it afterwards."""
        return frame

    def control(self, control: Control) -> Control:
        """What the car does of the next command."""
        return control


Start = Callable[[float, int], Disturbance]
"""Amount, seed -> the disturbance of one drive."""


@dataclass(frozen=True, slots=True)
class Corruption:
    """name: as users type it; group: its family; amounts: at the strengths 1 to 5, in `unit`; source: of the formula.

    unit: a template with {} for the amount. start: begins a drive, and the same seed gives the same one.
    """

    name: str
    group: str
    amounts: tuple[float, float, float, float, float]
    unit: str
    source: str
    start: Start

    def amount(self, strength: int) -> float:
        """The amount at a strength of STRENGTHS."""
        return self.amounts[strength - 1]

    def described(self, strength: int) -> str:
        """The amount with its unit, for people."""
        return self.unit.format(f"{self.amount(strength):g}")


def side(seed: int) -> int:
    """1 (left, down or longer) for even seeds, -1 for odd ones: the drives of a corruption take turns."""
    return 1 - 2 * (seed % 2)
