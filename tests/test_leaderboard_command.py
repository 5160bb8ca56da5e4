"""The leaderboard's command: hostile files among good ones, a kill, one more file, and any number of workers."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.model_files import architecture_of, layer_of, small_file
from tests.network_files import litert, network, saved_onnx
from tests.test_hostile_network_files import huge
from training.leaderboard.__main__ import main

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "models"
DRIVES_EACH = 4

pytestmark = pytest.mark.slow


class Boards:
    """A folder of submissions, rules of short drives, and the command in a process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.submissions = folder / "submissions"
        self.out = folder / "board"
        self.rules = folder / "rules.toml"
        self.rules.write_text('tracks = ["lake"]\nlaps = 0.02\nseeds = [0, 1]\n[limits]\nfile_mb = 20\n')
        for part in ("submissions", "home", "temporary"):
            (folder / part).mkdir()

    def start(self, *more: str, out: Path | None = None) -> subprocess.Popen[bytes]:
        """Start the command; its progress comes through a pipe."""
        command = [sys.executable, "-m", "training.leaderboard", str(self.submissions), "--rules", str(self.rules)]
        environment = {name: value for name, value in os.environ.items() if name != "STEERING_CACHE"}
        places = {"HOME": "home", "XDG_CACHE_HOME": "home", "TMPDIR": "temporary"}
        return subprocess.Popen(
            [*command, "--out", str(out or self.out), *more],
            cwd=ROOT,
            env=environment | {name: str(self.folder / place) for name, place in places.items()},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def finish(self, *more: str, out: Path | None = None) -> tuple[int, str]:
        """Run the command to its end; returns its exit code and what it printed."""
        process = self.start(*more, out=out)
        text, _ = process.communicate()
        return process.returncode, text.decode()

    def board(self, out: Path | None = None) -> dict[str, Any]:
        """The board without what says where it was made."""
        content = json.loads(((out or self.out) / "board.json").read_text())
        del content["made"]
        return content

    def drives(self) -> dict[str, int]:
        """The drives that are kept, with the time at which each was written."""
        return {file.name: file.stat().st_mtime_ns for file in (self.out / "work" / "drives").glob("*.json")}


@pytest.fixture
def boards(tmp_path: Path) -> Boards:
    return Boards(tmp_path)


def add_hostile(folder: Path) -> None:
    (folder / "pickle.pkl").write_bytes(b"\x80\x04cos\nsystem\n(S'true'\ntR.")
    (folder / "cut.tflite").write_bytes((MODELS / "eff-small.tflite").read_bytes()[:20_000])
    (folder / "sevens.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + b"\x07" * 5000)
    with zipfile.ZipFile(folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.h5", bytes(30_000_000))
    with zipfile.ZipFile(folder / "slip.zip", "w") as archive:
        archive.writestr("../../../slipped.h5", b"x")
    with (folder / "sparse.h5").open("wb") as file:
        file.truncate(2 << 30)
    model = network((66, 200, 3))
    model.set_weights([np.full((3, 1), np.nan, np.float32)])
    litert(folder / "nan.tflite", model)
    saved_onnx(folder / "greedy.onnx", huge())
    with architecture_of(small_file(folder / "graph.h5")) as architecture:
        config = {"name": "conv", "filepath": "/etc", "call_endpoint": "serve"}
        layer_of(architecture, "conv").update(class_name="TFSMLayer", config=config)
    if sys.platform != "win32":
        os.mkfifo(folder / "pipe.h5")
        (folder / "link.h5").symlink_to(MODELS / "eff.h5")


def read_until(process: subprocess.Popen[bytes], pattern: bytes) -> None:
    """Read what the process prints until it matches."""
    assert process.stdout
    text = b""
    while not re.search(pattern, text):
        chunk = os.read(process.stdout.fileno(), 1000)
        assert chunk, text.decode()
        text += chunk


def test_hostile_files_a_kill_and_one_more_file(boards: Boards) -> None:
    shutil.copy(MODELS / "eff-small.tflite", boards.submissions / "ann.tflite")
    (boards.submissions / "bob").mkdir()
    for name in ("eff-small.h5", "eff-small.json"):
        shutil.copy(MODELS / name, boards.submissions / "bob")
    add_hostile(boards.submissions)

    process = boards.start("--workers", "2")
    read_until(process, rb"driving: [^\r]* [3-9]/12 ")
    process.kill()
    process.communicate()
    before = boards.drives()
    assert 3 <= len(before) < 12
    code, text = boards.finish("--workers", "2")
    assert code == 1, text
    after = boards.drives()
    assert before.items() <= after.items(), "nothing was driven again"
    assert len(after) == 3 * DRIVES_EACH

    board = boards.board()
    assert [model["name"] for model in board["models"]] == ["ann", "bob", "nan"]
    ann, bob, nan = board["models"]
    assert ann["rank"] == bob["rank"] == 1, "one network in two files"
    assert ann["score"]["value"] > 90 > nan["score"]["value"]
    assert (bob["parameters"], bob["card"]["model"]) == (89_905, "eff-small")
    assert {drive["failure"] for drive in nan["drives"]} == {"it answered nan after 0 m, which is no steering"}
    reasons = {one["name"]: one["reason"] for one in board["refused"]}
    expected = {
        "bomb": "unpacks to more than 20 MB",
        "cut": "",
        "graph": "TFSMLayer",
        "greedy": "",
        "link": "is a link",
        "pickle": "is a Python pickle",
        "pipe": "no regular file",
        "sevens": "",
        "slip": "names a place outside",
        "sparse": "2,147 MB",
    }
    assert {name for name in expected if name in reasons} == set(reasons)
    assert all(reasons[name] and expected[name] in reasons[name] for name in reasons), reasons
    assert sorted(path.name for path in boards.out.iterdir()) == ["board.csv", "board.html", "board.json", "work"]
    assert {*boards.folder.iterdir()} == {boards.folder / name for name in (
        "submissions", "board", "rules.toml", "home", "temporary")}  # fmt: skip
    assert [*(boards.folder / "home").iterdir()] == [*(boards.folder / "temporary").iterdir()] == []
    assert "data:video/mp4;base64," in (boards.out / "board.html").read_text()

    other = boards.folder / "other"
    shutil.copytree(boards.out / "work" / "models", other / "work" / "models")  # the milliseconds were measured once
    boards.finish("--workers", "1", "--no-films", out=other)
    assert boards.board(other) == board, "to the last digit"

    shutil.copy(MODELS / "eff.tflite", boards.submissions / "carl.tflite")
    code, text = boards.finish("--no-films", "--against", str(other / "board.json"))
    assert code == 1
    assert "driving: 100%" in text
    assert f"{DRIVES_EACH}/{DRIVES_EACH}" in text
    assert after.items() <= boards.drives().items()
    assert re.search(r"^carl +- +9\d\.\d\d", text, re.MULTILINE), "new"
    assert re.search(r"^ann +(9\d\.\d\d) +\1 +\+0\.00", text, re.MULTILINE)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal for one process")
def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(boards: Boards) -> None:
    shutil.copy(MODELS / "eff-small.tflite", boards.submissions / "ann.tflite")
    process = boards.start("--workers", "1")
    read_until(process, rb"driving: [^\r]* 1/4 ")
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate()
    assert process.returncode == 130
    assert text.decode().endswith("stopped; finished drives are kept, and the same command goes on\n")
    assert len(boards.drives()) in (1, 2)
    assert not (boards.out / "board.json").exists()


def test_bad_input_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    arguments = [str(tmp_path / "in"), "--out", str(tmp_path / "out")]
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path / "missing")])
    assert main([*arguments, "--tracks", "sea"]) == 2
    assert main([*arguments, "--rules", str(tmp_path / "none.toml")]) == 2
    assert main(arguments) == 2
    lines = capsys.readouterr().err.splitlines()
    assert "there is no file or folder" in lines[0]
    assert "no track 'sea'" in lines[1]
    assert "none.toml" in lines[2]
    assert "no submissions" in lines[3]
