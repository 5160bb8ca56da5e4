"""The leaderboard's command with `--ray`: Ctrl-C leaves nothing behind, and the board is the one of the local pool."""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ray_lock import ray_lock
from tests.test_leaderboard_command import MODELS, ROOT, Boards, read_until
from training.jobs.ray_cluster import ClusterError, cluster_address, ray_cluster


@pytest.fixture
def boards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Boards]:
    pytest.importorskip("ray")
    with ray_lock(), tempfile.TemporaryDirectory(prefix="ray") as short:  # the paths of Ray's sockets have a limit
        monkeypatch.setenv("RAY_TMPDIR", short)
        yield Boards(tmp_path)


def processes_of(folder: Path) -> list[str]:
    """The commands of all processes with this folder in their environment."""
    commands = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder).encode() in (process / "environ").read_bytes():
                commands.append((process / "cmdline").read_text())
        except OSError:  # it has ended
            continue
    return commands


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="it looks for processes in /proc")
def test_ctrl_c_leaves_nothing_and_the_board_is_that_of_the_local_pool(boards: Boards) -> None:
    shutil.copy(MODELS / "eff-small.tflite", boards.submissions / "ann.tflite")
    process = boards.start("--workers", "1", "--ray", "auto")
    read_until(process, rb"driving: [^\r]* 1/4 ")
    assert len(processes_of(boards.folder)) > 3, "Ray's processes have the folder in their environment"
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate()
    assert process.returncode == 130
    assert text.decode().endswith("stopped; finished drives are kept, and the same command goes on\n")
    assert processes_of(boards.folder) == []
    assert [*(boards.folder / "temporary").iterdir()] == []
    before = boards.drives()
    assert len(before) in (1, 2)

    code, output = boards.finish("--workers", "1", "--ray", "auto")
    assert code == 0, output
    assert "1 worker (" in output
    assert before.items() <= boards.drives().items()
    local = boards.folder / "local"
    shutil.copytree(boards.out / "work" / "models", local / "work" / "models")  # the milliseconds were measured once
    boards.finish("--workers", "1", out=local)
    assert boards.board() == boards.board(local)
    for file in (local / "work" / "films").iterdir():
        assert file.read_bytes() == (boards.out / "work" / "films" / file.name).read_bytes()


def test_without_the_option_nothing_of_ray_is_imported() -> None:
    check = "import sys, training.leaderboard.__main__, training.leaderboard.run; sys.exit('ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("text", ["", "host", "host:port", "host:99999", "http://host:1/x", "u@host:1"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="a cluster is auto, HOST:PORT or ray://HOST:PORT, got"):
        cluster_address(text)


def test_a_cluster_that_is_not_there_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    refusal = pytest.raises(ClusterError, match=r"no cluster answers at 127\.0\.0\.1:1 .*ray start --head")
    with refusal, ray_cluster("127.0.0.1:1", 1):
        pass
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ClusterError, match=r"pip install -r requirements-cluster\.txt"), ray_cluster("auto", 1):
        pass
