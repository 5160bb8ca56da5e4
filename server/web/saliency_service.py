"""Makes pictures of what the model looks at, on request, in a process of their own.

The server only gives a camera image to saliency_process.py and returns the marked picture. Nothing runs before the
first request.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import pickle
import subprocess
import sys
import threading
import time
from pathlib import Path

from inference.conversion import saliency_file
from inference.saliency_network import REPLY, Question
from server.core.observer import AnsweredFrame
from server.model.slot import LoadedModel

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
MAX_WAITING = 16
"""Requests that may wait for a picture at a time; each occupies a thread."""


class SaliencyError(ValueError):
    """There can be no picture; says why."""


class SaliencyPending(ValueError):
    """There is no picture yet, because the model is being converted for it. seconds: how long so far."""

    def __init__(self, model: str, seconds: float) -> None:
        super().__init__(
            f"{model} is being prepared for this, once. That takes ten seconds, or half a minute on a busy computer."
        )
        self.seconds = seconds


class SaliencyService:
    """Pictures of what a model looks at. The methods may block, so they are called on threads of their own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(MAX_WAITING)
        self._process: subprocess.Popen[bytes] | None = None
        self._model: LoadedModel | None = None
        self._file: Path | str | None = None
        self._since_s = 0.0
        self._last: tuple[AnsweredFrame, LoadedModel, bytes] | None = None
        self._closed = False

    def picture(self, answer: AnsweredFrame, model: LoadedModel) -> bytes:
        """The camera image of `answer` as JPEG, with what `model` looks at marked on it.

        Raises SaliencyError. The first time that this model is converted for it, raises SaliencyPending for 10 to 30 s.
        """
        if not self._places.acquire(blocking=False):
            raise SaliencyError(f"{MAX_WAITING} other requests wait for a picture already")
        try:
            with self._lock:
                last = self._last
                if last is None or last[0] is not answer or last[1] is not model:
                    question = Question(self._file_of(model), answer.telemetry.image)
                    last = self._last = answer, model, self._ask(question)
                return last[2]
        finally:
            self._places.release()

    def close(self) -> None:
        """End the process, even while it works."""
        self._closed = True
        process = self._process
        if process is not None:
            self._end(process)

    def _file_of(self, model: LoadedModel) -> Path:
        """The converted saliency network of `model`; the first call starts the conversion."""
        if model is not self._model:
            self._model, self._file, self._since_s = model, None, time.monotonic()
            threading.Thread(target=self._prepare, args=(model,), name="saliency", daemon=True).start()
        if self._file is None:
            raise SaliencyPending(model.path.name, time.monotonic() - self._since_s)
        if isinstance(self._file, str):
            raise SaliencyError(self._file)
        return self._file

    def _prepare(self, model: LoadedModel) -> None:
        file: Path | str
        try:
            file = _unchanged_file(model)
        except (ValueError, OSError) as error:
            file = str(error)
        except Exception as error:  # the edge: otherwise every later request would be told to wait
            log.exception("preparing %s failed", model.path.name)
            file = f"{model.path.name} could not be prepared: {error!r}"
        if model is self._model:  # otherwise another model has taken over meanwhile
            self._file = file

    def _ask(self, question: Question) -> bytes:
        for _ in range(2):  # an idle process may just have ended, so try twice
            if self._closed:
                break
            process = self._running()
            assert process.stdin is not None
            assert process.stdout is not None
            with contextlib.suppress(OSError):  # it has ended
                pickle.dump(question, process.stdin, pickle.HIGHEST_PROTOCOL)
                process.stdin.flush()
                head = process.stdout.read(REPLY.size)
                if len(head) == REPLY.size:
                    success, length = REPLY.unpack(head)
                    reply = process.stdout.read(length)
                    if len(reply) == length:
                        if not success:
                            raise SaliencyError(reply.decode(errors="replace"))
                        return reply
            self._end(process)
        raise SaliencyError("the process that marks the pictures has ended; the log may say why")

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "server.web.saliency_process"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        return self._process

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        self._process = None
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):  # unwritten data is lost, which is intended
                pipe.close()


def _unchanged_file(model: LoadedModel) -> Path:
    """The saliency file of `model`. Raises OSError, or ValueError when the model's file has changed since loading."""
    sha256 = model.facts.get("model_sha256")
    if sha256 and hashlib.sha256(model.path.read_bytes()).hexdigest() != sha256:
        raise ValueError(f"{model.path.name} has changed since it was loaded: switch to it first")
    return saliency_file(model.path, model.preprocess)
