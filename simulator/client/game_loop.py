"""The stock simulator's loop between a world and the socket: it sends telemetry only in reply, once per rendered frame.

The loop knows only the protocol `World`, so that a rendered track, a replayed recording or a test's few numbers can
all be driven by it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from protocol.messages import Control
from simulator.client.connection import Connection, Event, EventKind, Observation

FRAME_S = 0.05
"""Game time that one reply advances in lockstep: 20 frames a second, the middle of what real recordings show."""

SILENCE_S = 10.0
"""A server that sends no reply for this long is taken for dead."""


class World(Protocol):
    """A car on some road, seen through its camera."""

    @property
    def finished(self) -> bool:
        """Whether the drive is over."""
        ...

    def observe(self) -> Observation:
        """What the car reports now."""
        ...

    def apply(self, control: Control) -> None:
        """Set the steering and the throttle; both hold until the next call."""
        ...

    def step(self, seconds: float) -> None:
        """Advance game time."""
        ...


class ServerSilent(TimeoutError):
    """The server is connected but no longer answers."""


def drive_in_lockstep(world: World, connection: Connection, frame_s: float = FRAME_S) -> None:
    """Take one step for each reply, as fast as the machine can, until the world is finished.

    One telemetry is in flight, where the stock simulator has two. With two, the order of replies would be a race, and
    a drive could not be repeated exactly. Raises ServerGone, ServerSilent.
    """
    in_flight = False
    while not world.finished:
        event = _next_event(connection)
        if event.kind is EventKind.CLOSED:
            in_flight = False
            continue
        if event.kind is EventKind.OPENED and in_flight:
            continue
        if event.kind is not EventKind.OPENED:
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
    """Drive as the game does: each rendered frame applies the replies since the last and sends a telemetry for each.

    manual: whether a person is driving at this moment; the telemetry then says so and carries no image.
    Raises ServerGone, ServerSilent.
    """
    rendered_s = last_event_s = time.perf_counter()
    while not world.finished:
        events = _events_until(connection, rendered_s + 1 / render_hz)
        now_s = time.perf_counter()
        last_event_s = now_s if events else last_event_s
        if now_s - last_event_s > SILENCE_S:
            raise ServerSilent(_silence_message(connection))
        world.step(now_s - rendered_s)
        rendered_s = now_s
        for event in events:
            if event.control is not None:
                world.apply(event.control)
        for _ in (event for event in events if event.kind is not EventKind.CLOSED):
            connection.send_manual() if manual() else connection.send(world.observe())


def _next_event(connection: Connection) -> Event:
    event = connection.receive(SILENCE_S)
    if event is None:
        raise ServerSilent(_silence_message(connection))
    return event


def _events_until(connection: Connection, end_s: float) -> list[Event]:
    """Collect all events that come before end_s, by `time.perf_counter`."""
    events = []
    while (left_s := end_s - time.perf_counter()) > 0:
        event = connection.receive(left_s)
        if event is not None:
            events.append(event)
    return events


def _silence_message(connection: Connection) -> str:
    faults = ", ".join(f"{count} x {kind}" for kind, count in connection.faults.items())
    detail = f"; replies that could not be read: {faults}" if faults else ""
    return f"no answer from {connection.url} for {SILENCE_S:.0f} s{detail}"
