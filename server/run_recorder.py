"""Records drives as Udacity-format recordings, with a run.json that says who drove and how fast it answered.

Camera images are stored as they came, without encoding again, on a thread of their own. Each run gets a folder of its
own and never deletes another; a full or slow disk ends or thins the recording, not the drive.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import threading
import time
from pathlib import Path

from protocol.recorder import Recorder
from server.latency import LatencyLog
from server.observers import Answered

log = logging.getLogger(__name__)

QUEUE_LENGTH = 300
"""Frames that may wait for the disk: 15 s at 20 Hz, about 4 MB."""

MAX_EXTRAS_LENGTH = 10_000
"""Characters of a frame's extra fields; more is no telemetry."""


def new_run_folder(root: Path, suffix: str = "") -> Path:
    """Make a folder named after the time, and `suffix`, inside `root`. Raises OSError when that cannot be written."""
    root.mkdir(parents=True, exist_ok=True)
    name = time.strftime("%Y-%m-%d_%H-%M-%S") + suffix
    for number in ("", *(f"-{n}" for n in range(2, 1000))):
        folder = root / (name + number)
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise FileExistsError(f"{root} already has a thousand runs of this second")


class RunRecorder:
    """An Observer. folder: this run's own; facts: what run.json says of model, engine and host; queue_length: frames
    that may wait for the disk.

    The first simulator's frames go to `folder` itself, those of a second one beside it, in `<folder>-simulator2`.
    `error`: why the recording ended early, None while all is well; `dropped`: frames left out.
    Raises OSError when the folder cannot be written.
    """

    def __init__(self, folder: Path, facts: dict[str, object], queue_length: int = QUEUE_LENGTH) -> None:
        self.folder = folder
        self.dropped = 0
        self.error: str | None = None
        self._facts = {**facts, "started": time.strftime("%Y-%m-%dT%H:%M:%S%z")}
        self._latency = LatencyLog()
        self._recorders = {1: Recorder(folder)}
        self._queue: queue.Queue[Answered | None] = queue.Queue(queue_length)
        self._write_facts()
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)
        self._thread.start()

    def answered(self, answer: Answered) -> None:
        """Queue one frame; when the disk is too slow it is left out and counted."""
        self._latency.add(answer.latency_ms)
        try:
            self._queue.put_nowait(answer)
        except queue.Full:
            self.dropped += 1

    @property
    def frames(self) -> int:
        """Frames written so far."""
        return sum(recorder.rows for recorder in tuple(self._recorders.values()))

    @property
    def waiting(self) -> int:
        """Frames that wait for the disk."""
        return self._queue.qsize()

    def note(self, name: str, value: object) -> None:
        """Something that happened on the way, for run.json: its lists of such things are written at the end."""
        known = self._facts.setdefault(name, [])
        if isinstance(known, list):
            known.append(value)

    def close(self) -> None:
        """Write what is queued, then run.json with the latency of the whole drive."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()
        rows = self.frames
        try:
            for recorder in self._recorders.values():
                recorder.close()
            self._write_facts(
                ended=time.strftime("%Y-%m-%dT%H:%M:%S%z"),
                frames=rows,
                frames_left_out=self.dropped,
                latency_ms=self._latency.percentiles(),
            )
        except OSError as error:
            self.error = str(error)
            log.error("the recording in %s is not complete: %s", self.folder, error)
        log.info("recorded %d frames in %s", rows, self.folder)

    def _work(self) -> None:
        try:
            while (answer := self._queue.get()) is not None:
                self._write(answer)
        except OSError as error:
            self.error = str(error)
            log.error("recording stops, driving goes on: %s", error)
            while self._queue.get() is not None:  # keep taking, so that nobody waits for a full queue
                self.dropped += 1

    def _write(self, answer: Answered) -> None:
        recorder = self._recorders.get(answer.simulator)
        if recorder is None:
            recorder = Recorder(self.folder.with_name(f"{self.folder.name}-simulator{answer.simulator}"))
            self._recorders[answer.simulator] = recorder
        control, telemetry = answer.control, answer.telemetry
        recorder.write(
            answer.time_s,
            telemetry.image,
            control.steering,
            max(0.0, control.throttle),
            max(0.0, -control.throttle),
            telemetry.speed_mph,
        )
        if telemetry.extras:
            self._write_extras(recorder.folder, answer)

    @staticmethod
    def _write_extras(folder: Path, answer: Answered) -> None:
        """What improved simulator builds report besides (`cte`, `lapNumber`, ...), a JSON line a frame."""
        line = json.dumps({"time_s": round(answer.time_s, 3), **answer.telemetry.extras}, default=str)
        if len(line) <= MAX_EXTRAS_LENGTH:
            with open(folder / "extras.jsonl", "a", encoding="utf-8") as file:
                file.write(line + "\n")

    def _write_facts(self, **more: object) -> None:
        """Replace run.json in one step, so that it is whole whenever the process ends."""
        partial = self.folder / "run.json.partial"
        partial.write_text(json.dumps({**self._facts, **more}, indent=2) + "\n", encoding="utf-8")
        os.replace(partial, self.folder / "run.json")
