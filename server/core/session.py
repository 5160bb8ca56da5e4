"""One simulator's conversation: exactly one reply to each telemetry, whatever the telemetry holds.

This is where nothing may escape: whatever goes wrong with one frame is counted, logged once for its kind, and costs
that frame alone.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from dataclasses import dataclass

from inference.driver import Driver
from protocol.errors import ProtocolError
from protocol.messages import Control, Telemetry
from protocol.wire import STOCK, decode_telemetry, encode_control, is_manual, read_dialect, read_speed

log = logging.getLogger(__name__)

SAME_FRAME_S = 0.012
"""The simulator has two telemetries under way and answers both replies in one rendered frame: the same picture so soon
is no further view. A simulator of 60 frames a second renders the next one after 17 ms."""


class Unreadable:
    """Stands for the payload of a telemetry event whose JSON is broken."""

    def __repr__(self) -> str:
        return "broken JSON"


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent, and what it was made of; control is None for `manual`, telemetry None when it was unreadable.

    payload: the event's, as JSON.
    fault: the kind of what went wrong with this frame, None when nothing did; decode_ms, model_ms: how long each took.
    fresh: whether it is of another view than the reply before.
    """

    event: str
    payload: str
    telemetry: Telemetry | None = None
    control: Control | None = None
    fault: str | None = None
    decode_ms: float = 0.0
    model_ms: float = 0.0
    fresh: bool = False


class Session:
    """The state of one connected simulator. number: 1 for the first, and the lowest free one for each further.

    `views`: different pictures answered so far; `faults`: what could not be driven, by kind.
    """

    def __init__(self, number: int, driver: Driver) -> None:
        self.number = number
        self.driver = driver
        self.faults: Counter[str] = Counter()
        self.manual = False
        self.views = 0
        self._dialect = STOCK
        self._last_image = b""
        self._last_s = 0.0

    def respond(self, data: object) -> Reply:
        """The reply to one telemetry payload. Never raises."""
        self.manual = is_manual(data)
        if self.manual:
            self.driver.reset()
            return Reply("manual", "{}")
        start_s = time.perf_counter()
        telemetry, fault = self._decoded(data)
        decoded_s = time.perf_counter()
        control = None
        if telemetry is not None:
            control, fault = self._driven(telemetry)
        if control is None:
            control = self.driver.fallback(read_speed(data))
        fresh = telemetry is not None and self._is_fresh(telemetry.image, start_s)
        times_ms = ((decoded_s - start_s) * 1000, (time.perf_counter() - decoded_s) * 1000)
        return Reply("steer", self._spelt(control), telemetry, control, fault, *times_ms, fresh)

    def _decoded(self, data: object) -> tuple[Telemetry | None, str | None]:
        """The telemetry, or None and the kind of its fault."""
        try:
            self._dialect = read_dialect(data, self._dialect)
            return decode_telemetry(data), None
        except ProtocolError as error:
            return None, self._count(error.kind, f"telemetry that cannot be read: {error}")
        except Exception as error:  # the edge: no telemetry may stop the loop
            return None, self._count(f"decoding-{type(error).__name__}", f"decoding a telemetry failed: {error!r}")

    def _driven(self, telemetry: Telemetry) -> tuple[Control | None, str | None]:
        """The command, or None and the kind of the fault."""
        try:
            return self.driver.drive(telemetry), None
        except Exception as error:  # the edge: no model may stop the loop
            return None, self._count(type(error).__name__, f"the model failed on a frame: {error!r}")

    def _is_fresh(self, image: bytes, now_s: float) -> bool:
        fresh = image != self._last_image or now_s - self._last_s > SAME_FRAME_S
        self._last_image, self._last_s = image, now_s
        self.views += fresh
        return fresh

    def steer(self, control: Control) -> Reply:
        """A command of our own, not an answer."""
        return Reply("steer", self._spelt(control), None, control)

    def _spelt(self, control: Control) -> str:
        """The command as this simulator wants it."""
        return encode_control(control, self._dialect)

    def _count(self, kind: str, detail: str) -> str:
        """Log the first fault of each kind, then the 10th, 100th, ... with the count; the kind."""
        self.faults[kind] += 1
        count = self.faults[kind]
        if str(count).strip("0") == "1":
            times = f" ({count} such so far)" if count > 1 else ""
            kept = "this frame keeps the last steering, without throttle"
            log.warning("simulator %d: %s; %s%s", self.number, detail, kept, times)
        return kind
