"""Play a recording to a server as the stock simulator would, and tell how its answers agree with the human's steering.

It shows what a server does on real camera frames where no simulator can run. One telemetry is in flight at a time, so
that each answer belongs to a known frame; the stock simulator's second loop would only blur that.

    python -m simulator.playback RECORDING
"""

from __future__ import annotations

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

from protocol.command_line import command_parser, positive, run, whole
from protocol.messages import MAX_STEERING_ANGLE_DEG
from protocol.recording import Sample, read_recording
from simulator.client.connection import Connection, Event, Kind, Observation
from simulator.replay.playback_report import playback_report

HELP = """Play a recording to a server as the stock simulator would, and compare its answers.

examples:
  python -m simulator.playback recordings/lake
  python -m simulator.playback recordings/lake --speed-up max --limit 500
  python -m simulator.playback recordings/lake --url http://127.0.0.1:4568 --json agreement.json

exit code: 0 every telemetry was answered; 1 some were not; 2 no such recording, or no server."""

ANSWER_TIMEOUT_S = 5.0
GIVE_UP_AFTER = 3
"""Unanswered telemetries in a row; a stock simulator stands still after the first."""

GREETING_S = 0.2

PAUSE_S = 0.1
"""Between two recording sessions, and between frames whose names carry no time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said to one frame; both are nan when it said nothing, or nothing that a simulator can read."""

    steering: float = math.nan
    latency_s: float = math.nan


def main(arguments: Sequence[str] | None = None) -> int:
    """Play, report; the process's exit code."""
    options = _parse(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return run(lambda: _play_recording(options), "playback")


def _play_recording(options: argparse.Namespace) -> int:
    recording = read_recording(options.recording)
    connection = Connection(options.url, options.decimal_comma, options.patience)
    print(recording.summary(), file=sys.stderr)
    samples = recording.samples[: options.limit]
    answers = _play_until_stopped(samples, connection, options.speed_up)
    return _report(options, recording.folder.name, samples, answers, connection)


def play(samples: Sequence[Sample], connection: Connection, speed_up: float, answers: list[Answer]) -> None:
    """Send each frame when its time has come and the one before it is answered; note what came in `answers`.

    speed_up: how many times faster than recorded; inf for as fast as the answers come. Stops after GIVE_UP_AFTER
    telemetries in a row without an answer. Raises ServerGone, and OSError for a frame that cannot be read.
    """
    due_s = due_times_s(samples) / speed_up
    _wait_open(connection)
    start_s = time.perf_counter()
    silent = 0
    for sample, due in zip(tqdm(samples, unit="frame", smoothing=0.05), due_s, strict=True):
        _idle(connection, start_s + due)
        sent_s = time.perf_counter()
        connection.send(_observation(sample))
        event = _answer(connection)
        answers.append(_noted(event, sent_s))
        silent = silent + 1 if math.isnan(answers[-1].steering) else 0
        if silent == GIVE_UP_AFTER:
            return
        if event is None:
            connection.close()  # lest an answer that comes too late be taken for the next frame's
        if event is None or event.kind is Kind.CLOSED:
            _wait_open(connection)


def _noted(event: Event | None, sent_s: float) -> Answer:
    if event is None or event.control is None:
        return Answer()
    return Answer(event.control.steering, event.received_s - sent_s)


def due_times_s(samples: Sequence[Sample]) -> npt.NDArray[np.float64]:
    """Seconds from the start at which each frame was recorded, the pauses between sessions cut short."""
    times = np.array([s.time_s for s in samples], np.float64)
    session = np.array([s.session for s in samples])
    gaps = np.where(np.diff(session) == 0, np.diff(times), PAUSE_S)
    return np.concatenate([[0.0], np.cumsum(np.nan_to_num(gaps, nan=PAUSE_S))])


def _observation(sample: Sample) -> Observation:
    angle_deg = sample.steering * MAX_STEERING_ANGLE_DEG
    return Observation(sample.center.read_bytes(), angle_deg, sample.throttle, sample.speed_mph)


def _wait_open(connection: Connection) -> None:
    """Until there is a connection and the server has said what it says unasked: many greet with a `steer`."""
    while True:
        event = connection.receive(ANSWER_TIMEOUT_S)
        if event is not None and event.kind is Kind.OPENED:
            return _idle(connection, time.perf_counter() + GREETING_S)


def _idle(connection: Connection, until_s: float) -> None:
    """Wait, answering pings; whatever else comes was asked for by no telemetry."""
    while (left_s := until_s - time.perf_counter()) > 0:
        connection.receive(left_s)


def _answer(connection: Connection) -> Event | None:
    """STEER or MANUAL; CLOSED when there will be none; None after ANSWER_TIMEOUT_S."""
    end_s = time.perf_counter() + ANSWER_TIMEOUT_S
    while (left_s := end_s - time.perf_counter()) > 0:
        event = connection.receive(left_s)
        if event is not None and event.kind is not Kind.OPENED:
            return event
    return None


def _play_until_stopped(samples: Sequence[Sample], connection: Connection, speed_up: float) -> list[Answer]:
    """Play to the end, or until Ctrl-C, after which what was played still gets its report."""
    answers: list[Answer] = []
    try:
        play(samples, connection, speed_up, answers)
    except KeyboardInterrupt:
        print("stopped; this is about what was played", file=sys.stderr)
    finally:
        connection.close()
    return answers


def _report(
    options: argparse.Namespace, name: str, samples: Sequence[Sample], answers: Sequence[Answer], connection: Connection
) -> int:
    """Print and write the report; the exit code."""
    report = playback_report(
        [sample.steering for sample in samples[: len(answers)]],
        [answer.steering for answer in answers],
        [answer.latency_s for answer in answers],
    )
    reconnects = max(0, connection.connects - 1)
    faults = dict(connection.faults)
    print(report.table())
    if reconnects or faults:
        print(f"{reconnects} reconnects; replies that a simulator cannot read: {faults or 'none'}")
    if options.json:
        figures = {"recording": name, "url": options.url, **asdict(report), "reconnects": reconnects, "faults": faults}
        options.json.write_text(json.dumps(_without_nan(figures), indent=2) + "\n", encoding="utf-8")
    return 1 if report.unanswered else 0


def _without_nan(value: object) -> object:
    """JSON has no nan: null stands for it."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m simulator.playback", HELP)
    parser.add_argument("recording", type=Path, help="folder with driving_log.csv and IMG/")
    parser.add_argument("--url", default="http://127.0.0.1:4567", help="the server (default %(default)s)")
    parser.add_argument(
        "--speed-up", type=speed_up, default=1.0, metavar="N", help="times faster than recorded, or max"
    )
    parser.add_argument("--limit", type=whole(1, 10**9), metavar="ROWS", help="play only so many frames")
    parser.add_argument("--decimal-comma", action="store_true", help="speak as a computer with a decimal comma")
    parser.add_argument("--patience", type=positive, default=10.0, metavar="S", help="how long to wait for the server")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there too")
    return parser.parse_args(arguments)


def speed_up(text: str) -> float:
    """`2.5`, or `max` (also `0`) for inf. Raises ArgumentTypeError, as the parsers of options do."""
    return math.inf if text in ("max", "0") else positive(text)


if __name__ == "__main__":
    sys.exit(main())
