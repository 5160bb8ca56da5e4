"""What the log, the page and the metrics know of one connected simulator, wherever its answers are made."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import Counter


class DriveState(ABC):
    """One connected simulator. number: the lowest that was free, from 1.

    `answered`: answers so far; `views`: different pictures among them; `faults`: frames that could not be driven, by
    kind; `fault`: the latest frame's kind, or None; `waits`: whether the car waits because the model does not know the
    view; `manual`: whether a person drives; `last_telemetry_s`: when the latest telemetry was answered, by
    time.monotonic.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.answered = 0
        self.views = 0
        self.faults: Counter[str] = Counter()
        self.fault: str | None = None
        self.waits = False
        self.manual = False
        self.last_telemetry_s = time.monotonic()

    @property
    @abstractmethod
    def speed_mph(self) -> float:
        """The car's latest known speed."""

    @abstractmethod
    def reset(self) -> None:
        """Forget the drive so far; the simulator has been silent."""
