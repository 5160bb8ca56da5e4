"""The command as a user runs it: ready line, clear failures, a clean end. Uses the shipped model, converted once."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from protocol.recording import read_recording
from tests.conftest import jpeg_of, road_frame
from tests.raw_client import RawClient, telemetry_packet
from tests.server_process import ROOT, ServerProcess

MODEL = "models/eff.h5"
TELEMETRY = telemetry_packet(jpeg_of(road_frame(0.4)))
pytestmark = pytest.mark.slow


def drive(*argv: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "server/drive.py", *argv], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_ready_line_names_model_engine_device_and_time():
    with ServerProcess("server/drive.py", MODEL, "--port", "0", "--threads", "3") as server:
        pass
    assert server.ready_line.startswith("listening on http://127.0.0.1:")
    for part in ("models/eff.h5", "litert", "CPU, 3 threads", " ms a frame"):
        assert part in server.ready_line


def test_a_second_start_is_quick_small_and_free_of_tensorflow():
    with ServerProcess("server/drive.py", MODEL, "--port", "0"):
        pass
    start = time.monotonic()
    with ServerProcess("server/drive.py", MODEL, "--port", "0") as server:
        assert time.monotonic() - start < 20  # a bound against importing TensorFlow; the benchmark times it
        if sys.platform == "linux":
            assert "tensorflow" not in Path(f"/proc/{server.pid}/maps").read_text()
            assert server.memory_mb() < 250


def test_mistakes_end_with_one_clear_line_and_code_2(tmp_path):
    garbage = tmp_path / "garbage.h5"
    garbage.write_bytes(b"not a model at all")
    (tmp_path / "file").write_text("")
    with ServerProcess("server/drive.py", MODEL, "--port", "0") as server:
        busy_port = ("--port", str(server.port))
        cases = [
            ((str(tmp_path / "none.h5"),), "no such model"),
            ((str(garbage), "--port", "0"), "garbage.h5"),
            ((MODEL, *busy_port), "another server running"),
            ((MODEL, "--port", "0", "--record", str(tmp_path / "file" / "runs")), "file"),
            ((MODEL, "--port", "0", "--video", str(tmp_path / "none" / "drive.mp4")), "none"),
            ((MODEL, "--port", "0", "--host", "256.0.0.1"), "cannot listen on 256.0.0.1"),
        ]
        for arguments, message in cases:
            process = drive(*arguments)
            assert process.returncode == 2, arguments
            last = process.stderr.strip().splitlines()[-1]
            assert last.startswith("drive.py: ")
            assert message in last
            assert "Traceback" not in process.stderr


@pytest.mark.skipif(os.name == "nt", reason="no POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_whole_files_a_stopped_car_and_code_0(tmp_path, number):
    film = tmp_path / "drive.mp4"
    arguments = (MODEL, "--port", "0", "--record", str(tmp_path / "runs"), "--video", str(film))
    server = ServerProcess("server/drive.py", *arguments)
    with RawClient(server.port) as client:
        for _ in range(30):
            client.send(TELEMETRY)
            client.receive_until(b'42["steer"')
        os.kill(server.pid, number)
        client.send(telemetry_packet(jpeg_of(road_frame()), speed_mph=0.0))
        last = b""
        try:
            while True:
                last = client.receive()
        except ConnectionError:
            pass
        assert last.startswith((b'42["steer",{"steering_angle":"0.0000","throttle":"0.0000"}', b"1"))
    assert server.stop() == 0
    (run,) = (tmp_path / "runs").iterdir()
    report = json.loads((run / "run.json").read_text())
    assert report["frames"] == len(read_recording(run).samples) >= 30
    assert report["latency_ms"]["p50"] > 0
    assert film.stat().st_size > 1000
