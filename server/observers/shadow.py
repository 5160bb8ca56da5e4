"""Compares a second model with the first on the same frames, and keeps their largest disagreements.

The second model steers nothing. It runs on one thread and one core and takes only the newest frame; the frames that
arrive meanwhile are left out and counted. The thread has normal priority: if the system suspended it while it holds
Python's lock, an answer would wait. The shadow keeps pictures of the worst disagreements, one for each place.
"""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from inference.observations import Observations, motion_of
from inference.policy import Policy
from server.core.observer import AnsweredFrame
from server.observers.run_recorder import new_run_folder

log = logging.getLogger(__name__)

RECENT = 5000
"""Differences over which mean and p95 are computed: some minutes of driving."""

WORST_KEPT = 8
SAME_PLACE_S = 2.0
CLOSE_S = 5.0
"""Closing waits this long for a model that does not answer."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One frame: both models' steering, -1..1, and their absolute difference. time_s: seconds since 1970."""

    difference: float
    steering: float
    shadow_steering: float
    time_s: float
    simulator: int

    def same_place(self, other: Disagreement) -> bool:
        """Whether both belong to the same car within SAME_PLACE_S."""
        return self.simulator == other.simulator and abs(self.time_s - other.time_s) < SAME_PLACE_S


class Shadow:
    """An Observer. name, policy: the second model's. `compared`, `left_out`: frames so far; `error`: why it ended."""

    def __init__(self, name: str, policy: Policy) -> None:
        self.name = name
        self.compared = 0
        self.left_out = 0
        self.error: str | None = None
        self._policy = policy
        self._observations: dict[int, Observations] = {}
        self._recent = np.zeros(RECENT, np.float32)
        self._worst: tuple[tuple[Disagreement, bytes], ...] = ()
        self._next: AnsweredFrame | None = None
        self._handing_over = threading.Lock()
        self._wake = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._work, name="shadow", daemon=True)
        self._thread.start()

    def answered(self, answer: AnsweredFrame) -> None:
        """Hand over one frame; if the frame before it still waits, that one is left out."""
        with self._handing_over:
            if self._next is not None:
                self.left_out += 1
            self._next = answer
        self._wake.set()

    def worst(self) -> list[Disagreement]:
        """The largest disagreements, the worst first."""
        return [disagreement for disagreement, _ in self._worst]

    def picture(self, rank: int) -> bytes:
        """The camera's JPEG or PNG of one of `worst`, 0 the worst. Raises LookupError."""
        if not 0 <= rank < len(self._worst):
            raise LookupError(f"there are {len(self._worst)} pictures of disagreement, the first is 0")
        return self._worst[rank][1]

    def figures(self) -> dict[str, object]:
        """Recent differences in steering (-1..1): mean, p95 and the largest; None before the first frame."""
        recent = self._recent[: self.compared]
        values = (recent.mean(), np.percentile(recent, 95), recent.max()) if len(recent) else (None, None, None)
        return {
            "model": self.name,
            "compared": self.compared,
            "left_out": self.left_out,
            "error": self.error,
            **{n: v if v is None else round(float(v), 4) for n, v in zip(("mean", "p95", "max"), values, strict=True)},
            "worst": [{k: round(v, 4) for k, v in asdict(item).items()} for item in self.worst()],
        }

    def close(self) -> None:
        """End the thread and log the summary; the figures and pictures stay."""
        self._ended = True
        self._wake.set()
        self._thread.join(CLOSE_S)
        if self._thread.is_alive():
            log.error("shadow %s: no answer for %g s; its figures leave the last frame out", self.name, CLOSE_S)
        log.info("%s", self.summary())

    def save(self, root: Path) -> Path | None:
        """Write figures and worst pictures into a new folder inside `root`; None without a frame. Raises OSError."""
        if not self.compared:
            return None
        folder = new_run_folder(root, suffix="-shadow")
        for rank, (worst, image) in enumerate(self._worst):
            suffix = "png" if image[:4] == b"\x89PNG" else "jpg"
            answers = f"{worst.steering:+.3f}_{worst.shadow_steering:+.3f}"
            (folder / f"worst-{rank + 1}_by_{worst.difference:.3f}_{answers}.{suffix}").write_bytes(image)
        (folder / "shadow.json").write_text(json.dumps(self.figures(), indent=2) + "\n", encoding="utf-8")
        return folder

    def summary(self) -> str:
        """The figures in one line."""
        figures = self.figures()
        if not self.compared:
            return f"shadow {self.name}: no frame was compared"
        return (
            f"shadow {self.name}: steering differs by {figures['mean']} on average, {figures['p95']} at p95, "
            f"{figures['max']} at most, over {self.compared} frames ({self.left_out} left out)"
        )

    def _work(self) -> None:
        try:
            while self._wake.wait() and not self._ended:
                self._wake.clear()
                with self._handing_over:
                    answer, self._next = self._next, None
                if answer is not None:
                    self._compare(answer)
        except Exception as error:  # the edge: whatever the second model raises, the first goes on driving
            self.error = f"{type(error).__name__}: {error}"
            log.exception("the shadow %s has failed and ends; driving goes on", self.name)

    def _compare(self, answer: AnsweredFrame) -> None:
        observations = self._observations.setdefault(answer.simulator, Observations())
        observations.add(answer.frame, motion_of(answer.telemetry))
        steering = min(1.0, max(-1.0, self._policy.answer(observations).steering))
        difference = abs(steering - answer.control.steering)
        self._recent[self.compared % RECENT] = difference
        self.compared += 1
        disagreement = Disagreement(difference, answer.control.steering, steering, answer.time_s, answer.simulator)
        self._rank(disagreement, answer.telemetry.image)

    def _rank(self, disagreement: Disagreement, image: bytes) -> None:
        """Keep it if it is among the worst, and only the worst of each place."""
        near = [other for other, _ in self._worst if other.same_place(disagreement)]
        if any(other.difference >= disagreement.difference for other in near):
            return
        others = [pair for pair in self._worst if pair[0] not in near]
        ranked = sorted([*others, (disagreement, image)], key=lambda pair: -pair[0].difference)
        self._worst = tuple(ranked[:WORST_KEPT])
