"""Counts a model's answers, so that the log and the page can name a model whose answers are strange.

Such a model mostly gets other pixels than in its training, or it answers in degrees; the car then drives at full lock.
Only different views of a rolling car count, because the view of a standing car hardly changes.
"""

from __future__ import annotations

from server.core.session import ROLLING_MPH, Reply

VIEWS = 60
"""Views of each car, on average, before the range of the answers is judged: 3 s of a simulator with 20 a second."""

CONSTANT_VIEWS = 200
"""Views of each car, on average, before a model counts as one that always answers the same."""

FAR_BEYOND, FAR_BEYOND_SHARE = 1.5, 0.25
"""A model that answers -1..1 exceeds it a little in a tight bend; degrees exceed it by far on most of a road."""

FULL_LOCK, FULL_LOCK_SHARE = 0.999, 0.95
CONSTANT_RANGE = 1e-4

PIXELS = (
    "Does it get the pixels of its training? `python -m models.identify MODEL RECORDING` finds the pixels "
    "and the scale that it wants."
)
BEYOND = (
    "{model} answers from {low:.3g} to {high:.3g}, and full lock is at -1 and 1. Does it answer in degrees? "
    'Then add the scale to its preprocessing: `--preprocess "..., steer=1/25"`. ' + PIXELS
)
LOCKED = "{model} answers nearly every view with full lock. " + PIXELS
CONSTANT = "{model} answers {low:.4f} to every view, so it does not steer by what it sees. " + PIXELS


class ModelAnswers:
    """The answers of one model to all cars since it took over. model: its name. A new model gets a new object."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._images: dict[int, bytes] = {}
        self._views = self._far_beyond = self._locked = 0
        self._low, self._high = float("inf"), float("-inf")

    def note(self, simulator: int, reply: Reply) -> None:
        """Count the answer to this simulator, unless its car stands or shows the same view as before."""
        answer, telemetry = reply.answer, reply.telemetry
        if answer is None or telemetry is None or telemetry.speed_mph < ROLLING_MPH:
            return
        if telemetry.image == self._images.get(simulator):
            return
        self._images[simulator] = telemetry.image
        self._views += 1
        self._low, self._high = min(self._low, answer), max(self._high, answer)
        size = abs(answer)
        self._far_beyond += size > FAR_BEYOND
        self._locked += size > FULL_LOCK

    def strangeness(self) -> str | None:
        """What is strange in the answers and what to do, in whole sentences; None when nothing is, or not yet."""
        text = self._strange_kind()
        return text and text.format(model=self._model, low=self._low, high=self._high)

    def _strange_kind(self) -> str | None:
        views, cars = self._views, len(self._images)
        if not cars or views < VIEWS * cars:
            return None
        if self._far_beyond >= FAR_BEYOND_SHARE * views:
            return BEYOND
        if self._locked >= FULL_LOCK_SHARE * views:
            return LOCKED
        if views >= CONSTANT_VIEWS * cars and self._high - self._low < CONSTANT_RANGE:
            return CONSTANT
        return None
