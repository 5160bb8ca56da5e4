"""What the model that drives looks at, as a picture, for whoever asks: nothing runs until then, nothing runs here.

The server only hands a camera's picture to saliency_process.py and passes on what comes back.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import pickle
import subprocess
import sys
import threading
from pathlib import Path

from inference.conversion import saliency_file
from inference.saliency_network import REPLY, Question
from server.core.observer import Answered
from server.model.slot import LoadedModel

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
MAX_WAITING = 16
"""Who may wait for a picture at a time; each is a thread."""


class Unexplained(ValueError):
    """There is no picture; says why."""


class Preparing(ValueError):
    """There is no picture yet: the model is being converted for it."""


class SaliencyService:
    """Pictures of what a model looks at. Methods may block and are for threads of their own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(MAX_WAITING)
        self._process: subprocess.Popen[bytes] | None = None
        self._model: LoadedModel | None = None
        self._file: Path | str | None = None
        self._last: tuple[Answered, LoadedModel, bytes] | None = None
        self._closed = False

    def picture(self, answer: Answered, model: LoadedModel) -> bytes:
        """The camera of `answer`, with what `model` looks at painted on it: JPEG.

        Raises Unexplained, or Preparing for some ten seconds where this model was never converted for this before.
        """
        if not self._places.acquire(blocking=False):
            raise Unexplained(f"{MAX_WAITING} others wait for a picture already")
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
        """End the process, also while it works."""
        self._closed = True
        process = self._process
        if process is not None:
            self._end(process)

    def _file_of(self, model: LoadedModel) -> Path:
        """What shows where `model` looks; converted from the first question on."""
        if model is not self._model:
            self._model, self._file = model, None
            threading.Thread(target=self._prepare, args=(model,), name="saliency", daemon=True).start()
        if self._file is None:
            raise Preparing(f"{model.path.name} is being prepared for this; ask again in a second")
        if isinstance(self._file, str):
            raise Unexplained(self._file)
        return self._file

    def _prepare(self, model: LoadedModel) -> None:
        file: Path | str
        try:
            file = _unchanged_file(model)
        except (ValueError, OSError) as error:
            file = str(error)
        except Exception as error:  # the edge: else whoever asks would be told to wait, for ever
            log.exception("preparing %s failed", model.path.name)
            file = f"{model.path.name} could not be prepared: {error!r}"
        if model is self._model:  # else another has taken over meanwhile
            self._file = file

    def _ask(self, question: Question) -> bytes:
        for _ in range(2):  # one that was idle for long has ended, perhaps just now
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
                    painted, length = REPLY.unpack(head)
                    reply = process.stdout.read(length)
                    if len(reply) == length:
                        if not painted:
                            raise Unexplained(reply.decode(errors="replace"))
                        return reply
            self._end(process)
        raise Unexplained("the process that paints has ended; the log may say why")

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
            with contextlib.suppress(OSError):  # what was left to write goes nowhere
                pipe.close()


def _unchanged_file(model: LoadedModel) -> Path:
    """Raises ValueError, OSError: a file that is not what was loaded would show another model's view."""
    loaded = model.facts.get("model_sha256")
    if loaded and hashlib.sha256(model.path.read_bytes()).hexdigest() != loaded:
        raise ValueError(f"{model.path.name} has changed since it was loaded: switch to it, then look into it")
    return saliency_file(model.path, model.preprocess)
