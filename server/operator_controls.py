"""Everything a user may do during a drive: record, save the last half minute, pause, set the speed, change the model.

The page and the API both call this module; it knows neither. Methods that use the disk may block, so they are called
on a thread of their own; they run one at a time.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.speed_control import SpeedTarget
from server.built_in_simulator import DriveByHand
from server.core.drives import Drives
from server.health.model_answers import ModelAnswers
from server.model.slot import LoadedModel, ModelSlot
from server.observers.live_view import LiveView
from server.observers.recent_frames import RecentFrames
from server.observers.run_recorder import CLOSE_S, RunRecorder, new_run_folder
from server.observers.shadow import Shadow
from server.web.saliency_service import SaliencyService

log = logging.getLogger(__name__)


class ControlError(ValueError):
    """The requested action is impossible now; says why."""


MAX_FINISHED = 20
"""Finished recordings that the page and the API still name; the folders of older ones stay, too."""


@dataclass(frozen=True, slots=True)
class FinishedRecording:
    """A recording on the disk. name: of its first folder; folders: absolute, one for each simulator; frames: of all."""

    name: str
    folders: tuple[Path, ...]
    frames: int


class OperatorControls:
    """The controls of one server. recordings: each recording gets a folder of its own inside this one.

    `by_hand`: opens the page on which a person drives; None where that page could not be reached.
    `view`: what the page shows; `finished`: the latest recordings, the newest last.
    """

    def __init__(
        self, app: Drives[Any], models: ModelSlot, pace: SpeedTarget, recordings: Path, shadow: Shadow | None = None
    ) -> None:
        self.app = app
        self.models = models
        self.pace = pace
        self.view = LiveView()
        self.recent_frames = RecentFrames()
        self.saliency_service = SaliencyService()
        self.recorder: RunRecorder | None = None
        self.finished: deque[FinishedRecording] = deque(maxlen=MAX_FINISHED)
        self.shadow = shadow
        self.by_hand: DriveByHand | None = None
        self._recordings = recordings
        self._lock = threading.Lock()
        self._use_model_facts(models.model)
        models.follow(self._use_model_facts)
        app.departed = self.view.forget
        app.add_observer(self.view)
        app.add_observer(self.recent_frames)
        if shadow is not None:
            app.add_observer(shadow)
            app.metrics.watch("drive_shadow_compared", "Frames that the shadow has compared", lambda: shadow.compared)
            app.metrics.watch("drive_shadow_left_out", "Frames that the shadow left out", lambda: shadow.left_out)
        app.metrics.watch(
            "drive_recording_queue",
            "Frames that wait for the disk",
            lambda: self.recorder.waiting if self.recorder else 0,
        )
        app.metrics.watch("drive_recording", "Whether a recording is on", lambda: float(self.recorder is not None))
        app.metrics.watch("drive_paused", "Whether the cars are kept standing", lambda: float(app.paused))

    def pause(self, paused: bool) -> None:
        """Brake every car and keep it standing, or let the model drive again."""
        if paused != self.app.paused:
            log.info("paused: every car brakes and stands" if paused else "the model drives again")
        self.app.pause(paused)

    def hold_speed(self, target_mph: float) -> None:
        """Set the target speed, which also ends a constant throttle."""
        if target_mph != self.pace.target_mph or self.pace.constant_throttle is not None:
            log.info("the target speed is %g mph from now on", target_mph)
        self.pace.hold(target_mph)

    def start_recording(self) -> Path:
        """Start a recording and return its folder. Raises ControlError, or OSError when it cannot be written."""
        with self._lock:
            if self.recorder is not None:
                raise ControlError(f"a recording is already running, in {self.recorder.folder.name}")
            self.recorder = RunRecorder(new_run_folder(self._recordings), self._facts())
            self.app.add_observer(self.recorder)
            log.info("recording in %s", self.recorder.folder)
            return self.recorder.folder

    def stop_recording(self) -> Path:
        """Finish the recording and return its folder. Raises ControlError, or OSError when it is not complete."""
        with self._lock:
            recorder = self.recorder
            if recorder is None:
                raise ControlError("no recording is running")
            self.app.remove_observer(recorder)
            recorder.close()
            self.recorder = None
        if recorder.error:
            raise OSError(f"the recording in {recorder.folder.name} is not complete: {recorder.error}")
        self._note_finished(recorder)
        return recorder.folder

    def save_recent_frames(self) -> Path:
        """Save the last half minute and return its folder. Raises ControlError, or OSError when the disk refuses it."""
        with self._lock:
            answers = self.recent_frames.answers()
            if not answers:
                raise ControlError("no frame has been answered yet, so there is nothing to save")
            recorder = RunRecorder(new_run_folder(self._recordings), self._facts(), queue_length=len(answers) + 1)
            for answer in answers:
                recorder.answered(answer)
            recorder.close()
            if recorder.error:
                raise OSError(f"the last half minute could not be saved: {recorder.error}")
            self._note_finished(recorder)
            return recorder.folder

    def open_page_by_hand(self) -> str:
        """Open the page on which a person drives; returns its address. Raises ControlError, OSError."""
        if self.by_hand is None:
            raise ControlError(
                "this server may be reached from other computers, and the page for driving by hand may not: "
                "type python -m simulator --by-hand where you sit"
            )
        return self.by_hand.open()

    def finished_recording(self, name: str) -> FinishedRecording:
        """The finished recording of this name. Raises LookupError."""
        for recording in reversed(self.finished):
            if recording.name == name:
                return recording
        names = ", ".join(recording.name for recording in self.finished) or "none yet"
        raise LookupError(f"no recording {name[:40]!r} was finished lately; there are: {names}")

    def saliency(self, simulator: int | None) -> bytes:
        """A simulator's newest camera image as JPEG, with what the model looks at marked. None: the lowest number.

        Raises LookupError without such a simulator, SaliencyError when there is no picture, SaliencyPending.
        """
        views = self.view.simulators
        number = min(views, default=None) if simulator is None else simulator
        view = views.get(number) if number is not None else None
        if view is None:
            label = "no simulator" if simulator is None else f"no simulator {simulator}"
            raise LookupError(f"{label} has sent a frame")
        return self.saliency_service.picture(view.latest, self.models.model)

    def close(self) -> None:
        """Finish the recording and save the shadow's worst disagreements."""
        self.saliency_service.close()
        if self.recorder is not None:
            self._close_recording()
        if self.shadow is not None:
            self.app.remove_observer(self.shadow)
            self.shadow.close()
            try:
                folder = self.shadow.save(self._recordings)
            except OSError as error:
                log.error("the shadow's disagreements could not be saved: %s", error)
            else:
                if folder:
                    log.info("the worst disagreements are in %s", folder)

    def _note_finished(self, recorder: RunRecorder) -> None:
        folders = tuple(folder.resolve() for folder in recorder.folders)
        self.finished.append(FinishedRecording(recorder.folder.name, folders, recorder.frames))

    def _close_recording(self) -> None:
        if not self._lock.acquire(timeout=CLOSE_S):  # another thread holds it and waits for a disk
            log.error("the recording in %s is not complete: the disk does not answer", self._recordings)
            return
        self._lock.release()
        try:
            self.stop_recording()
        except (ControlError, OSError) as error:
            log.error("%s", error)

    def _facts(self) -> dict[str, object]:
        pace = self.pace
        return {
            **self.models.model.facts,
            "target_speed_mph": None if pace.constant_throttle is not None else pace.target_mph,
            "constant_throttle": pace.constant_throttle,
        }

    def _use_model_facts(self, model: LoadedModel) -> None:
        self.app.answers = ModelAnswers(model.path.name)
        self.app.metrics.set_model(model.facts)
        if self.recorder is not None:
            facts = {name: model.facts.get(name) for name in ("model", "model_sha256", "engine")}
            self.recorder.note("models_taken_over", facts)
