"""A second model on the same frames, off the reply path: how far do the two disagree, and where most?

It steers nothing. It works on a thread, with one core, on the newest frame only; frames that come meanwhile are left
out and counted. (The thread has no lower priority: put aside while it holds Python's lock, it would hold up an answer.)
The worst disagreements are kept as pictures, one for each place rather than ten of one bend.
"""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from server.core.observer import Answered
from server.observers.run_recorder import new_run_folder

log = logging.getLogger(__name__)

RECENT = 5000
"""Differences over which mean and p95 are told: some minutes of driving."""

WORST_KEPT = 8
SAME_PLACE_S = 2.0
CLOSE_S = 5.0
"""How long the end waits for a model that does not answer."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One frame and both answers, -1..1. difference: between them."""

    difference: float
    steering: float
    shadow_steering: float
    time_s: float
    simulator: int

    def same_place(self, other: Disagreement) -> bool:
        """Whether both are of one moment of one car."""
        return self.simulator == other.simulator and abs(self.time_s - other.time_s) < SAME_PLACE_S


class Shadow:
    """An Observer. name: the second model's; policy: what answers; `compared`, `left_out`: frames so far."""

    def __init__(self, name: str, policy: Any) -> None:
        self.name = name
        self.compared = 0
        self.left_out = 0
        self.error: str | None = None
        self._policy = policy
        self._recent = np.zeros(RECENT, np.float32)
        self._worst: tuple[tuple[Disagreement, bytes], ...] = ()
        self._next: Answered | None = None
        self._handing_over = threading.Lock()
        self._wake = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._work, name="shadow", daemon=True)
        self._thread.start()

    def answered(self, answer: Answered) -> None:
        """Hand over one frame; the one before it, if it still waits, is left out."""
        with self._handing_over:
            if self._next is not None:
                self.left_out += 1
            self._next = answer
        self._wake.set()

    def worst(self) -> list[Disagreement]:
        """The frames of the largest differences, the worst first."""
        return [each for each, _ in self._worst]

    def picture(self, rank: int) -> bytes:
        """The camera's JPEG or PNG of one of `worst`, 0 the worst. Raises LookupError."""
        if not 0 <= rank < len(self._worst):
            raise LookupError(f"there are {len(self._worst)} pictures of disagreement, the first is 0")
        return self._worst[rank][1]

    def figures(self) -> dict[str, object]:
        """Differences of late, in steering -1..1: mean, p95 and the largest; nulls before the first frame."""
        recent = self._recent[: self.compared]
        known = (recent.mean(), np.percentile(recent, 95), recent.max()) if len(recent) else (None, None, None)
        return {
            "model": self.name,
            "compared": self.compared,
            "left_out": self.left_out,
            "error": self.error,
            **{n: v if v is None else round(float(v), 4) for n, v in zip(("mean", "p95", "max"), known, strict=True)},
            "worst": [{k: round(v, 4) for k, v in asdict(each).items()} for each in self.worst()],
        }

    def close(self) -> None:
        """End the thread; what is kept stays."""
        self._ended = True
        self._wake.set()
        self._thread.join(CLOSE_S)
        if self._thread.is_alive():
            log.error(
                "shadow %s: still at a frame after %g s; its figures are of the frames before", self.name, CLOSE_S
            )
        log.info("%s", self.summary())

    def save(self, root: Path) -> Path | None:
        """Write figures and worst pictures into a new folder inside `root`. Raises OSError."""
        if not self.compared:
            return None
        folder = new_run_folder(root, suffix="-shadow")
        for rank, (each, image) in enumerate(self._worst):
            suffix = "png" if image[:4] == b"\x89PNG" else "jpg"
            name = (
                f"worst-{rank + 1}_by_{each.difference:.3f}_{each.steering:+.3f}_{each.shadow_steering:+.3f}.{suffix}"
            )
            (folder / name).write_bytes(image)
        (folder / "shadow.json").write_text(json.dumps(self.figures(), indent=2) + "\n", encoding="utf-8")
        return folder

    def summary(self) -> str:
        """One line."""
        told = self.figures()
        if not self.compared:
            return f"shadow {self.name}: no frame was compared"
        return (
            f"shadow {self.name}: steering differs by {told['mean']} in the mean, {told['p95']} at p95, "
            f"{told['max']} at most, over {self.compared} frames ({self.left_out} left out)"
        )

    def _work(self) -> None:
        try:
            while self._wake.wait() and not self._ended:
                self._wake.clear()
                with self._handing_over:
                    answer, self._next = self._next, None
                if answer is not None:
                    self._compare(answer)
        except Exception as error:  # the edge: whatever the second model does, the first goes on driving
            self.error = f"{type(error).__name__}: {error}"
            log.exception("the shadow %s ends, driving goes on", self.name)

    def _compare(self, answer: Answered) -> None:
        theirs = float(self._policy.predict(answer.telemetry.frame[np.newaxis])[0])
        theirs = min(1.0, max(-1.0, theirs))
        difference = abs(theirs - answer.control.steering)
        self._recent[self.compared % RECENT] = difference
        self.compared += 1
        found = Disagreement(difference, answer.control.steering, theirs, answer.time_s, answer.simulator)
        self._keep(found, answer.telemetry.image)

    def _keep(self, found: Disagreement, image: bytes) -> None:
        near = [each for each, _ in self._worst if each.same_place(found)]
        if any(each.difference >= found.difference for each in near):
            return
        others = [kept for kept in self._worst if kept[0] not in near]
        ranked = sorted([*others, (found, image)], key=lambda kept: -kept[0].difference)
        self._worst = tuple(ranked[:WORST_KEPT])
