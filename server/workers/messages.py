"""What the first process and a worker say to each other."""

from __future__ import annotations

from dataclasses import dataclass

from models.adapter.text import ModelSource
from server.config.options import Options
from server.core.session import SentReply
from server.net.handover import ReadRequest
from server.workers.lanes import LaneFiles

NUMBER = "steering.number"
"""Key of a handed-over request's environment: the simulator's number, if the request opens a session."""


@dataclass(frozen=True, slots=True)
class Pace:
    """An order: the speed or throttle of all cars from now on, as SpeedTarget has it."""

    target_mph: float
    constant_throttle: float | None
    models_throttle: bool


@dataclass(frozen=True, slots=True)
class Pause:
    """An order: keep every car standing, or let the model drive again."""

    paused: bool


@dataclass(frozen=True, slots=True)
class UseModel:
    """An order: let this model drive from now on; the first process has loaded and checked it.

    shared: whether its network answers in the first process, through the worker's lanes. answers: see Engine.
    """

    source: ModelSource
    shared: bool
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Begin:
    """The first order. place: the worker's, from 0; folder: where the server was started; lanes: to the first
    process's network, one for each thread of the worker."""

    place: int
    options: Options
    folder: str
    lanes: LaneFiles
    model: UseModel
    pace: Pace
    pause: Pause


@dataclass(frozen=True, slots=True)
class HandOver:
    """An order: answer a request, whose connection comes along. key: of the request's `Ended`.

    number: of the simulator, if the request opens a session.
    """

    key: int
    request: ReadRequest
    number: int | None


@dataclass(frozen=True, slots=True)
class Forget:
    """An order: simulator `number` has been silent, so forget its drive so far."""

    number: int


@dataclass(frozen=True, slots=True)
class Beat:
    """An order: answer `Alive`."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The last order: stop the cars, report all, end."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A report: the model is warm."""


@dataclass(frozen=True, slots=True)
class Alive:
    """A report: a `Beat` has gone the two ways of a frame, the event loop and a thread that answers frames."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A report: the worker cannot begin. reason: one line."""

    reason: str


@dataclass(frozen=True, slots=True)
class Connected:
    """A report: simulator `number` has connected."""

    number: int


@dataclass(frozen=True, slots=True)
class Answered:
    """A report: an answer has been sent. manual: whether a person drives; speed_mph: the car's.

    The reply comes without its payload and its frame's pixels, and without telemetry if reports pile up.
    """

    number: int
    manual: bool
    speed_mph: float
    sent: SentReply


@dataclass(frozen=True, slots=True)
class Disconnected:
    """A report: simulator `number` has left. unanswered: telemetries that it has sent and not waited for."""

    number: int
    unanswered: int


@dataclass(frozen=True, slots=True)
class Free:
    """A report: the session that had this number has ended, or it never began."""

    number: int


@dataclass(frozen=True, slots=True)
class Ended:
    """A report: the connection of a `HandOver` is closed."""

    key: int


@dataclass(frozen=True, slots=True)
class LogLine:
    """A report: a line for the log of the first process."""

    logger: str
    level: int
    text: str


Order = Begin | HandOver | Pace | Pause | UseModel | Forget | Beat | Stop
Report = Ready | Alive | Failed | Connected | Answered | Disconnected | Free | Ended | LogLine
