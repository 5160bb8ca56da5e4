"""Read crops in random order from a file that the system does not hold in memory: as training does, and by a plain map.

Both read the same crops in turns, each after the system has forgotten the file. Needs Linux.

    python -m benchmarks.crops
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from benchmarks.command import run_benchmark
from protocol.command_line import command_parser
from training.data.crop_file import CropFile, Pixels

SHAPE = (88, 320, 3)
"""Those of `eff`'s crops."""

BATCH = 32
ROUNDS = 4
BATCHES = 20

Take = Callable[[np.ndarray], Pixels]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    return run_benchmark(lambda: _measure(_parse(arguments)))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m benchmarks.crops", __doc__)
    parser.add_argument("--gigabytes", type=float, default=1.0, help="size of the file (default %(default)g)")
    parser.add_argument("--folder", type=Path, help="where the file lies meanwhile (the temporary folder)")
    return parser.parse_args(arguments)


def _measure(options: argparse.Namespace) -> None:
    count = int(options.gigabytes * 1e9 / np.prod(SHAPE))
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        file = Path(folder) / "crops"
        with file.open("wb") as content:
            for _ in tqdm(range(count), desc="writing", unit=" crops"):
                content.write(random.bytes(int(np.prod(SHAPE))))
            os.fsync(content.fileno())
        ways: dict[str, Callable[[], Take]] = {
            "a plain map": lambda: np.memmap(file, np.uint8, "r", shape=(count, *SHAPE)).__getitem__,
            "training's": lambda: CropFile(file, (count, *SHAPE)).take,
        }
        times_ms: dict[str, list[float]] = {name: [] for name in ways}
        read_mb = dict.fromkeys(ways, 0.0)
        for _ in range(ROUNDS):
            batches = random.integers(0, count, (BATCHES, BATCH))
            for name, opened in ways.items():
                times, megabytes = _cold(file, opened, batches)
                times_ms[name] += times
                read_mb[name] += megabytes
    needed_mb = ROUNDS * BATCHES * BATCH * np.prod(SHAPE) / 1e6
    for name, values in times_ms.items():
        p50, p99 = np.percentile(values, (50, 99))
        print(f"{name:12} {p50:7.1f} ms for {BATCH} crops (p99 {p99:.1f}), {read_mb[name] / needed_mb:.1f} times the")
        print(f"{'':12} bytes that were needed")
    plain, ours = (float(np.median(values)) for values in times_ms.values())
    print(f"training's takes {ours / plain:.2f} times as long")


def _cold(file: Path, opened: Callable[[], Take], batches: np.ndarray) -> tuple[list[float], float]:
    """Let the system drop the file from its memory, and take the batches; returns milliseconds, and megabytes read."""
    descriptor = os.open(file, os.O_RDONLY)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)  # this drops nothing that is still mapped
    os.close(descriptor)
    take, before = opened(), _read_bytes()
    times_ms = [_milliseconds(take, batch) for batch in batches]
    return times_ms, (_read_bytes() - before) / 1e6


def _read_bytes() -> int:
    """The bytes that this process has caused to be read from the disk."""
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("read_bytes"))


def _milliseconds(take: Take, batch: np.ndarray) -> float:
    start = time.perf_counter()
    take(batch)
    return 1000 * (time.perf_counter() - start)


if __name__ == "__main__":
    sys.exit(main())
