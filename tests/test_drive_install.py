"""With requirements-drive.txt alone, the shipped models drive, and what else needs more says so."""

import subprocess
import sys

import pytest

from tests.conftest import jpeg_of, road_frame
from tests.drive_install import SmallInstall, installed_by
from tests.raw_client import RawClient, telemetry_packet
from tests.server_process import ROOT, ServerProcess

SMALL = "tests/drive_install.py"
NEVER = {"tensorflow", "keras", "panda3d", "h5py", "matplotlib"}


def small(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, SMALL, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_the_small_install_holds_none_of_the_large_packages():
    packages = installed_by(ROOT / "requirements-drive.txt")
    assert {"ai-edge-litert", "numpy", "werkzeug"} <= packages, "with what these require"
    assert not packages & NEVER


def test_each_package_stands_in_one_file():
    lines = [
        line.split(">=")[0]
        for name in ("requirements.txt", "requirements-drive.txt")
        for line in (ROOT / name).read_text().splitlines()
        if line and not line.startswith(("#", "-r"))
    ]
    assert len(lines) == len(set(lines))
    assert "-r requirements-drive.txt" in (ROOT / "requirements.txt").read_text().splitlines()


def test_what_is_hidden_cannot_be_found(monkeypatch):
    monkeypatch.setattr(SmallInstall, "missing", frozenset({"json"}))
    assert SmallInstall.find_spec("json") is None
    assert SmallInstall.find_spec("json.decoder", ["x"]) is None
    assert SmallInstall.find_spec("csv") is not None


@pytest.mark.slow
def test_a_shipped_model_drives_records_and_films_and_says_by_which_file(tmp_path, monkeypatch):
    monkeypatch.setenv("STEERING_CACHE", str(tmp_path / "cache"))
    files = ("--record", str(tmp_path / "runs"), "--video", str(tmp_path / "drive.mp4"))
    server = ServerProcess(SMALL, "server/drive.py", "models/eff.h5", "--port", "0", *files)
    try:
        with RawClient(server.port) as client:
            client.send(telemetry_packet(jpeg_of(road_frame(0.4))))
            answer = client.receive_until(b'42["steer"')
        lines = [line for line in server.log().splitlines() if "eff.tflite" in line]
    finally:
        code = server.stop()
    assert b"steering_angle" in answer
    assert len(lines) == 1
    assert "eff.h5: eff.tflite beside it drives" in lines[0]
    assert code == 0
    assert list((tmp_path / "runs").rglob("driving_log.csv"))
    assert (tmp_path / "drive.mp4").stat().st_size > 0


@pytest.mark.slow
def test_a_model_without_its_tflite_says_how_to_make_one(tmp_path, monkeypatch):
    monkeypatch.setenv("STEERING_CACHE", str(tmp_path / "cache"))  # another may hold this model's conversion
    alone = tmp_path / "alone.h5"
    alone.write_bytes((ROOT / "models" / "eff.h5").read_bytes())
    process = small("server/drive.py", str(alone), "--port", "0")
    assert process.returncode == 2
    (line,) = process.stderr.splitlines()
    assert line.startswith(f"drive.py: {alone} must be converted, which needs TensorFlow")
    assert "python -m models.convert" in line
    assert "pip install -r requirements.txt" in line
