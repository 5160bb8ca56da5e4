"""A training says beforehand about how long it takes: it times its first steps and counts what is still to come."""

from __future__ import annotations

from collections.abc import Sequence

UNTIMED_STEPS = 5
"""The first steps of a process are traced and compiled, which takes seconds."""

TIMED_STEPS = 20
"""So many steps tell the duration of a step within a tenth on a machine that does nothing else."""

RECENT_STEPS = 200
"""Later the mean over about this many steps follows a machine that gets other work."""

EPOCH_END_S = 5.0
"""An epoch's end (measuring, saving, a film) counts as this much until one has been timed."""

DRIVEN_M_PER_S = 50.0
"""A checkpoint that is judged drives about this many metres in a second, its share of the conversion included."""


class Forecast:
    """The work that is left in a training, and the time that it takes.

    steps: those of each epoch that is still to be learned, in order. checkpoints, driven_m: how many drive at the end,
    and how many metres each of them drives. Times are seconds of any steady clock.
    """

    def __init__(self, steps: Sequence[int], checkpoints: int, driven_m: float) -> None:
        self._epochs, self._steps = len(steps), sum(steps)
        self._checkpoints = checkpoints
        self._drives_s = checkpoints * driven_m / DRIVEN_M_PER_S
        self._begun = 0
        self._step_s: float | None = None
        self._timed = 0
        self._last_s: float | None = None
        self._epoch_end_s = EPOCH_END_S

    def learned(self, steps: int, now_s: float) -> bool:
        """Count steps that were learned together; returns whether the duration is known from now on."""
        begun, timed = self._begun, self._timed
        self._steps -= steps
        self._begun += steps
        if self._last_s is not None and begun >= UNTIMED_STEPS:
            self._timed += steps
            share = min(1.0, steps / min(self._timed, RECENT_STEPS))
            self._step_s = (self._step_s or 0.0) * (1 - share) + (now_s - self._last_s) / steps * share
        self._last_s = now_s
        return timed < TIMED_STEPS <= self._timed

    def epoch_ended(self, now_s: float) -> None:
        """Count an epoch, and time what followed its last step."""
        self._epochs -= 1
        if self._last_s is not None:
            self._epoch_end_s = now_s - self._last_s
        self._last_s = None  # the next step follows measurements, not a step

    def remaining_s(self) -> float | None:
        """Return the seconds that are left, None before any step was timed."""
        if self._step_s is None and self._steps:
            return None
        return self._steps * (self._step_s or 0.0) + self._epochs * self._epoch_end_s + self._drives_s

    def text(self) -> str:
        """Return the forecast as a line for people; it needs a timed step."""
        epochs = f"{self._epochs} epoch{'s' if self._epochs > 1 else ''}"
        per_epoch = round(self._steps / max(1, self._epochs))
        text = (
            f"about {duration(self.remaining_s() or 0.0)}: {epochs} of {per_epoch} steps at {self._step_s or 0:.2g} s"
        )
        if not self._checkpoints:
            return text
        return f"{text}, then {self._checkpoints} checkpoint{'s drive' if self._checkpoints > 1 else ' drives'}"


def duration(seconds: float) -> str:
    """Return a duration as people say it: 40 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return f"{max(5, 5 * round(seconds / 5))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
