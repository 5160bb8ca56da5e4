"""Measure the time from telemetry to steer on loopback, for this server, the usual public server, and the floor.

The floor is the unavoidable work: decoding the JPEG and running the bare network, in one process without a socket.
Telemetry is sent as the simulator's own library sends it, in fragments under Nagle's algorithm, and for comparison
unfragmented. All sides take turns, so that a drift of the machine's speed affects them alike; ratios are of medians.

    python -m benchmarks.roundtrip
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.command import add_models, run_benchmark
from benchmarks.frames import drawn_frames
from inference.engine import open_engine
from protocol.command_line import command_parser
from protocol.images import decode_image
from tests.raw_client import RawClient, telemetry_packet
from tests.server_process import ServerProcess

FRAMES = 200
WARM_UP = 20
ROUNDS = 10
FLOOR, PUBLIC = "floor: decode + network", "public: model.predict"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    return run_benchmark(lambda: measure_models(_parse(arguments)))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m benchmarks.roundtrip", __doc__)
    add_models(parser)
    parser.add_argument("--frames", type=int, default=300, help="frames of this server and the floor in each round")
    parser.add_argument("--public-frames", type=int, default=30, help="frames of the public server in each round")
    return parser.parse_args(arguments)


def measure_models(options: argparse.Namespace) -> None:
    """Measure and print."""
    images = drawn_frames(FRAMES)
    print(
        f"{np.mean([len(image) for image in images]) / 1000:.1f} kB a frame; all sides take turns for {ROUNDS} rounds"
    )
    for model in options.models:
        measure(model, images, options.frames, options.public_frames)


def measure(model: Path, images: list[bytes], frames: int, public_frames: int) -> None:
    """Measure all sides for one model, round by round, and print their table."""
    fragmented = [telemetry_packet(image) for image in images]
    unfragmented = [telemetry_packet(image, cut=False) for image in images]
    engine = open_engine(model)
    with tempfile.TemporaryDirectory() as folder:
        extras = ("--record", folder, "--video", f"{folder}/drive.mp4")
        sides: dict[str, tuple[Callable[[int], None], int]] = {}
        with (
            ServerProcess("-m", "benchmarks.public_server", str(model)) as public,
            ServerProcess("-m", "benchmarks.public_server", str(model)) as public_too,  # it broadcasts each answer
            ServerProcess("server/drive.py", str(model), "--port", "0") as ours,
            ServerProcess("server/drive.py", str(model), "--port", "0") as ours_too,
            ServerProcess("server/drive.py", str(model), "--port", "0", *extras) as recording,
            RawClient(public.port, connect=True) as public_client,
            RawClient(public_too.port, connect=True, at_once=True) as public_whole,
            RawClient(ours.port) as our_client,
            RawClient(recording.port) as recording_client,
            RawClient(ours_too.port, at_once=True) as our_whole,
        ):
            sides[FLOOR] = (lambda i: floor(engine.predict, images[i]), frames)
            sides["this server"] = (lambda i: exchange(our_client, fragmented[i]), frames)
            sides["this server, unfragmented"] = (lambda i: exchange(our_whole, unfragmented[i]), frames)
            sides["this server, recording and video"] = (lambda i: exchange(recording_client, fragmented[i]), frames)
            sides[PUBLIC] = (lambda i: exchange(public_client, fragmented[i]), public_frames)
            sides[f"{PUBLIC}, unfragmented"] = (lambda i: exchange(public_whole, unfragmented[i]), public_frames)
            times: dict[str, list[float]] = {name: [] for name in sides}
            for _ in range(ROUNDS):
                for name, (call, count) in sides.items():
                    times[name] += clock(call, count, len(images))
    print(f"\n{model} on {engine.name} ({engine.device})")
    report(times)


def floor(predict: Callable[[np.ndarray], np.ndarray], image: bytes) -> None:
    """Decode one image and run the network on it."""
    predict(decode_image(image)[np.newaxis])


def exchange(client: RawClient, telemetry: bytes) -> None:
    """Send one telemetry and wait for its steer."""
    client.send(telemetry)
    client.receive_until(b'42["steer"')


def clock(call: Callable[[int], None], count: int, images: int) -> list[float]:
    """Time `count` calls in milliseconds, after WARM_UP untimed ones."""
    times = []
    for i in range(count + WARM_UP):
        start = time.perf_counter()
        call(i % images)
        times.append((time.perf_counter() - start) * 1000)
    return times[WARM_UP:]


def report(times: dict[str, list[float]]) -> None:
    """Print a row a side: p50, p99, frames a second, ratio to the floor, and speed relative to the public server."""
    medians = {name: float(np.median(values)) for name, values in times.items()}
    base, public = medians[FLOOR], medians[PUBLIC]
    print(f"{'':36}{'p50 ms':>9}{'p99 ms':>9}{'p99/p50':>9}{'frames/s':>10}{'x floor':>9}{'faster than public':>20}")
    for name, values in times.items():
        p99 = float(np.percentile(values, 99))
        p50, rate = medians[name], 1000 / float(np.mean(values))
        ratios = f"{p50 / base:9.2f}{public / p50:19.1f}x"
        print(f"{name:36}{p50:9.2f}{p99:9.2f}{p99 / p50:9.2f}{rate:10.0f}{ratios}")


if __name__ == "__main__":
    sys.exit(main())
