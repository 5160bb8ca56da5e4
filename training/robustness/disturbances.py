"""What a corruption does during a drive: to its pictures, its camera, its timing or its steering."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from protocol.messages import FRAME_ROWS, MAX_STEERING_ANGLE_DEG, Control, Frame
from simulator.render.camera import Camera
from training.robustness.corruption import Disturbance, Moment, Start, side

Picture = Callable[[Frame, float, Moment], Frame]
"""Frame, amount, moment -> another frame, uint8 (160, 320, 3) both."""

MoveCamera = Callable[[Camera, float], Camera]
"""Camera, amount (negative: to the other side) -> another camera."""


def of_picture(function: Picture) -> Start:
    """Disturbances that change each picture."""
    return lambda amount, seed: _Picture(function, amount, seed)


class _Picture(Disturbance):
    def __init__(self, function: Picture, amount: float, seed: int) -> None:
        self._function, self._amount, self._seed = function, amount, seed
        self._number = 0

    def picture(self, frame: Frame) -> Frame:
        moment = Moment(self._seed, self._number)
        self._number += 1
        return self._function(frame, self._amount, moment)


def of_camera(function: MoveCamera) -> Start:
    """Disturbances that mount the camera otherwise; the renderer then draws what it sees."""
    return lambda amount, seed: _Mounting(function, side(seed) * amount)


class _Mounting(Disturbance):
    def __init__(self, function: MoveCamera, amount: float) -> None:
        self._function, self._amount = function, amount

    def camera(self, camera: Camera) -> Camera:
        return self._function(camera, self._amount)


def with_yaw(camera: Camera, amount: float) -> Camera:
    """Turn the camera to the left. amount: degrees."""
    return replace(camera, yaw_rad=camera.yaw_rad + math.radians(amount))


def with_pitch(camera: Camera, amount: float) -> Camera:
    """Let the camera look further down. amount: degrees."""
    return _with_pitch_rad(camera, camera.pitch_rad + math.radians(amount))


def with_roll(camera: Camera, amount: float) -> Camera:
    """Turn the camera anticlockwise about its axis. amount: degrees."""
    return _with_pitch_rad(replace(camera, roll_rad=camera.roll_rad + math.radians(amount)), camera.pitch_rad)


def with_offset(camera: Camera, amount: float) -> Camera:
    """Mount the camera further left. amount: metres."""
    return replace(camera, lateral_offset_m=camera.lateral_offset_m + amount)


def with_lens(camera: Camera, amount: float) -> Camera:
    """Give the camera a longer lens; a negative amount gives a shorter one. amount: percent of the focal length."""
    factor = 1 + abs(amount) / 100
    focal_px = camera.focal_px * (factor if amount >= 0 else 1 / factor)
    return _with_pitch_rad(replace(camera, focal_px=focal_px), camera.pitch_rad)


def _with_pitch_rad(camera: Camera, pitch_rad: float) -> Camera:
    """The camera with this pitch, whatever its roll and its lens: both move the horizon in the picture."""
    below = camera.focal_px * math.tan(pitch_rad) / math.cos(camera.roll_rad)
    return replace(camera, horizon_row=FRAME_ROWS / 2 - below)


class LateCommands(Disturbance):
    """Commands act later. amount: by so many milliseconds of game time."""

    def __init__(self, amount: float, seed: int) -> None:
        self.latency_s = amount / 1000


class DroppedFrames(Disturbance):
    """Pictures get lost, and the last one that arrived is seen again. amount: the lost share; the first one arrives."""

    def __init__(self, amount: float, seed: int) -> None:
        self._amount, self._seed = amount, seed
        self._number = 0
        self._last: Frame | None = None

    def picture(self, frame: Frame) -> Frame:
        """This frame, or the last one that arrived."""
        lost = Moment(self._seed, self._number).generator().random() < self._amount
        self._number += 1
        if self._last is None or not lost:
            self._last = frame
        return self._last


class WheelPlay(Disturbance):
    """The wheels follow the command only after it has passed through the play of the steering. amount: degrees of it.

    Source: the backlash operator, for example Tao and Kokotovic, Adaptive Control of Systems with Actuator and Sensor
    Nonlinearities, 1996, chapter 2.
    """

    def __init__(self, amount: float, seed: int) -> None:
        self._half = amount / 2 / MAX_STEERING_ANGLE_DEG
        self._wheels = 0.0

    def control(self, control: Control) -> Control:
        """The command's throttle, and the steering that reaches the wheels."""
        self._wheels = min(control.steering + self._half, max(control.steering - self._half, self._wheels))
        return replace(control, steering=self._wheels)


class WheelOffset(Disturbance):
    """The wheels stand askew while the steering is straight. amount: degrees, to the right for even seeds."""

    def __init__(self, amount: float, seed: int) -> None:
        self._offset = side(seed) * amount / MAX_STEERING_ANGLE_DEG

    def control(self, control: Control) -> Control:
        """The command's throttle, and the steering that reaches the wheels."""
        return replace(control, steering=control.steering + self._offset)
