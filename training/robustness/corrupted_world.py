"""A track on which a disturbance lies between the world and the driver."""

from __future__ import annotations

from protocol.messages import Control, Frame
from simulator.render.camera import AUTONOMOUS, Camera
from simulator.render.opening import TrackScene
from simulator.world.track import Track
from simulator.world.track_world import TrackWorld, time_limit_s
from training.robustness.corruption import Disturbance
from training.robustness.stretches import RoadStretch


class CorruptedWorld(TrackWorld):
    """Drives one stretch. seed: varies the start a little."""

    def __init__(
        self, track: Track, scene: TrackScene, stretch: RoadStretch, disturbance: Disturbance, seed: int = 0
    ) -> None:
        self._disturbance = disturbance
        super().__init__(
            track,
            scene,
            stretch.length_m / track.length_m,
            seed,
            disturbance.latency_s,
            time_limit_s(stretch.length_m),
            stretch.start_m,
            rig=AUTONOMOUS._replace(center=disturbance.camera(AUTONOMOUS.center)),
        )

    def frame(self, camera: Camera | None = None, scale: int = 1) -> Frame:
        """The next picture as it arrives, uint8 (160, 320, 3). scale: must be 1."""
        return self._disturbance.picture(super().frame(camera, scale))

    def apply(self, control: Control) -> None:
        """Set what the car does of a command, once the latency has passed."""
        super().apply(self._disturbance.control(control))
