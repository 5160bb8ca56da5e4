"""One simulator's conversation: exactly one reply to each telemetry, whatever the telemetry holds.

This is where nothing may escape: whatever goes wrong with one frame is counted, logged once for its kind, and costs
that frame alone.
"""

from __future__ import annotations

import logging
import time
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
    """What is sent, and what it was made of; control is None for `manual`, telemetry None when it was unreadable.

    fault: the kind of what went wrong with this frame, None when nothing did; decode_ms, model_ms: how long each took.
    """

    event: str
    payload: dict[str, str]
    telemetry: Telemetry | None = None
    control: Control | None = None
    fault: str | None = None
    decode_ms: float = 0.0
    model_ms: float = 0.0


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
        telemetry, fault, start_s = None, None, time.perf_counter()
        decoded_s = start_s
        try:
            telemetry = decode_telemetry(data)
            decoded_s = time.perf_counter()
            if telemetry.decimal_comma is not None:
                self._decimal_comma = telemetry.decimal_comma
            control = self.driver.drive(telemetry)
        except ProtocolError as error:
            fault, decoded_s = error.kind, time.perf_counter()
            self._count(fault, f"telemetry that cannot be read: {error}")
            control = self.driver.fallback()
        except Exception as error:  # the edge: no model may stop the loop
            fault = type(error).__name__
            self._count(fault, f"the model failed on a frame: {error!r}")
            control = self.driver.fallback()
        decode_ms, model_ms = (decoded_s - start_s) * 1000, (time.perf_counter() - decoded_s) * 1000
        return Reply("steer", self._spelt(control), telemetry, control, fault, decode_ms, model_ms)

    def steer(self, control: Control) -> Reply:
        """A command of our own, not an answer."""
        return Reply("steer", self._spelt(control), None, control)

    def _spelt(self, control: Control) -> dict[str, str]:
        """The command in this simulator's own number locale."""
        return encode_control(control, self._decimal_comma)

    def _count(self, kind: str, detail: str) -> None:
        """Log the first fault of each kind, then the 10th, 100th, ... with the count."""
        self.faults[kind] += 1
        count = self.faults[kind]
        if str(count).strip("0") == "1":
            times = f" ({count} such so far)" if count > 1 else ""
            log.warning(
                "simulator %d: %s; this frame keeps the last steering, without throttle%s", self.number, detail, times
            )
