"""Submissions are taken in without being trusted: what may be a model is copied, and everything else has a reason."""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path

import pytest

from training.leaderboard.examine import examine
from training.leaderboard.submissions import Submission, SubmissionError, printable, take_in

MAX_BYTES = 1_000_000
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs pipes, and links without a right")


def taken(tmp_path: Path, *sources: Path) -> dict[str, Submission]:
    copies = tmp_path / "copies"
    copies.mkdir(exist_ok=True)
    return {one.name: one for one in take_in(sources or [tmp_path / "in"], copies, MAX_BYTES)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def names(submission: Submission) -> list[str]:
    root = submission.folder / "submitted"
    return sorted(file.relative_to(root).as_posix() for file in root.rglob("*") if file.is_file())


def test_a_model_comes_with_its_cards_and_a_conversion_is_no_second_one(tmp_path, folder):
    for name in ("ann.h5", "ann.json", "ann.h5.pixels.json", "ann.tflite", "ann.tflite.json", "bob.onnx", ".hidden.h5"):
        (folder / name).write_text(name)
    models = taken(tmp_path)
    assert {name: names(one) for name, one in models.items()} == {
        "ann": ["model.h5", "model.h5.pixels.json", "model.json"],
        "bob": ["model.onnx"],
    }
    assert (models["ann"].folder / "submitted" / "model.json").read_text() == "ann.json"


def test_a_folder_gives_its_models_and_cards_alone(tmp_path, folder):
    (folder / "team" / "net").mkdir(parents=True)
    for name in ("net/model.keras", "model.json", "train.py", "data.csv"):
        (folder / "team" / name).write_text(name)
    (folder / "idle").mkdir()
    models = taken(tmp_path)
    assert names(models["team"]) == ["model.json", "net/model.keras"]
    assert models["idle"].refusal.startswith("the folder has no model file")


def test_the_same_content_is_one_copy_whatever_its_name(tmp_path, folder):
    for name in ("a.h5", "b.h5"):
        (folder / name).write_bytes(b"same")
    (folder / "c.h5").write_bytes(b"other")
    models = taken(tmp_path)
    assert models["a"].folder == models["b"].folder != models["c"].folder
    before = models["a"].folder.stat().st_mtime_ns
    assert taken(tmp_path)["a"].folder.stat().st_mtime_ns == before, "it was not copied again"


def test_names_are_distinct_and_printable(tmp_path, folder):
    (folder / "x.h5").write_text("1")
    (folder / "x.onnx").write_text("2")
    (folder / "a\tb.h5").write_text("3")
    (folder / "v1.2").mkdir()
    (folder / "notes.pkl").write_text("4")
    assert sorted(taken(tmp_path)) == ["a b", "notes", "v1.2", "x.h5", "x.onnx"]
    assert printable("\x1b[31m" + "x" * 99) == "?[31m" + "x" * 55
    assert printable(" \n") == "?"


@POSIX
def test_links_pipes_and_sizes_are_refused_before_anything_is_read(tmp_path, folder):
    os.mkfifo(folder / "pipe.h5")
    (folder / "outside.h5").symlink_to("/etc/hostname")
    (folder / "team").mkdir()
    (folder / "team" / "model.h5").symlink_to("/etc/hostname")
    with (folder / "sparse.h5").open("wb") as file:
        file.truncate(2 << 30)
    reasons = {name: one.refusal for name, one in taken(tmp_path).items()}
    assert reasons == {
        "outside": "outside.h5 is a link, which is not followed; submit the file itself",
        "pipe": "pipe.h5 is no regular file (a pipe, a device or a folder)",
        "sparse": "it has 2,147 MB; at most 1 MB are taken",
        "team": "model.h5 is a link, which is not followed; submit the file itself",
    }
    assert list((tmp_path / "copies").iterdir()) == []


def test_a_single_file_is_a_submission(tmp_path, folder):
    (folder / "ann.h5").write_text("1")
    (folder / "ann.json").write_text("card")
    (folder / "bob.h5").write_text("2")
    assert {name: names(one) for name, one in taken(tmp_path, folder / "ann.h5").items()} == {
        "ann": ["model.h5", "model.json"]
    }


def refusal(tmp_path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> str:
    """Why an archive is refused."""
    with zipfile.ZipFile(tmp_path / "in" / "team.zip", "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    submission = taken(tmp_path)["team"]
    with pytest.raises(SubmissionError) as error:
        examine({"folder": str(submission.folder), "max_bytes": MAX_BYTES, "identify": [], "limit_s": 60})
    return str(error.value)


@pytest.mark.parametrize("name", ["../../evil.h5", "/evil.h5", "..\\evil.h5", "C:/evil.h5"])
def test_an_archive_that_names_a_place_outside_is_refused(name, tmp_path, folder):
    assert "names a place outside of itself" in refusal(tmp_path, {name: b"x"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copies", "in"]


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path, folder):
    message = refusal(tmp_path, {"model.h5": bytes(3_000_000)}, zipfile.ZIP_DEFLATED)
    assert message == "the archive unpacks to more than 1 MB"


def test_an_archive_with_several_models_or_none_is_refused(tmp_path, folder):
    message = refusal(tmp_path, {"a/one.h5": b"1", "a/two.onnx": b"2", "a/one.json": b"{}"})
    assert message == "it has 2 model files (one.h5, two.onnx); submit one"
    assert refusal(tmp_path, {"train.py": b"x", "__MACOSX/._m.h5": b"x"}).startswith("the archive has no model file")
    assert "is a Python pickle" not in refusal(tmp_path, {"a/model.h5": b"plain text"})


def test_a_damaged_archive_is_refused(tmp_path, folder):
    whole = tmp_path / "whole.zip"
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("model.h5", b"x" * 1000)
    content = bytearray(whole.read_bytes())
    content[100:120] = b"\xff" * 20
    whole.unlink()
    (folder / "team.zip").write_bytes(content)
    submission = taken(tmp_path)["team"]
    with pytest.raises(SubmissionError, match="the archive is damaged"):
        examine({"folder": str(submission.folder), "max_bytes": MAX_BYTES, "identify": [], "limit_s": 60})
