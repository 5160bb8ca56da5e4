"""Records drives in Udacity's format, with a run.json that states the model and its latency.

A thread of its own stores the camera images as they arrived, without encoding them again. Each run gets a new folder
and deletes no other. A full disk ends the recording and a slow one leaves frames out, but the drive goes on.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from protocol.logs.recorded_positions import EXTRAS_NAME, MAX_EXTRAS_LENGTH
from protocol.recorder import Recorder
from server.core.latency import LatencyLog
from server.core.observer import AnsweredFrame

log = logging.getLogger(__name__)

QUEUE_LENGTH = 300
"""Frames that may wait for the disk: 15 s at 20 Hz, about 4 MB."""

CLOSE_S = 10.0
"""The end of a drive waits this long for a disk that does not answer."""


def new_run_folder(root: Path, suffix: str = "") -> Path:
    """Make a folder inside `root`, named after the time and `suffix`. Raises OSError when it cannot be written."""
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
    """An Observer. folder: this run's own; facts: what run.json states about model, engine and host; queue_length:
    frames that may wait for the disk.

    The first simulator's frames go to `folder` and a second one's to `<folder>-simulator2`, each with a run.json.
    `error`: why the recording is not complete, or None. Raises OSError when the folder cannot be written.
    """

    def __init__(self, folder: Path, facts: dict[str, object], queue_length: int = QUEUE_LENGTH) -> None:
        self.folder = folder
        self.error: str | None = None
        self._facts = {**facts, "started": time.strftime("%Y-%m-%dT%H:%M:%S%z")}
        self._drives: dict[int, _Drive] = {}
        self._left_out: Counter[int] = Counter()
        self._queue: queue.Queue[AnsweredFrame | None] = queue.Queue(queue_length)
        self._drive(1)
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)
        self._thread.start()

    def answered(self, answer: AnsweredFrame) -> None:
        """Queue one frame; if the queue is full, leave the frame out and count it."""
        try:
            self._queue.put_nowait(answer)
        except queue.Full:
            self._left_out[answer.simulator] += 1

    @property
    def dropped(self) -> int:
        """Frames left out so far."""
        return self._left_out.total()

    @property
    def folders(self) -> list[Path]:
        """The folders of this run, one for each simulator."""
        return [drive.recorder.folder for drive in tuple(self._drives.values())]

    @property
    def frames(self) -> int:
        """Frames written so far."""
        return sum(drive.recorder.rows for drive in tuple(self._drives.values()))

    @property
    def waiting(self) -> int:
        """Frames that wait for the disk."""
        return self._queue.qsize()

    def note(self, name: str, value: object) -> None:
        """Add `value` to the list `name` of run.json, which `close` writes."""
        values = self._facts.setdefault(name, [])
        if isinstance(values, list):
            values.append(value)

    def close(self, limit_s: float = CLOSE_S) -> None:
        """Write the queued frames, then each run.json with its latencies. Give up after `limit_s`."""
        if not self._finish(limit_s):
            self.error = f"the disk has not answered for {limit_s:g} s"
            log.error("the recording in %s is not complete: %s", self.folder, self.error)
            return
        try:
            for simulator, drive in self._drives.items():
                drive.recorder.close()
                self._write_facts(simulator, ended=time.strftime("%Y-%m-%dT%H:%M:%S%z"))
        except OSError as error:
            self.error = str(error)
            log.error("the recording in %s is not complete: %s", self.folder, error)
        log.info("recorded %d frames in %s", self.frames, self.folder)

    def _finish(self, limit_s: float) -> bool:
        """Wait for the thread; whether it has written, or given up, all queued frames."""
        end_s = time.monotonic() + limit_s
        if self._thread.is_alive():
            try:
                self._queue.put(None, timeout=limit_s)
            except queue.Full:
                return False
            self._thread.join(max(0.0, end_s - time.monotonic()))
        return not self._thread.is_alive()

    def _work(self) -> None:
        try:
            while (answer := self._queue.get()) is not None:
                self._write(answer)
        except OSError as error:
            self.error = str(error)
            log.error("recording stops, driving goes on: %s", error)
            self._discard()
        except Exception as error:  # the edge: whatever the error, nobody may wait for this thread
            self.error = f"{type(error).__name__}: {error}"
            log.exception("recording stops, driving goes on")
            self._discard()

    def _discard(self) -> None:
        """Empty the queue until the end, so that nobody waits for a full queue."""
        while (answer := self._queue.get()) is not None:
            self._left_out[answer.simulator] += 1

    def _drive(self, simulator: int) -> _Drive:
        """This simulator's recording; its first frame starts one."""
        drive = self._drives.get(simulator)
        if drive is None:
            sibling = self.folder.with_name(f"{self.folder.name}-simulator{simulator}")
            drive = self._drives[simulator] = _Drive(Recorder(self.folder if simulator == 1 else sibling))
            self._write_facts(simulator)
        return drive

    def _write(self, answer: AnsweredFrame) -> None:
        drive = self._drive(answer.simulator)
        control, telemetry = answer.control, answer.telemetry
        drive.latency.add(answer.latency_ms)
        drive.recorder.write(
            answer.time_s,
            telemetry.image,
            control.steering,
            max(0.0, control.throttle),
            max(0.0, -control.throttle),
            telemetry.speed_mph,
        )
        if telemetry.extras or control.confidence is not None:
            self._write_extras(drive, answer)

    @staticmethod
    def _write_extras(drive: _Drive, answer: AnsweredFrame) -> None:
        """Write the extra fields of other simulator builds (`cte`, ...) and the confidence, one JSON line a frame."""
        confidence = answer.control.confidence
        known = {} if confidence is None else {"confidence": round(confidence, 3)}
        line = json.dumps({"time_s": round(answer.time_s, 3), **known, **answer.telemetry.extras}, default=str)
        if len(line) > MAX_EXTRAS_LENGTH:
            drive.extras_left_out += 1
            if drive.extras_left_out == 1:
                log.warning(
                    "simulator %d: the extra fields of a frame have %d characters, over %d; they are not recorded",
                    answer.simulator, len(line), MAX_EXTRAS_LENGTH,
                )  # fmt: skip
            return
        with open(drive.recorder.folder / EXTRAS_NAME, "a", encoding="utf-8") as file:
            file.write(line + "\n")

    def _write_facts(self, simulator: int, **more: object) -> None:
        """Replace a run.json in one step, so that it is complete whenever the process ends."""
        drive = self._drives[simulator]
        facts = {
            **self._facts,
            "simulator": simulator,
            **more,
            "frames": drive.recorder.rows,
            "frames_left_out": self._left_out[simulator],
            "extras_left_out": drive.extras_left_out,
            "latency_ms": drive.latency.percentiles(),
        }
        path = drive.recorder.folder / "run.json"
        partial = path.with_name("run.json.partial")
        partial.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        os.replace(partial, path)


@dataclass(slots=True)
class _Drive:
    """One simulator's recording. extras_left_out: frames whose extra fields were too long."""

    recorder: Recorder
    latency: LatencyLog = field(default_factory=LatencyLog)
    extras_left_out: int = 0
