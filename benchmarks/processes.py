"""One server process or several behind nginx with consistent hashing: frames a second, answers, and who got whom.

Clients from addresses of their own (Linux: 127.0.1.1 and on) each send the next frame when the last is answered. The
clients run in a process of their own, and take their share of this computer's cores. Needs nginx; docs/nginx.conf is
what it runs, with other ports.

On 2 cores of an AMD EPYC that did nothing else, 24 November 2026, eff, 8 clients, medians of three: one process 821
frames/s, behind nginx 790 (0.96 times), two processes behind nginx 826 (1.01 times), both with their share of the
clients. One process answers several simulators on all cores, so a second one finds none free: it is for a computer with
more than four cores, for several computers, and for being there when one ends.

    python -m benchmarks.processes --clients 8 --seconds 8
"""

from __future__ import annotations

import argparse
import contextlib
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.frames import drawn_frames
from benchmarks.roundtrip import ask
from tests.raw_client import RawClient, telemetry_packet
from tests.server_process import ROOT, ServerProcess

ROUNDS = 3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("model", nargs="?", type=Path, default=Path("models/eff.h5"))
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each side, in each of the rounds")
    options = parser.parse_args()
    packets = [telemetry_packet(image) for image in drawn_frames(100)]
    with contextlib.ExitStack() as running:
        words = ("server/drive.py", str(options.model), "--port", "0")
        ports = [running.enter_context(ServerProcess(*words)).port for _ in range(2)]
        sides = {
            "1 process": ports[0],
            "1 process behind nginx": running.enter_context(balancer(ports[:1])),
            "2 processes behind nginx": running.enter_context(balancer(ports)),
        }
        rates: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(ROUNDS):
            for name, port in sides.items():
                before = [answered(each) for each in ports]
                rates[name].append(drive(port, packets, options.clients, options.seconds))
                shares = [answered(each) - b for each, b in zip(ports, before, strict=True)]
                print(f"{name:26}{rates[name][-1]:7.0f} frames/s, by process {shares}", flush=True)
    base = np.median(rates["1 process"])
    for name, found in rates.items():
        print(f"{name:26}{np.median(found):7.0f} frames/s, {np.median(found) / base:.2f} times")


def drive(port: int, packets: list[bytes], clients: int, seconds: float) -> float:
    """Frames a second of `clients` that ask as fast as they are answered."""
    counts = [0] * clients
    end = time.perf_counter() + seconds

    def one(number: int) -> None:
        with RawClient(port, source=f"127.0.1.{number + 1}") as client:
            while time.perf_counter() < end:
                ask(client, packets[(number + counts[number]) % len(packets)])
                counts[number] += 1

    threads = [threading.Thread(target=one, args=(number,)) for number in range(clients)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - start)


@contextlib.contextmanager
def balancer(ports: list[int]) -> Iterator[int]:
    """nginx in front of these servers, by docs/nginx.conf; its port."""
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    with socket.create_server(("127.0.0.1", 0)) as free:
        own = free.getsockname()[1]
    servers = "".join(f"        server 127.0.0.1:{port} max_fails=1 fail_timeout=5s;\n" for port in ports)
    text = (ROOT / "docs" / "nginx.conf").read_text(encoding="utf-8")
    text = re.sub(r"( +server 127\.0\.0\.1:\d+ [^\n]*\n)+", servers, text).replace(
        "listen 4567", f"listen 127.0.0.1:{own}"
    )
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "nginx.conf").write_text(text, encoding="utf-8")
        command = [nginx, "-p", folder, "-c", f"{folder}/nginx.conf", "-g", "daemon off;"]
        with subprocess.Popen(command) as process:
            try:
                while process.poll() is None:
                    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", own), 1):
                        break
                if process.poll() is not None:
                    raise RuntimeError(f"nginx ended with {process.returncode}")
                yield own
            finally:
                process.terminate()


def answered(port: int) -> int:
    """Answers of one server so far."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        found = re.findall(r"^drive_answers_total(?:\{[^}]*\})? ([\d.e+]+)$", answer.read().decode(), re.MULTILINE)
    return round(sum(map(float, found)))


if __name__ == "__main__":
    main()
