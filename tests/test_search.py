"""The search's command: what it says of wrong input, and a small real search that is stopped and goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.ray_lock import ray_lock
from tests.test_search_trial import SPACE as ONE_VALUE
from training.__main__ import parse, training_settings
from training.run.recipe import QUICK
from training.search.__main__ import main
from training.search.plan import plan_trials
from training.search.space import read_space

ROOT = Path(__file__).resolve().parent.parent
SPACE = ONE_VALUE + "head_dropout = [0.0, 0.3]\n"


@pytest.fixture
def space_file(tmp_path: Path) -> Path:
    (tmp_path / "space.toml").write_text(SPACE)
    return tmp_path / "space.toml"


def error_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 2
    text = capsys.readouterr().err
    assert text.count("\n") == 1
    return text


def test_without_ray_one_line_says_what_to_install(
    space_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    text = error_of(capsys, str(space_file), "--recordings", "gone")
    assert text == "search: a search needs Ray Tune: pip install -r requirements-search.txt\n"


def test_a_wrong_space_is_told_first(
    space_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    space_file.write_text("[search]\nbatch = [16]\n")
    assert "batch must be two or more different values" in error_of(capsys, str(space_file), "--recordings", "gone")
    assert "no such file" in error_of(capsys, str(space_file.with_name("gone.toml")), "--recordings", "gone")


def test_plans_depend_on_what_is_trained_and_not_on_how_many(space_file: Path, tmp_path: Path) -> None:
    space = read_space(space_file)
    base = training_settings(parse([str(tmp_path), "--quick", "--seed", "5"]))
    plans = plan_trials(space, 3, base, tmp_path)
    assert plans == plan_trials(space, 8, base, tmp_path)[:3]
    assert [plan.settings["seed"] for plan in plans] == [5, 6, 7]
    assert all(plan.settings["recipe"].driven_checkpoints == 0 for plan in plans), "each epoch is judged anyway"
    assert plans[0].settings["recipe"].learning_rate == QUICK.learning_rate
    assert plans[1].settings["recipe"].learning_rate == plans[1].values["learning_rate"]
    assert plans[0].model_file == plans[0].folder / "effnet-2x8.h5"
    space_file.write_text(SPACE.replace("batch = 8", "batch = 16"))
    others = plan_trials(read_space(space_file), 3, base, tmp_path)
    assert {plan.folder for plan in plans}.isdisjoint(plan.folder for plan in others)


class Searches:
    """The command in a process, with a Ray of its own."""

    def __init__(self, space: Path, recording: Path, out: Path, ray_folder: str) -> None:
        self.out = out
        self._command = [sys.executable, "-m", "training.search", str(space), "--recordings", str(recording)]
        self._command += ["--out", str(out), "--workers", "1"]
        self._environment = os.environ | {"RAY_TMPDIR": ray_folder, "RAY_AUTH_MODE": "disabled"}

    def start(self, *more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self._command, *more], cwd=ROOT, env=self._environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def finish(self, *more: str) -> str:
        """Run the command to its end; returns what it printed."""
        process = self.start(*more)
        text, _ = process.communicate()
        assert process.returncode == 0, text
        return text

    def rows(self) -> dict[str, list[dict[str, float]]]:
        """The recorded epochs of each trial."""
        return {file.parent.name: json.loads(file.read_text()) for file in self.out.glob("trials/*/scores.json")}


@pytest.fixture
def searches(space_file: Path, make_recording: Callable[..., Path], tmp_path: Path) -> Iterator[Searches]:
    pytest.importorskip("ray.tune", exc_type=ImportError)
    with ray_lock(), tempfile.TemporaryDirectory(prefix="ray") as short:  # the paths of Ray's sockets have a limit
        yield Searches(space_file, make_recording(rows=100), tmp_path / "out", short)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="it sends a signal")
def test_a_search_goes_on_where_it_was_stopped(searches: Searches) -> None:
    process = searches.start("--trials", "2")
    assert process.stdout
    for line in process.stdout:
        if "trial 1, epoch 1, 32 images: score" in line:
            break
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate()
    assert process.returncode == 130, text
    assert text.endswith("stopped; finished epochs are kept, and the same command goes on\n")
    (before,) = searches.rows().values()
    assert not (searches.out / "best.toml").exists()

    text = searches.finish("--trials", "2")
    first, second = (rows for _, rows in sorted(searches.rows().items()))
    assert first[: len(before)] == before, "what was recorded is not done again"
    assert [row["epoch"] for row in first] == [1, 2], "the first trial has nobody to be worse than"
    assert [row["images"] for row in first] == [32, 64]
    assert all(row["score"] > 0 for row in (*first, *second))
    assert "learned all" in text
    for name in ("scores.png", "values.png", "best.json"):
        assert (searches.out / name).stat().st_size > 1000
    card = json.loads((searches.out / "best.json").read_text())
    assert card["trials"] == 2
    assert not (searches.out / "tune").exists()
    assert not (searches.out / "crops").exists()
    settings = training_settings(parse(["recording", "--recipe", str(searches.out / "best.toml")]))
    best = card["best"][0]["values"]
    assert (settings.model, settings.recipe.learning_rate) == ("effnet-2x8", best["learning_rate"])
    assert settings.recipe.driven_checkpoints == QUICK.driven_checkpoints, "the trained model may choose by driving"

    files = {file: file.stat().st_mtime_ns for file in searches.out.glob("trials/*/checkpoint.npz")}
    text = searches.finish("--trials", "2")
    assert "epoch" not in text, "nothing is learned again"
    assert files == {file: file.stat().st_mtime_ns for file in searches.out.glob("trials/*/checkpoint.npz")}
