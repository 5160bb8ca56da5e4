"""Drivers that sit at the page for driving by hand: they read what it shows and press real keys, or move a gamepad.

    KeyboardDriver(page).drive(seconds=20)

`tests/drive_by_hand.py` records whole laps with them.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable
from typing import Any

from protocol.messages import EFFECTIVE_WHEELBASE_M, MAX_STEERING_ANGLE_DEG, MPS_PER_MPH
from simulator.by_hand.keys import AXIS_PER_S, STEERING_PER_STEP, STEP_S
from simulator.world.steering_dynamics import GAME
from simulator.world.track import open_track

NEXT_PICTURE = "() => new Promise((use) => document.addEventListener('drive', (e) => use(e.detail), { once: true }))"
NOTHING = {"rows": 0}
LOOK_AHEAD_M, LOOK_AHEAD_S = 3.5, 0.45
SIGHT_S = 0.25 + GAME.lag_s
"""How far ahead of the car the driver sees the bend: it makes up for the time that hands, pictures and the car take."""

RISE_PER_S = STEERING_PER_STEP / STEP_S

GAMEPAD = """() => {
  window.pad = { connected: true, mapping: "standard", axes: [0, 0, 0, 0],
                 buttons: Array.from({ length: 17 }, () => ({ value: 0, pressed: false })) };
  navigator.getGamepads = () => [window.pad];
}"""


class ScriptedDriver:
    """Drives at the page. page: of playwright, where the drive is open; speed_mph: the speed that it holds."""

    def __init__(self, page: Any, speed_mph: float = 15.0) -> None:
        self.page = page
        self.speed_mph = speed_mph
        self.look_s = 0.05
        self._last_look_s = math.nan
        self._track = functools.cache(open_track)

    def look(self) -> dict[str, Any]:
        """Wait for the next picture; returns what the page shows beside it."""
        state: dict[str, Any] = self.page.evaluate(NEXT_PICTURE)
        return state

    def look_until(self, condition: Callable[[dict[str, Any]], bool], pictures: int = 300) -> dict[str, Any]:
        """Wait for the first picture that meets the condition; fails after so many."""
        for _ in range(pictures):
            state = self.look()
            if condition(state):
                return state
        raise AssertionError(f"it did not happen within {pictures} pictures; the last: {state}")

    def drive(self, seconds: float = math.inf, laps: int = 1000, rows: float = math.inf) -> dict[str, Any]:
        """Drive so long, so many whole laps more, or until so many rows are recorded; returns the last state.

        The hands then let go.
        """
        state = self.look()
        end_s, last_lap = time.monotonic() + seconds, state["lap"] + laps
        while time.monotonic() < end_s and state["lap"] < last_lap and (state["recording"] or NOTHING)["rows"] < rows:
            self._time_looks()
            self.hold(self.steering(state), state)
            state = self.look()
        self.let_go()
        return state

    def steering(self, state: dict[str, Any]) -> float:
        """Where the wheel should be: along the bend ahead, and back to the middle of the road."""
        track = self._track(state["track"])
        speed_mps = state["speed_mph"] * MPS_PER_MPH
        ahead_m = LOOK_AHEAD_M + LOOK_AHEAD_S * speed_mps
        index = int((state["distance_m"] + SIGHT_S * speed_mps) / track.spacing_m)
        bend = float(track.curvature[index % len(track.points)])
        back = 2 * state["cte_m"] / ahead_m**2 + 2 * state["heading_error_rad"] / ahead_m
        angle_deg = math.degrees(math.atan(EFFECTIVE_WHEELBASE_M * (bend + back)))
        return max(-1.0, min(1.0, -angle_deg / MAX_STEERING_ANGLE_DEG))

    def _time_looks(self) -> None:
        """Learn how long it takes from look to look, which a busy computer makes long."""
        now_s = time.monotonic()
        if not math.isnan(self._last_look_s):
            self.look_s += 0.2 * (min(0.5, now_s - self._last_look_s) - self.look_s)
        self._last_look_s = now_s

    def hold(self, steering: float, state: dict[str, Any]) -> None:
        """Move the hands towards this steering and the driver's speed."""
        raise NotImplementedError

    def let_go(self) -> None:
        """Take the hands away."""
        raise NotImplementedError


class KeyboardDriver(ScriptedDriver):
    """Taps the arrow keys as a person does, the longer the further the wheel has to turn."""

    LEAST_TAP_S, LONGEST_TAP_S = 0.02, 0.25

    def __init__(self, page: Any, speed_mph: float = 15.0) -> None:
        super().__init__(page, speed_mph)
        self._held: set[str] = set()

    def hold(self, steering: float, state: dict[str, Any]) -> None:
        """Tap towards the steering; to steer less, wait until it falls back."""
        keys = set()
        if state["speed_mph"] < self.speed_mph:
            keys.add("ArrowUp")
        elif state["speed_mph"] > self.speed_mph + 3:
            keys.add("ArrowDown")
        self._press(keys)
        side = math.copysign(1.0, steering)
        tap_s = self._tap_s(abs(steering), state["steering"] * side)
        if tap_s >= self.LEAST_TAP_S:
            self.page.keyboard.press("ArrowRight" if side > 0 else "ArrowLeft", delay=1000 * tap_s)

    def _tap_s(self, target: float, steering: float) -> float:
        """How long to tap so that the steering's mean until the next tap is the target. Both positive to that side.

        While the key is down, the steering rises by RISE_PER_S. Then it jumps to the axis and falls with it. The axis
        has risen by AXIS_PER_S from 0, or from the steering where that was on the same side.
        """
        square = (RISE_PER_S + AXIS_PER_S) / 2
        linear = steering + max(0.0, steering)
        rest = target * self.look_s - max(0.0, steering) ** 2 / (2 * AXIS_PER_S)
        root = linear**2 + 4 * square * rest
        return min(self.LONGEST_TAP_S, (math.sqrt(root) - linear) / (2 * square)) if root > 0 else 0.0

    def let_go(self) -> None:
        """Release all keys."""
        self._press(set())

    def _press(self, keys: set[str]) -> None:
        for key in self._held - keys:
            self.page.keyboard.up(key)
        for key in keys - self._held:
            self.page.keyboard.down(key)
        self._held = keys


class PadDriver(ScriptedDriver):
    """Moves the left stick and the triggers of a gamepad that the browser believes in."""

    DEAD = 0.19

    def __init__(self, page: Any, speed_mph: float = 15.0) -> None:
        super().__init__(page, speed_mph)
        page.evaluate(GAMEPAD)

    def hold(self, steering: float, state: dict[str, Any]) -> None:
        """Move the stick beyond its dead zone, and press a trigger."""
        stick = math.copysign(self.DEAD + (1 - self.DEAD) * abs(steering), steering)
        pedal = max(-1.0, min(1.0, 0.25 + 0.3 * (self.speed_mph - state["speed_mph"])))
        self._move(stick, max(0.0, pedal), max(0.0, -pedal))

    def let_go(self) -> None:
        """Let the stick and the triggers spring back."""
        self._move(0.0, 0.0, 0.0)

    def press(self, button: int) -> None:
        """Press a button and release it once the page has seen it."""
        self.page.evaluate("(n) => { pad.buttons[n].pressed = true; }", button)
        self.look()
        self.look()
        self.page.evaluate("(n) => { pad.buttons[n].pressed = false; }", button)

    def _move(self, stick: float, throttle: float, brake: float) -> None:
        self.page.evaluate(
            "([x, t, b]) => { pad.axes[0] = x; pad.buttons[7].value = t; pad.buttons[6].value = b; }",
            [stick, throttle, brake],
        )
