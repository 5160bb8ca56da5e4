"""One connected simulator: what waits for an answer, and exactly one reply to each telemetry, whatever it holds.

No exception leaves this module: an error in one frame is counted, logged once for its kind, and costs that frame alone.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from inference.driver import Driver
from protocol.errors import ProtocolError
from protocol.messages import Control, Telemetry
from protocol.wire import STOCK, decode_telemetry, encode_control, is_manual, read_dialect, read_speed
from server.core.drive_state import DriveState

log = logging.getLogger(__name__)

SAME_FRAME_S = 0.012
"""The simulator has two telemetries under way and takes both replies in one rendered frame. So the same picture after
less than this is no new view: a simulator at 60 frames a second renders the next one after 17 ms."""

ROLLING_MPH = 1.0
DRIVEN_S = 1.0
"""A car is driven while its latest answer is younger than this."""


class UnreadablePayload:
    """Stands for the payload of a telemetry event whose JSON is broken."""

    def __repr__(self) -> str:
        return "broken JSON"


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent to the simulator, and what it was made of.

    payload: the event's JSON. telemetry: None when it was unreadable. control: None for the event `manual`.
    fault: the kind of error in this frame, or None. decode_ms, model_ms: how long each took.
    fresh: whether its telemetry shows another view than the one before.
    answer: what the model said, which may lie beyond -1..1; None when it said nothing. waits: whether the car stands or
    brakes because the model does not know the view.
    """

    event: str
    payload: str
    telemetry: Telemetry | None = None
    control: Control | None = None
    fault: str | None = None
    decode_ms: float = 0.0
    model_ms: float = 0.0
    fresh: bool = False
    answer: float | None = None
    waits: bool = False


@dataclass(frozen=True, slots=True)
class SentReply:
    """A reply that was sent to `count` telemetries. time_s: when, in seconds since 1970.

    latency_ms: from the oldest telemetry's arrival to the last sending; sending_ms: the sending alone.
    """

    reply: Reply
    count: int
    latency_ms: float
    sending_ms: float
    time_s: float


class SimulatorSession(DriveState):
    """The state of one connected simulator that this process answers. driver: this car's own.

    `arrived`: telemetries so far. Its queue: `waiting`: telemetries without an answer; `newest`: the payload of the
    last; `arrived_s`: when the oldest of them arrived, by time.perf_counter; `answering`: whether an answer is being
    made or will be at once.
    """

    def __init__(self, number: int, driver: Driver) -> None:
        super().__init__(number)
        self.arrived = self.waiting = 0
        self.newest: object = None
        self.arrived_s = 0.0
        self.answering = False
        self._driver = driver
        self._dialect = STOCK
        self._last_image = b""
        self._last_s = 0.0

    @property
    def speed_mph(self) -> float:
        """The car's latest known speed."""
        return self._driver.speed_mph

    @property
    def rolling(self) -> bool:
        """Whether the model drives this car and it moves."""
        recent = time.monotonic() - self.last_telemetry_s < DRIVEN_S
        return recent and self.answered > 0 and abs(self.speed_mph) > ROLLING_MPH  # a person's driving resets the speed

    def pause(self, stop: bool) -> None:
        """Brake the car and keep it standing, or let the model drive again with a fresh speed control."""
        if self._driver.stopping and not stop:
            self._driver.reset()  # the speed control's sum is of no use after a pause
        self._driver.stopping = stop

    def reset(self) -> None:
        """Forget the drive so far; the simulator has been silent."""
        self._driver.reset()

    def note_telemetry(self, data: object) -> None:
        """Queue a telemetry's payload: the newest replaces the one before, which still gets its answer."""
        self.arrived += 1
        self.waiting += 1
        self.newest = data
        if self.waiting == 1:
            self.arrived_s = time.perf_counter()

    def note_answers(self, count: int, reply: Reply) -> None:
        """Count answers that were sent."""
        self.answered += count
        self.fault, self.waits = reply.fault, reply.waits
        self.last_telemetry_s = time.monotonic()

    def respond(self, data: object) -> Reply:
        """The reply to one telemetry payload. Never raises."""
        self.manual = is_manual(data)
        if self.manual:
            self._driver.reset()
            return Reply("manual", "{}")
        start_s = time.perf_counter()
        telemetry, fault = self._decode(data)
        decoded_s = time.perf_counter()
        control = answer = None
        if telemetry is not None:
            control, fault = self._drive(telemetry)
        if control is None:
            control = self._driver.fallback(read_speed(data))
        else:
            answer = self._driver.answer
        fresh = telemetry is not None and self._is_fresh(telemetry.image, start_s)
        times_ms = ((decoded_s - start_s) * 1000, (time.perf_counter() - decoded_s) * 1000)
        waits = self._driver.waits
        return Reply("steer", self._encode(control), telemetry, control, fault, *times_ms, fresh, answer, waits)

    def steer(self, control: Control) -> Reply:
        """A command that the server sends unasked, in this simulator's dialect."""
        return Reply("steer", self._encode(control), None, control)

    def _decode(self, data: object) -> tuple[Telemetry | None, str | None]:
        """The telemetry, or None and the kind of its fault."""
        try:
            self._dialect = read_dialect(data, self._dialect)
            return decode_telemetry(data), None
        except ProtocolError as error:
            return None, self._count(error.kind, f"telemetry that cannot be read: {error}")
        except Exception as error:  # the edge: no telemetry may stop the loop
            return None, self._count(f"decoding-{type(error).__name__}", f"decoding a telemetry failed: {error!r}")

    def _drive(self, telemetry: Telemetry) -> tuple[Control | None, str | None]:
        """The command, or None and the kind of the fault."""
        try:
            return self._driver.drive(telemetry), None
        except Exception as error:  # the edge: no model may stop the loop
            return None, self._count(type(error).__name__, f"the model failed on a frame: {error!r}")

    def _is_fresh(self, image: bytes, now_s: float) -> bool:
        fresh = image != self._last_image or now_s - self._last_s > SAME_FRAME_S
        self._last_image, self._last_s = image, now_s
        self.views += fresh
        return fresh

    def _encode(self, control: Control) -> str:
        """The command's JSON in this simulator's dialect."""
        return encode_control(control, self._dialect)

    def _count(self, kind: str, detail: str) -> str:
        """Log the first fault of each kind, then the 10th, 100th, ... with the count; the kind."""
        self.faults[kind] += 1
        count = self.faults[kind]
        if str(count).strip("0") == "1":
            times = f" ({count} such so far)" if count > 1 else ""
            consequence = "the car keeps its last steering for this frame, without throttle"
            log.warning("simulator %d: %s; %s%s", self.number, detail, consequence, times)
        return kind
