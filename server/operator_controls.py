"""All that a person may do while it drives: record, keep what just happened, pause, set the speed, change the model.

Page and API are two faces of this; it knows neither. Methods that touch a disk may block and are for a thread of
their own; one at a time.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from inference.pace import Pace
from server.core.app import DrivingApp
from server.model.slot import LoadedModel, ModelSlot
from server.observers.live_view import LiveView
from server.observers.recent_frames import RecentFrames
from server.observers.run_recorder import CLOSE_S, RunRecorder, new_run_folder
from server.observers.shadow import Shadow
from server.web.saliency_service import SaliencyService

log = logging.getLogger(__name__)


class Refused(ValueError):
    """What was asked cannot be done now; says why."""


class OperatorControls:
    """The controls of one server. recordings: the folder in which each recording gets one of its own."""

    def __init__(
        self, app: DrivingApp, models: ModelSlot, pace: Pace, recordings: Path, shadow: Shadow | None = None
    ) -> None:
        self.app = app
        self.models = models
        self.pace = pace
        self.view = LiveView()
        self.recent_frames = RecentFrames()
        self.saliency_service = SaliencyService()
        self.recorder: RunRecorder | None = None
        self.saved: Path | None = None
        self.shadow = shadow
        self._recordings = recordings
        self._lock = threading.Lock()
        self._tell_model(models.model)
        models.follow(self._tell_model)
        app.departed = self.view.forget
        app.add_observer(self.view)
        app.add_observer(self.recent_frames)
        if shadow is not None:
            app.add_observer(shadow)
            app.metrics.watch("drive_shadow_compared", "Frames the shadow has seen", lambda: shadow.compared)
            app.metrics.watch("drive_shadow_left_out", "Frames it was too slow for", lambda: shadow.left_out)
        app.metrics.watch(
            "drive_recording_queue",
            "Frames that wait for the disk",
            lambda: self.recorder.waiting if self.recorder else 0,
        )
        app.metrics.watch("drive_recording", "Whether a recording is on", lambda: float(self.recorder is not None))
        app.metrics.watch("drive_paused", "Whether the cars are kept standing", lambda: float(app.paused))

    def start_recording(self) -> Path:
        """Record from now on; the recording's folder. Raises Refused, or OSError when it cannot be written."""
        with self._lock:
            if self.recorder is not None:
                raise Refused(f"a recording is on already, in {self.recorder.folder.name}")
            self.recorder = RunRecorder(new_run_folder(self._recordings), self._facts())
            self.app.add_observer(self.recorder)
            return self.recorder.folder

    def stop_recording(self) -> Path:
        """Finish the recording; its folder. Raises Refused, or OSError when it is not whole."""
        with self._lock:
            recorder = self.recorder
            if recorder is None:
                raise Refused("no recording is on")
            self.app.remove_observer(recorder)
            recorder.close()
            self.recorder = None
        if recorder.error:
            raise OSError(f"the recording in {recorder.folder.name} is not complete: {recorder.error}")
        return recorder.folder

    def save_recent_frames(self) -> Path:
        """Record the last half minute; its folder. Raises Refused, or OSError when it cannot be written."""
        with self._lock:
            answers = self.recent_frames.answers()
            if not answers:
                raise Refused("no frame was answered yet: there is nothing to save")
            recorder = RunRecorder(new_run_folder(self._recordings), self._facts(), queue_length=len(answers) + 1)
            for answer in answers:
                recorder.answered(answer)
            recorder.close()
            if recorder.error:
                raise OSError(f"the last half minute could not be saved: {recorder.error}")
            self.saved = recorder.folder
            return recorder.folder

    def saliency(self, simulator: int | None) -> bytes:
        """The newest camera of a simulator, with what the model looks at marked on it: JPEG. None: the lowest number.

        Raises LookupError for one that is not there, Unexplained where there is no such picture, Preparing.
        """
        views = self.view.simulators
        number = min(views, default=None) if simulator is None else simulator
        view = views.get(number) if number is not None else None
        if view is None:
            which = "no simulator" if simulator is None else f"no simulator {simulator}"
            raise LookupError(f"{which} has sent a frame")
        return self.saliency_service.picture(view.latest, self.models.model)

    def close(self) -> None:
        """Leave whole files, and what the shadow has found."""
        self.saliency_service.close()
        if self.recorder is not None:
            self._close_recording()
        if self.shadow is not None:
            self.app.remove_observer(self.shadow)
            self.shadow.close()
            try:
                folder = self.shadow.save(self._recordings)
            except OSError as error:
                log.error("what the shadow found could not be saved: %s", error)
            else:
                if folder:
                    log.info("the worst disagreements are in %s", folder)

    def _close_recording(self) -> None:
        if not self._lock.acquire(timeout=CLOSE_S):  # held by a thread that waits for a disk
            log.error("the recording in %s is not complete: the disk does not answer", self._recordings)
            return
        self._lock.release()
        try:
            self.stop_recording()
        except (Refused, OSError) as error:
            log.error("%s", error)

    def _facts(self) -> dict[str, object]:
        pace = self.pace
        return {
            **self.models.model.facts,
            "target_speed_mph": None if pace.constant_throttle is not None else pace.target_mph,
            "constant_throttle": pace.constant_throttle,
        }

    def _tell_model(self, model: LoadedModel) -> None:
        self.app.metrics.tell_model(model.facts)
        if self.recorder is not None:
            told = {name: model.facts.get(name) for name in ("model", "model_sha256", "engine")}
            self.recorder.note("models_taken_over", told)
