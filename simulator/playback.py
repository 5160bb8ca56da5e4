"""Send a recording's frames to a server as the stock simulator would, and compare its steering with the driver's.

It tests a server on real camera frames where no simulator can run. It keeps one telemetry in flight, where the stock
simulator keeps two, so that each reply belongs to a known frame.

    python -m simulator.playback RECORDING
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import json
import math
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from protocol.command_line import INTERRUPTED, command_parser, output_file, positive, run, whole
from protocol.messages import MAX_STEERING_ANGLE_DEG
from protocol.recording import Sample, read_frames
from simulator.client.connection import Connection, Event, EventKind, Observation
from simulator.client.options import add_connection_options, make_connection
from simulator.replay.playback_report import playback_report

HELP = """Send a recording to a server as the stock simulator would, and compare its steering with the driver's.

examples:
  python -m simulator.playback recordings/lake
  python -m simulator.playback recordings/lake --speed-up max --limit 500
  python -m simulator.playback recordings/lake --url http://127.0.0.1:4568 --json agreement.json

exit code: 0 the server answered every telemetry; 1 it left some unanswered; 2 no such recording, or no server;
130 stopped by Ctrl-C."""

ANSWER_TIMEOUT_S = 5.0
GIVE_UP_AFTER = 3
"""Unanswered telemetries in a row after which play stops; a stock simulator stands still after the first."""

GREETING_S = 0.2

PAUSE_S = 0.1
"""Pause between two recording sessions, and between frames whose names carry no time."""


@dataclass(frozen=True, slots=True)
class FrameReply:
    """The server's reply to one frame; both are nan when none came, or none that a simulator can read."""

    steering: float = math.nan
    latency_s: float = math.nan


def main(arguments: Sequence[str] | None = None) -> int:
    """Play, then report; returns the process's exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return run(lambda: _play_recording(_parse(arguments)), "playback")


def _play_recording(options: argparse.Namespace) -> int:
    recording = read_frames(options.recording)
    connection = make_connection(options)
    print(recording.summary(), file=sys.stderr)
    samples = recording.samples[: options.limit]
    replies, stopped = _play_until_stopped(samples, connection, options.speed_up)
    code = _report(options, recording.folder.name, samples, replies, connection)
    return INTERRUPTED if stopped else code


def play(samples: Sequence[Sample], connection: Connection, speed_up: float, replies: list[FrameReply]) -> None:
    """Send each frame once it is due and the previous one is answered; append each reply to `replies`.

    speed_up: how many times faster than recorded; inf for as fast as the replies come. Stops after GIVE_UP_AFTER
    telemetries in a row without a reply. Raises ServerGone, and OSError for a frame that cannot be read.
    """
    due_s = due_times_s(samples) / speed_up
    _wait_open(connection)
    start_s = time.perf_counter()
    unanswered = 0
    for sample, due in zip(tqdm(samples, unit="frame", smoothing=0.05, disable=None), due_s, strict=True):
        _idle(connection, start_s + due)
        sent_s = time.perf_counter()
        connection.send(_observation(sample))
        event = _next_reply(connection)
        replies.append(_frame_reply(event, sent_s))
        unanswered = unanswered + 1 if math.isnan(replies[-1].steering) else 0
        if unanswered == GIVE_UP_AFTER:
            return
        if event is None:
            connection.close()  # so that a late reply cannot be taken for the next frame's
        if event is None or event.kind is EventKind.CLOSED:
            _wait_open(connection)


def _frame_reply(event: Event | None, sent_s: float) -> FrameReply:
    if event is None or event.control is None:
        return FrameReply()
    return FrameReply(event.control.steering, event.received_s - sent_s)


def due_times_s(samples: Sequence[Sample]) -> npt.NDArray[np.float64]:
    """Seconds from the start at which each frame is due, (n,); each pause between sessions is cut to PAUSE_S."""
    times = np.array([s.time_s for s in samples], np.float64)
    session = np.array([s.session for s in samples])
    gaps = np.where(np.diff(session) == 0, np.diff(times), PAUSE_S)
    return np.concatenate([[0.0], np.cumsum(np.nan_to_num(gaps, nan=PAUSE_S))])


def _observation(sample: Sample) -> Observation:
    """What the simulator would send; images without a log know no numbers, and 0 stands for them."""
    steering, throttle, speed_mph = np.nan_to_num([sample.steering, sample.throttle, sample.speed_mph]).tolist()
    return Observation(sample.center.read_bytes(), steering * MAX_STEERING_ANGLE_DEG, throttle, speed_mph)


def _wait_open(connection: Connection) -> None:
    """Wait for a connection, then discard the server's greeting: many send a `steer` unasked."""
    while True:
        event = connection.receive(ANSWER_TIMEOUT_S)
        if event is not None and event.kind is EventKind.OPENED:
            return _idle(connection, time.perf_counter() + GREETING_S)


def _idle(connection: Connection, until_s: float) -> None:
    """Wait and answer pings; discard all other events, because no telemetry is in flight."""
    while (left_s := until_s - time.perf_counter()) > 0:
        connection.receive(left_s)


def _next_reply(connection: Connection) -> Event | None:
    """Wait for STEER or MANUAL; returns CLOSED when the connection ends, None after ANSWER_TIMEOUT_S."""
    end_s = time.perf_counter() + ANSWER_TIMEOUT_S
    while (left_s := end_s - time.perf_counter()) > 0:
        event = connection.receive(left_s)
        if event is not None and event.kind is not EventKind.OPENED:
            return event
    return None


def _play_until_stopped(
    samples: Sequence[Sample], connection: Connection, speed_up: float
) -> tuple[list[FrameReply], bool]:
    """Play to the end or until Ctrl-C; returns the replies so far, for the report, and whether Ctrl-C came."""
    replies: list[FrameReply] = []
    try:
        play(samples, connection, speed_up, replies)
    except KeyboardInterrupt:
        print("stopped; the report covers the frames played so far", file=sys.stderr)
        return replies, True
    finally:
        connection.close()
    return replies, False


def _report(
    options: argparse.Namespace,
    name: str,
    samples: Sequence[Sample],
    replies: Sequence[FrameReply],
    connection: Connection,
) -> int:
    """Print the report and write it where the options say; returns the exit code."""
    report = playback_report(
        [sample.steering for sample in samples[: len(replies)]],
        [reply.steering for reply in replies],
        [reply.latency_s for reply in replies],
    )
    reconnects = max(0, connection.connects - 1)
    faults = dict(connection.faults)
    print(report.table())
    if all(math.isnan(sample.steering) for sample in samples):
        print("the recording holds images alone: there is no steering to compare with")
    if reconnects or faults:
        print(f"the connection was reopened {reconnects} times; replies a simulator cannot read: {faults or 'none'}")
    if options.json:
        figures = {"recording": name, "url": options.url, **asdict(report), "reconnects": reconnects, "faults": faults}
        options.json.write_text(json.dumps(_without_nan(figures), indent=2) + "\n", encoding="utf-8")
    return 1 if report.unanswered else 0


def _without_nan(value: object) -> object:
    """Replace nan by None, because JSON has no nan."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m simulator.playback", HELP)
    parser.add_argument("recording", type=Path, help="folder with driving_log.csv and IMG/, or with images alone")
    parser.add_argument(
        "--speed-up",
        type=speed_up,
        default=1.0,
        metavar="N",
        help="play N times faster than recorded, or `max` for as fast as the replies come (default %(default)g)",
    )
    parser.add_argument("--limit", type=whole(1, 10**9), metavar="ROWS", help="play only the first ROWS frames")
    add_connection_options(parser)
    parser.add_argument("--json", type=output_file, metavar="FILE", help="write the report as JSON too")
    return parser.parse_args(arguments)


def speed_up(text: str) -> float:
    """Parse `2.5`, or `max` (also `0`) as inf. Raises ArgumentTypeError."""
    return math.inf if text in ("max", "0") else positive(text)


if __name__ == "__main__":
    sys.exit(main())
