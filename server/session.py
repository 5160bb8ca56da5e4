"""One simulator's conversation: exactly one reply to each telemetry, whatever the telemetry holds.

This is where nothing may escape: whatever goes wrong with one frame is counted, logged once for its kind, and costs
that frame alone.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass

from protocol.messages import Control, Telemetry
from protocol.wire import ProtocolError, decode_telemetry, encode_control, is_manual
from server.driver import Driver

log = logging.getLogger(__name__)


class Unreadable:
    """Stands for the payload of a telemetry event whose JSON is broken."""

    def __repr__(self) -> str:
        return "broken JSON"


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent, and what it was made of; control is None for `manual`, telemetry None when it was unreadable."""

    event: str
    payload: dict[str, str]
    telemetry: Telemetry | None = None
    control: Control | None = None


class Session:
    """The state of one connected simulator. number: 1 for the first, and the lowest free one for each further."""

    def __init__(self, number: int, driver: Driver) -> None:
        self.number = number
        self.driver = driver
        self.faults: Counter[str] = Counter()
        self.manual = False
        self._decimal_comma = False

    def respond(self, data: object) -> Reply:
        """The reply to one telemetry payload. Never raises."""
        self.manual = is_manual(data)
        if self.manual:
            self.driver.reset()
            return Reply("manual", {})
        telemetry = None
        try:
            telemetry = decode_telemetry(data)
            if telemetry.decimal_comma is not None:
                self._decimal_comma = telemetry.decimal_comma
            control = self.driver.drive(telemetry)
        except ProtocolError as error:
            self._count(error.kind, f"telemetry that cannot be read: {error}")
            control = self.driver.fallback()
        except Exception as error:  # the edge: no model may stop the loop
            self._count(type(error).__name__, f"the model failed on a frame: {error!r}")
            control = self.driver.fallback()
        return self.steer(control, telemetry)

    def steer(self, control: Control, telemetry: Telemetry | None = None) -> Reply:
        """A `steer` in this simulator's own number locale."""
        return Reply("steer", encode_control(control, self._decimal_comma), telemetry, control)

    def _count(self, kind: str, detail: str) -> None:
        """Log the first fault of each kind, then the 10th, 100th, ... with the count."""
        self.faults[kind] += 1
        count = self.faults[kind]
        if str(count).strip("0") == "1":
            times = f" ({count} such so far)" if count > 1 else ""
            log.warning(
                "simulator %d: %s; this frame keeps the last steering, without throttle%s", self.number, detail, times
            )
