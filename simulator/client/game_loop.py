"""The stock simulator's loop between a world and the socket: telemetry only in answer, once per rendered frame.

The game's loop is kept apart from the world it shows, so that a rendered world, a replayed recording or a test's few
numbers can all sit behind the same `World`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from protocol.messages import Control
from simulator.client.connection import Connection, Event, Kind, Observation

FRAME_S = 0.05
"""Game time of one reply in lockstep: 20 frames a second, the middle of what real recordings show."""

SILENCE_S = 10.0
"""After this long without any reply all loops have died: nothing will ever come."""


class World(Protocol):
    """What is driven: a car somewhere, seen through its camera."""

    @property
    def finished(self) -> bool:
        """Whether the drive is over."""
        ...

    def observe(self) -> Observation:
        """What the car reports now."""
        ...

    def apply(self, control: Control) -> None:
        """Set the wheel and the pedal; they stay so until the next time."""
        ...

    def step(self, seconds: float) -> None:
        """Let game time pass."""
        ...


class ServerSilent(TimeoutError):
    """The server is connected and no longer answers."""


def drive_in_lockstep(world: World, connection: Connection, frame_s: float = FRAME_S) -> None:
    """One reply, one step, as quick as the machine can, until the world is finished.

    One telemetry is in flight, not the stock simulator's two: which of two the server answers first is a race, and a
    drive that is to be the same again cannot hang on it. Raises ServerGone, ServerSilent.
    """
    in_flight = False
    while not world.finished:
        event = _next(connection)
        if event.kind is Kind.CLOSED:
            in_flight = False
            continue
        if event.kind is Kind.OPENED and in_flight:
            continue
        if event.kind is not Kind.OPENED:
            if event.control is not None:
                world.apply(event.control)
            world.step(frame_s)
        if not world.finished:
            connection.send(world.observe())
            in_flight = True


def drive_in_real_time(
    world: World,
    connection: Connection,
    render_hz: float = 60.0,
    manual: Callable[[], bool] = lambda: False,
) -> None:
    """As the game: replies are taken up once per rendered frame, each brings one telemetry, time flows meanwhile.

    manual: whether a person holds the keys at this moment; telemetry then says so and carries no image.
    Raises ServerGone, ServerSilent.
    """
    rendered_s = heard_s = time.perf_counter()
    while not world.finished:
        events = _until(connection, rendered_s + 1 / render_hz)
        now_s = time.perf_counter()
        heard_s = now_s if events else heard_s
        if now_s - heard_s > SILENCE_S:
            raise ServerSilent(_silence(connection))
        world.step(now_s - rendered_s)
        rendered_s = now_s
        for event in events:
            if event.control is not None:
                world.apply(event.control)
        for _ in (event for event in events if event.kind is not Kind.CLOSED):
            connection.send_manual() if manual() else connection.send(world.observe())


def _next(connection: Connection) -> Event:
    event = connection.receive(SILENCE_S)
    if event is None:
        raise ServerSilent(_silence(connection))
    return event


def _until(connection: Connection, end_s: float) -> list[Event]:
    """All that comes until then."""
    events = []
    while (left_s := end_s - time.perf_counter()) > 0:
        event = connection.receive(left_s)
        if event is not None:
            events.append(event)
    return events


def _silence(connection: Connection) -> str:
    faults = ", ".join(f"{count} x {kind}" for kind, count in connection.faults.items())
    detail = f"; replies that could not be read: {faults}" if faults else ""
    return f"no answer from {connection.url} for {SILENCE_S:.0f} s{detail}"
