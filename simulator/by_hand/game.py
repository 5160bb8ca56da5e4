"""The drive of a person: the world, the hand that steers it, recordings, and turns with a model.

It knows neither sockets nor the clock, so that a test steps it as the loop does.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping
from pathlib import Path

from protocol.messages import Frame
from protocol.tracks.names import UDACITY_ROADS, split_track_name
from simulator.by_hand.keys import STEP_S, KeyResponse
from simulator.by_hand.messages import DriverInput
from simulator.by_hand.model_link import ModelLink
from simulator.by_hand.recording import HandRecording
from simulator.client.connection import Observation
from simulator.render.camera import AUTONOMOUS, RECORDING
from simulator.render.opening import TrackScene, changed_scene, open_scene
from simulator.world.track import Track, open_track
from simulator.world.track_world import TrackWorld

TRACKS = ("lake", "jungle", "mountain", "random:1")
CORRECTIONS = "-corrections"
"""Ends the name of the folder with what a person took back from a model."""

CAMERAS = {"centre": 0, "behind": None, "left": 1, "right": 2}
"""What C chooses from: the cameras of the car's rig by their places in it, and one that follows the car."""

NO_SERVER = "No model is there. Start one with: python server/drive.py models/eff.h5"


class Game:
    """track: where the drive begins; out: the folder of the recordings; link: to the driving server.

    scene: draws a track. `notice`: what has just happened, for the page; `command`: what to type next, or "".
    """

    def __init__(
        self, track: str, out: Path, link: ModelLink, scene: Callable[[Track], TrackScene] = open_scene
    ) -> None:
        road = split_track_name(track).road
        weather = "" if road in UDACITY_ROADS else track.removeprefix(road)
        self._names = [track, *(name + weather for name in TRACKS if name != road)]
        self._out = out
        self._link = link
        self._recording: HandRecording | None = None
        self._last_row_s = 0.0
        self._camera = 0
        self._folders: dict[str, Path] = {}
        self.notice, self.command = "", ""
        first = open_track(track)
        self._scene = scene(first)
        self._start(first)

    def _start(self, track: Track) -> None:
        self.world = TrackWorld(track, self._scene, math.inf, limit_s=math.inf, rig=RECORDING)
        self._keys = KeyResponse()
        self._remainder_s = 0.0
        self.model_drives, self._hands_off = False, False

    def advance(self, seconds: float, hands: DriverInput) -> None:
        """Advance game time in steps of STEP_S; a remainder is carried over to the next call."""
        if self.model_drives:
            self._hands_off = self._hands_off or not hands.active
            if hands.active and self._hands_off:
                self._take_back("You drive.")
            elif not self._link.ready:
                self._take_back("The server with the model has gone, so you drive.")
        self._remainder_s += seconds
        while self._remainder_s > STEP_S / 2:
            self._remainder_s -= STEP_S
            command = self._keys.step(hands)
            model = self._link.control if self.model_drives else None
            self.world.apply(model or command)
            self.world.step(STEP_S)

    def press(self, button: str) -> None:
        """Do what a button says. Raises OSError when a recording cannot be written."""
        actions: Mapping[str, Callable[[], None]] = {
            "record": self._toggle_recording,
            "camera": self._change_camera,
            "track": self._change_track,
            "hand": self._change_driver,
        }
        self.notice, self.command = "", ""
        actions[button]()

    def _toggle_recording(self) -> None:
        if self._recording is not None:
            self._stop_recording()
        elif self.model_drives:
            self.notice = "The model drives. What you drive is recorded, so take the wheel first."
        else:
            self._start_recording(corrections=False)

    def _start_recording(self, corrections: bool) -> None:
        name = self.world.track.name.replace(":", "-") + (CORRECTIONS if corrections else "")
        self._recording = HandRecording(self._out / name, self.world, corrections, self._last_row_s)

    def _stop_recording(self) -> None:
        recording, self._recording = self._recording, None
        if recording is None:
            return
        recording.close()
        self._last_row_s = recording.end_s
        if not recording.rows:
            return
        self.notice = f"Recorded {recording.rows} rows in {recording.folder.resolve()}"
        self._folders[recording.folder.name] = recording.folder
        self.command = self.next_command()

    def next_command(self) -> str:
        """What to type to learn from all that was recorded, or "" if nothing was."""
        folders = " ".join(f'"{path}"' if " " in str(path) else str(path) for path in self._folders.values())
        tracks = {name.removesuffix(CORRECTIONS) for name in self._folders}
        lap = f" --lap-m {self.world.track.length_m:.0f}" if len(tracks) == 1 else ""
        return f"python -m training {folders}{lap} --out my-model.h5" if folders else ""

    def _change_camera(self) -> None:
        self._camera = (self._camera + 1) % len(CAMERAS)

    def _change_track(self) -> None:
        self._stop_recording()
        self._names = [*self._names[1:], self._names[0]]
        track = open_track(self._names[0])
        self._scene = changed_scene(self._scene, track)
        self._start(track)

    def _change_driver(self) -> None:
        if self.model_drives:
            self._take_back("You drive.")
        elif not self._link.ready:
            self.notice = NO_SERVER
        else:
            self._stop_recording()
            self._link.forget()
            self.model_drives, self._hands_off = True, False
            self.world.rig = AUTONOMOUS

    def _take_back(self, notice: str) -> None:
        self.model_drives = False
        self.world.rig = RECORDING
        self.notice, self.command = f"{notice} Your driving is recorded as corrections.", ""
        self._start_recording(corrections=True)

    def update_link(self) -> None:
        """Let the server have its next telemetry, if it waits for one."""
        self._link.update(self._observe if self.model_drives else None)

    def _observe(self) -> Observation:
        return self.world.observe()

    def picture(self, scale: int) -> Frame:
        """What the chosen camera sees."""
        camera = list(CAMERAS.values())[self._camera]
        if camera is None:
            return self.world.frame_from_behind(scale)
        return self.world.frame(self.world.rig[camera], scale)

    def record(self) -> None:
        """Write a row of the recording if one is due. Raises OSError."""
        if self._recording is not None:
            self._recording.note()

    def drop_recording(self) -> None:
        """End a recording that cannot be written."""
        recording, self._recording = self._recording, None
        if recording is not None:
            with contextlib.suppress(OSError):
                recording.close()

    def state(self) -> dict[str, object]:
        """What the page shows beside the picture."""
        world, car, recording = self.world, self.world.car, self._recording
        laps_s = world.log.lap_times_s
        return {
            "track": world.track.name,
            "camera": list(CAMERAS)[self._camera],
            "speed_mph": round(car.speed_mph, 2),
            "steering": round(car.steering, 4),
            "throttle": round(car.throttle, 4),
            "cte_m": round(-world.place.offset_m, 3),
            "distance_m": round(world.place.distance_m, 2),
            "heading_error_rad": round(-world.heading_error_rad, 4),
            "lap": len(laps_s) + 1,
            "lap_s": round(world.log.lap_s, 2),
            "last_lap_s": laps_s[-1] if laps_s else None,
            "off_road": world.log.off_road_events,
            "wheels_off": world.log.wheels_off_events,
            "driver": "model" if self.model_drives else "person",
            "server": self._link.page if self._link.ready else None,
            "recording": recording
            and {
                "folder": str(recording.folder),
                "rows": recording.rows,
                "seconds": round(recording.seconds, 1),
                "corrections": recording.corrections,
            },
            "notice": self.notice,
            "command": self.command,
        }

    def close(self) -> None:
        """Complete the recording and free the renderer."""
        self._stop_recording()
        self._scene.close()
