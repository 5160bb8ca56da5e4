"""What a killed process or a full disk leaves of a film can be played."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import av
import pytest

from tests.films import read_film

ROOT = Path(__file__).resolve().parent.parent

CHILD = """
import resource, signal, sys, time
from pathlib import Path
import numpy as np
from film.film import Film, hurry
from film.overlay import Shot
if sys.argv[2] == "limit":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
film = Film(Path(sys.argv[1]), "eff.h5")
rng = np.random.default_rng(0)
for i in range(50):
    film.add(Shot(0.1 * i, rng.integers(100, 116, (160, 320, 3), "uint8"), 0.2, 0.5, 15.0, 1.8))
    while film._queue.qsize() > 30 and film.error is None:
        film._thread.join(0.01)
while film._queue.qsize() and film.error is None:
    hurry(film._encoder.pid)
    film._thread.join(0.01)
print(film.error, film._encoder.pid, sep="\\n", flush=True)
time.sleep(30 if sys.argv[2] == "kill" else 0)
film.close()
"""


def wait_for_end(pid: int) -> None:
    """Until no such process is left, but for a minute at most; it is no child of ours."""
    limit = threading.Event()
    for _ in range(6000):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        limit.wait(0.01)
    raise AssertionError(f"process {pid} does not end")


def child(path: Path, how: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", CHILD, str(path), how], stdout=subprocess.PIPE, text=True, cwd=ROOT)


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
@pytest.mark.parametrize("encoder_too", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_killed_process_leaves_a_film_up_to_its_last_seconds(tmp_path, encoder_too):
    with child(tmp_path / "film.mp4", "kill") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "None\n"
        encoder = int(process.stdout.readline())
        if encoder_too:
            os.kill(encoder, signal.SIGKILL)
        process.send_signal(signal.SIGKILL)
    wait_for_end(encoder)
    shown_s, pictures, _ = read_film(tmp_path / "film.mp4")
    assert 2.0 < shown_s[-1] <= 4.9
    assert len(pictures) == len(shown_s) == round(shown_s[-1] * 10) + 1


@pytest.mark.skipif(os.name == "nt", reason="no file size limit")
def test_a_file_size_limit_leaves_what_was_written(tmp_path):
    with child(tmp_path / "film.mp4", "limit") as process:
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "File too large" in output
    shown = 0
    with av.open(str(tmp_path / "film.mp4")) as container, pytest.raises(av.error.InvalidDataError):
        for _ in container.decode(video=0):
            shown += 1  # up to the picture that no longer fitted in, as a player does
    assert shown >= 10
