"""Measure driving by hand: from key to picture in a browser, and what it costs a server's other simulators.

Chromium presses keys at random moments, and the page measures by its own clock until the picture is drawn that has
felt the key. Then one client drives at a game's 60 frames a second, in alternate rounds without a drive by hand, with
one beside it on the same machine, and with one that is connected to the server too. A process without a browser looks
at those drives, because a browser's drawing would count against the server.

    python -m benchmarks.by_hand
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.command import run_benchmark
from benchmarks.frames import drawn_frames
from benchmarks.roundtrip import exchange
from protocol.command_line import command_parser
from tests.raw_client import RawClient, telemetry_packet
from tests.server_process import ServerProcess

BY_HAND = ("-m", "simulator", "--by-hand", "--port", "0")
NO_SERVER = "http://127.0.0.1:9"
ROUNDS, FRAMES, FRAMES_PER_S = 6, 600, 60
COLLECT = """() => {
  window.latencies = [];
  document.addEventListener("drive", (event) => window.latencies.push(...event.detail.latencies_ms));
}"""
LOOK = """
import json, sys
from websockets.sync.client import connect
with connect(f"ws://127.0.0.1:{sys.argv[1]}/socket") as page:
    report = dict(number=1, picture=0, keys=["left"], steering=None, pedal=0.2, visible=True, scale=2)
    page.send(json.dumps(report))
    for picture in page:
        report["picture"] += 1
        report["number"] += 1
        page.send(json.dumps(report))
        print(flush=True) if report["picture"] == 1 else None
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    parser = command_parser("python -m benchmarks.by_hand", __doc__)
    parser.add_argument("--model", type=Path, default=Path("models/eff.h5"), help="of the server (default %(default)s)")
    parser.add_argument("--presses", type=int, default=200, help="key presses of each row (default %(default)s)")
    return run_benchmark(lambda: measure(parser.parse_args(arguments)))


def measure(options: argparse.Namespace) -> None:
    """Measure and print."""
    for title, width, recording in (
        ("640 x 320", 1280, False),
        ("640 x 320, recording", 1280, True),
        ("320 x 160", 360, False),
    ):
        p50, p95, p99 = np.percentile(key_to_picture(width, recording, options.presses), (50, 95, 99))
        print(f"key to picture, {title}: p50 {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms", flush=True)
    cost_for_others(options.model)


def key_to_picture(width: int, recording: bool, presses: int) -> list[float]:
    """Milliseconds from each key's event to the picture that has felt it. width: of the browser's window."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  # only this part needs a browser

    generator = random.Random(1)
    with (
        tempfile.TemporaryDirectory() as folder,
        ServerProcess(*BY_HAND, "--out", folder, "--url", NO_SERVER) as simulator,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=_chromium(), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.goto(f"http://127.0.0.1:{simulator.port}/")
        page.wait_for_selector("#cover", state="hidden")
        page.evaluate(COLLECT)
        if recording:
            page.keyboard.press("r")
        for number in range(presses):
            key = ("ArrowLeft", "ArrowRight", "ArrowUp")[number % 3]
            page.keyboard.down(key)
            page.wait_for_timeout(generator.uniform(40, 160))
            page.keyboard.up(key)
            page.wait_for_timeout(generator.uniform(40, 160))
        page.wait_for_function("(count) => window.latencies.length >= count", arg=2 * presses)
        latencies: list[float] = page.evaluate("window.latencies")
        browser.close()
    return latencies


def cost_for_others(model: Path) -> None:
    """Time a client's exchanges with the server beside a drive by hand, and print the ratios."""
    packets = [telemetry_packet(image) for image in drawn_frames(200)]
    times: dict[str, list[float]] = {"alone": [], "beside a drive by hand": [], "and connected": []}
    with ServerProcess("server/drive.py", str(model), "--port", "0") as server, RawClient(server.port) as client:

        def add_times(title: str) -> None:
            times[title] += paced(lambda i: exchange(client, packets[i % len(packets)]))

        for _ in range(ROUNDS):
            add_times("alone")
            with Watched(NO_SERVER):
                add_times("beside a drive by hand")
            with Watched(f"http://127.0.0.1:{server.port}"):
                add_times("and connected")
    alone = np.percentile(times["alone"], (50, 99))
    for title, values in times.items():
        p50, p99 = np.percentile(values, (50, 99))
        ratios = f"{p50 / alone[0]:.2f} and {p99 / alone[1]:.2f} times"
        print(f"{model}, {title}: p50 {p50:.2f} ms, p99 {p99:.2f} ms ({ratios})", flush=True)


def paced(call: Callable[[int], None]) -> list[float]:
    """Time FRAMES calls in milliseconds, which begin at a game's pace."""
    times, due_s = [], time.perf_counter()
    for number in range(FRAMES):
        due_s = max(due_s + 1 / FRAMES_PER_S, time.perf_counter())
        time.sleep(max(0.0, due_s - time.perf_counter()))
        start_s = time.perf_counter()
        call(number)
        times.append((time.perf_counter() - start_s) * 1000)
    return times


class Watched:
    """A drive by hand inside its `with`, whose pictures a process of its own takes. url: the server to hand over to."""

    def __init__(self, url: str) -> None:
        self._simulator = ServerProcess(*BY_HAND, "--url", url)

    def __enter__(self) -> Watched:
        command: list[Any] = [sys.executable, "-c", LOOK, str(self._simulator.port)]
        self._look = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self._look.stdout is not None
        self._look.stdout.readline()  # the first picture has come
        return self

    def __exit__(self, *error: object) -> None:
        self._look.terminate()
        self._look.communicate()
        self._simulator.stop()


def _chromium() -> str | None:
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


if __name__ == "__main__":
    sys.exit(main())
