"""The built-in car and its camera as a Gymnasium environment: the agent sees a frame, and steers and accelerates.

A step lasts 0.04 s of game time, two of the car's own steps of 0.02 s. docs/gymnasium.md explains reward and endings.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from protocol.messages import FRAME_SHAPE, Control, Frame
from protocol.tracks.names import RANDOM, split_track_name
from simulator.gym.start import Start, read_start
from simulator.render.camera import RIGS
from simulator.render.opening import TrackScene, open_scene
from simulator.world.car import TOP_SPEED_MPH
from simulator.world.expert import throttle_towards
from simulator.world.track import Track, open_track
from simulator.world.track_world import TrackWorld, time_limit_s

Action = npt.NDArray[np.float32]

STEP_S = 0.04
OFF_ROAD_PENALTY = 10.0
"""The reward that leaving the road costs: as much as 10 m along the road's middle bring."""

REWARD_WITHIN_M = 4.0
"""Progress earns nothing so far from the road's middle."""

MOST_LAPS = 1000.0
RANDOM_ROADS = 1_000_000_000
"""Number of the roads `random:SEED`, of which `random` draws one for each episode."""


class DrivingEnv(gymnasium.Env[Frame, Action]):
    """One car on one road.

    Observation: the centre camera's frame, uint8 RGB (160, 320, 3). Action: float32 (2,), steering (positive right) and
    throttle (negative brakes), both -1..1; with `cruise_mph`, float32 (1,), the steering alone.

    track: a track's name, or random (random:night, random:rain) for another road in each episode. laps: after these an
    episode is truncated. cruise_mph: the speed that the car holds by itself. random_start: whether episodes start
    anywhere on the lap. camera: `autonomous`, of the car that a model drives, or `recording`. `world`, in an episode,
    is its state. Raises ValueError for other values, RuntimeError without a renderer.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": round(1 / STEP_S)}  # noqa: RUF012, gymnasium's own type
    world: TrackWorld

    def __init__(
        self,
        track: str = "lake",
        reverse: bool = False,
        laps: float = 1.0,
        cruise_mph: float | None = None,
        random_start: bool = False,
        render_mode: str | None = None,
        camera: str = "autonomous",
    ) -> None:
        if not 0 < laps <= MOST_LAPS:
            raise ValueError(f"laps must be above 0 and at most {MOST_LAPS:g}, got {laps!r}")
        if cruise_mph is not None and not 1 <= cruise_mph <= TOP_SPEED_MPH:
            raise ValueError(f"cruise_mph must be None or from 1 to {TOP_SPEED_MPH}, got {cruise_mph!r}")
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(f'render_mode must be None or "rgb_array", got {render_mode!r}')
        if camera not in RIGS:
            raise ValueError(f"camera must be {' or '.join(map(repr, RIGS))}, got {camera!r}")
        self.render_mode = render_mode
        self._rig = RIGS[camera]
        self.observation_space = spaces.Box(0, 255, FRAME_SHAPE, np.uint8)
        self.action_space = spaces.Box(-1.0, 1.0, (2,) if cruise_mph is None else (1,), np.float32)
        road = split_track_name(track).road
        self._weather = track.removeprefix(road)
        self._new_road_each_time = road == RANDOM
        self._track = self._random_road(0) if self._new_road_each_time else open_track(track)
        self._reverse, self._laps = reverse, laps
        self._cruise_mph, self._random_start = cruise_mph, random_start
        self._scene: TrackScene | None = None
        self._over = True

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Frame, dict[str, Any]]:
        """Start an episode; equal seeds start equal ones. options: `start_m` and `speed_mph`, see `read_start`."""
        super().reset(seed=seed)
        start = read_start(options)
        if self._new_road_each_time:
            self._change_road(self._random_road(int(self.np_random.integers(RANDOM_ROADS))))
        if self._scene is None:
            self._scene = open_scene(self._track)
        self.world = self._start_world(self._scene, start)
        self._over = False
        return self.world.frame(), self._info()

    def step(self, action: Action) -> tuple[Frame, float, bool, bool, dict[str, Any]]:
        """Drive for STEP_S. Raises ValueError for an action of another shape, ResetNeeded after an episode's end."""
        if self._over:
            raise gymnasium.error.ResetNeeded("the episode is over: call reset() before the next step()")
        start_m = self.world.log.distance_m
        self.world.apply(self._control(action))
        self.world.step(STEP_S)
        terminated = not self._on_road
        truncated = self.world.finished and not terminated
        self._over = self.world.finished
        reward = self._reward(self.world.log.distance_m - start_m)
        return self.world.frame(), reward, terminated, truncated, self._info()

    def render(self) -> Frame | None:
        """Draw the observation again, uint8 (160, 320, 3); None without a render mode. Raises ResetNeeded."""
        if self.render_mode is None:
            return None
        if self._scene is None:
            raise gymnasium.error.ResetNeeded("no episode runs: call reset() before render()")
        return self.world.frame()

    def close(self) -> None:
        """Free the renderer; a later reset opens another."""
        if self._scene is not None:
            self._scene.close()
            self._scene = None
        self._over = True

    def _random_road(self, seed: int) -> Track:
        return open_track(f"{RANDOM}:{seed}{self._weather}")

    def _change_road(self, track: Track) -> None:
        if track.name != self._track.name and self._scene is not None:
            self._scene.show(track)
        self._track = track

    def _start_world(self, scene: TrackScene, start: Start) -> TrackWorld:
        track = self._track.reversed() if self._reverse else self._track
        seed = int(self.np_random.integers(2**31))
        start_m = start.start_m
        if start_m is None:
            start_m = float(self.np_random.uniform(0, track.length_m)) if self._random_start else 0.0
        limit_s = time_limit_s(self._laps * track.length_m)
        world = TrackWorld(
            track, scene, self._laps, seed, limit_s=limit_s, start_m=start_m, put_back=False, rig=self._rig
        )
        world.car.speed_mph = start.speed_mph
        return world

    def _control(self, action: Action) -> Control:
        values = np.asarray(action, np.float64)
        if values.shape != self.action_space.shape:
            raise ValueError(f"an action must have the shape {self.action_space.shape}, got {values.shape}")
        if self._cruise_mph is None:
            return Control(*values.tolist())
        return Control(float(values[0]), throttle_towards(self._cruise_mph, self.world.car.speed_mph))

    @property
    def _on_road(self) -> bool:
        return self.world.log.off_road_events == 0

    def _reward(self, advance_m: float) -> float:
        middle = max(0.0, 1.0 - abs(self.world.place.offset_m) / REWARD_WITHIN_M)
        return advance_m * middle - (0.0 if self._on_road else OFF_ROAD_PENALTY)

    def _info(self) -> dict[str, Any]:
        world = self.world
        return {
            "track": world.track.name,
            "cte": -world.place.offset_m,
            "heading_error_rad": world.heading_error_rad,
            "speed_mph": world.car.speed_mph,
            "distance_m": world.log.distance_m,
            "lap": int(world.log.distance_m / world.track.length_m) + 1,
            "on_road": self._on_road,
            "wheels": world.wheels,
            "wheels_off_events": world.log.wheels_off_events,
            "time_s": world.log.time_s,
        }
