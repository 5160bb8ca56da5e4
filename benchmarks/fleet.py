"""Connect many simulators to servers, and measure unanswered telemetries, latency and the servers' memory.

Each client sends at its own steady rate, whether or not the last answer has come, as independent simulators do. With
several numbers of workers, a server runs for each, and the servers take turns with each fleet, so that a drift of the
machine's speed affects them alike. The clients run in processes of their own, which need processor time, too: on a
computer with few cores they compete with the server.

    python -m benchmarks.fleet --clients 8 24 32 --hz 20 --seconds 60
    python -m benchmarks.fleet --clients 30 60 --workers 1 2 4 --rounds 3
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import contextlib
import functools
import multiprocessing
import sys
import threading
import time
from collections import defaultdict, deque
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from benchmarks.command import run_benchmark
from benchmarks.frames import drawn_frames
from protocol.command_line import command_parser
from tests.raw_client import RawClient, telemetry_packet
from tests.server_process import ServerProcess

GRACE_S = 3.0
LIMIT_MS = 33.0
"""A reply later than this costs a simulator of 30 frames a second a frame of control."""

CLIENTS_EACH = 16
"""Clients of one process; Python's lock would slow more down."""

BEGIN_AFTER_S = 1.5
"""Time for the clients of all processes to connect."""

FRAMES = 100


class SteadyClient:
    """A connected client. Once started it sends `hz` telemetries a second for `seconds`, and times the answers."""

    def __init__(self, client: RawClient, packets: list[bytes], hz: float, seconds: float) -> None:
        self._client = client
        self._packets = packets
        self._sent: deque[float] = deque()
        self._count = int(hz * seconds)
        self._period_s = 1 / hz
        self._first = 0.0
        self.latency_ms: list[float] = []
        self.unanswered = 0
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._send, self._receive)]

    def start(self, first: float) -> None:
        """Begin to send at the time `first`, by time.perf_counter."""
        self._first = first
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """Wait for the last answer, or for GRACE_S without one, then disconnect."""
        for thread in self._threads:
            thread.join()
        self._client.close()

    def _send(self) -> None:
        for i in range(self._count):
            time.sleep(max(0.0, self._first + i * self._period_s - time.perf_counter()))
            self._sent.append(time.perf_counter())
            self._client.send(self._packets[i % len(self._packets)])

    def _receive(self) -> None:
        while len(self.latency_ms) < self._count:
            try:
                self._client.receive_until(b'42["steer"')
            except (TimeoutError, ConnectionError):
                break
            self.latency_ms.append((time.perf_counter() - self._sent.popleft()) * 1000)
        self.unanswered = self._count - len(self.latency_ms)


@dataclass(slots=True)
class FleetTimes:
    """What one fleet has seen of one server. p50, p99: of each turn, in ms; most_ms: the slowest answer's."""

    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    most_ms: float = 0.0
    answered: int = 0
    unanswered: int = 0
    memory_mb: list[float] = field(default_factory=list)

    def add(self, latency_ms: list[float], unanswered: int) -> None:
        """Add a turn."""
        p50, p99, most_ms = np.percentile(latency_ms, (50, 99, 100)) if latency_ms else (np.inf, np.inf, np.inf)
        self.p50.append(float(p50))
        self.p99.append(float(p99))
        self.most_ms = max(self.most_ms, float(most_ms))
        self.answered += len(latency_ms)
        self.unanswered += unanswered

    @property
    def in_time(self) -> bool:
        """Whether every telemetry was answered, and the median p99 is below LIMIT_MS."""
        return not self.unanswered and float(np.median(self.p99)) < LIMIT_MS


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure each fleet and print; returns exit code 1 if a telemetry stayed unanswered."""
    return run_benchmark(lambda: measure_fleets(_parse(arguments)))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m benchmarks.fleet", __doc__)
    several = functools.partial(parser.add_argument, type=int, nargs="+", metavar="N")
    parser.add_argument("model", nargs="?", type=Path, default=Path("models/eff.h5"))
    several("--clients", default=[8], help="sizes of the fleets (default: 8)")
    several("--workers", default=[1], help="the servers' numbers of workers (default: 1)")
    parser.add_argument("--rounds", type=int, default=1, help="turns of each server and fleet (default %(default)d)")
    parser.add_argument("--hz", type=float, default=20.0, help="telemetries a second of each (default %(default)g)")
    parser.add_argument("--seconds", type=float, default=60.0, help="duration of each turn (default %(default)g)")
    parser.add_argument("--server", default="", help="options for the servers, for example '--engine tensorflow'")
    return parser.parse_args(arguments)


def measure_fleets(options: argparse.Namespace) -> int:
    """Measure each fleet with each server; returns 1 if a telemetry stayed unanswered."""
    times: dict[tuple[int, int], FleetTimes] = defaultdict(FleetTimes)
    turns = [(count, n) for count in options.clients for _ in range(options.rounds) for n in options.workers]
    with contextlib.ExitStack() as stack:
        servers = {}
        for n in options.workers:
            arguments = (str(options.model), "--port", "0", "--workers", str(n), *options.server.split())
            servers[n] = stack.enter_context(ServerProcess("server/drive.py", *arguments))
            print(servers[n].ready_line)
        processes = -(-max(options.clients) // CLIENTS_EACH)
        pool = stack.enter_context(ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")))
        for count, n in tqdm(turns, desc="driving", unit="turn"):
            jobs = start_fleet(pool, servers[n].port, count, options.hz, options.seconds)
            times[count, n].memory_mb += read_memory(servers[n], options.seconds)
            results = [job.result() for job in jobs]
            times[count, n].add([ms for latency_ms, _ in results for ms in latency_ms], sum(m for _, m in results))
    report(times, options)
    return int(any(fleet.unanswered for fleet in times.values()))


Share = tuple[list[float], int]
"""Of some clients: the latency of each answer in ms, and how many telemetries stayed unanswered."""


def start_fleet(pool: ProcessPoolExecutor, port: int, count: int, hz: float, seconds: float) -> list[Future[Share]]:
    """Let `count` clients drive from BEGIN_AFTER_S on, evenly spread over the period."""
    begin_s = time.time() + BEGIN_AFTER_S
    offsets = np.linspace(0, 1 / hz, count, endpoint=False).tolist()
    shares = [offsets[first : first + CLIENTS_EACH] for first in range(0, count, CLIENTS_EACH)]
    return [pool.submit(drive_share, port, begin_s, share, hz, seconds) for share in shares]


def drive_share(port: int, begin_s: float, offsets: list[float], hz: float, seconds: float) -> Share:
    """Drive a client for each of the offsets, seconds after `begin_s`."""
    packets = [telemetry_packet(image) for image in drawn_frames(FRAMES)]
    clients = [SteadyClient(RawClient(port, timeout_s=GRACE_S), packets, hz, seconds) for _ in offsets]
    begin = time.perf_counter() + max(0.1, begin_s - time.time())
    for client, offset in zip(clients, offsets, strict=True):
        client.start(begin + offset)
    for client in clients:
        client.finish()
    return [ms for client in clients for ms in client.latency_ms], sum(client.unanswered for client in clients)


def read_memory(server: ServerProcess, seconds: float) -> list[float]:
    """Read the memory of the server's processes in MB, twenty times during a turn."""
    readings = []
    for _ in range(20):
        time.sleep(seconds / 20)
        readings.append(server.memory_mb())
    return readings


def report(times: dict[tuple[int, int], FleetTimes], options: argparse.Namespace) -> None:
    """Print a row for each fleet and server: the medians of its turns' p50 and p99, the slowest answer, memory."""
    print(f"{options.hz:g} telemetries a second of each; {options.rounds} turns of {options.seconds:g} s; medians")
    print(f"{'clients':>7}{'workers':>9}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}{'answered':>10}{'unanswered':>12}  MB")
    for (count, n), fleet in times.items():
        p50, p99 = np.median(fleet.p50), np.median(fleet.p99)
        memory = f"{min(fleet.memory_mb):.0f} to {max(fleet.memory_mb):.0f}"
        row = f"{count:7}{n:9}{p50:9.2f}{p99:9.2f}{fleet.most_ms:9.1f}{fleet.answered:10}{fleet.unanswered:12}"
        print(f"{row}  {memory}")
    timely = ", ".join(f"{count} with {n}" for (count, n), fleet in times.items() if fleet.in_time)
    print(f"every telemetry answered and p99 below {LIMIT_MS:.0f} ms, clients with workers: {timely or 'none'}")


if __name__ == "__main__":
    sys.exit(main())
