"""What is no model is named as what it is, at once, with the way to export it or the models that lie near it."""

from __future__ import annotations

import io
import json
import pickle
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from inference.conversion import saliency_file
from inference.engine import open_engine
from models import convert
from models.keras_files.file_kinds import ModelFileError, model_kind
from training import evaluate

ROOT = Path(__file__).parent.parent
HDF5 = b"\x89HDF\r\n\x1a\n" + bytes(100)


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return file.getvalue()


def refusal(path: Path) -> str:
    with pytest.raises(ModelFileError) as caught:
        model_kind(path)
    message = str(caught.value)
    assert message.startswith((str(path), "no such model"))
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("model.h5", HDF5, "keras"),
        ("renamed.pkl", HDF5, "keras"),
        ("model.keras", zipped("config.json", "model.weights.h5"), "keras"),
        ("model.json", b'{"class_name": "Sequential"}', "keras"),
        ("twice.json", json.dumps('{"class_name": "Sequential"}').encode(), "keras"),
        ("model.tflite", bytes(4) + b"TFL3" + bytes(90), "litert"),
        ("renamed.bin", bytes(4) + b"TFL3" + bytes(90), "litert"),
        ("model.onnx", b"\x08\x08\x12\x07pytorch", "onnx"),
    ],
)
def test_model_files_are_known(name: str, content: bytes, kind: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    assert model_kind(tmp_path / name) == kind


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("model.pth", zipped("model/data.pkl", "model/version"), "PyTorch file.*torch.onnx.export"),
        ("model.h5", zipped("archive/data.pkl"), "PyTorch file"),
        ("model.pt", pickle.dumps({"a": 1}), "PyTorch file"),
        ("model.p", pickle.dumps({"a": 1}, 4), "Python pickle: loading it can run any code"),
        ("model.sav", pickle.dumps({"a": 1}, 0), "Python pickle"),
        ("model.ckpt-100.index", b"\0" * 9, "TensorFlow checkpoint"),
        ("model.ckpt-100.data-00000-of-00001", b"\0" * 9, "TensorFlow checkpoint"),
        ("checkpoint", b"model_checkpoint_path: x", "TensorFlow checkpoint"),
        ("frozen.pb", b"\n\x01", "TensorFlow graph, which may read and write files"),
        ("weights.npz", zipped("a.npy"), "arrays of NumPy"),
        ("models.zip", zipped("a.h5"), "packed archive; unpack it"),
        ("model.tar.gz", b"\x1f\x8b\x08", "packed archive"),
        ("picture.h5", b"\x89PNG\r\n\x1a\n", "is an image"),
        ("model.onnx", b"<!DOCTYPE html><html>", "web page; download the file itself"),
        ("model.keras", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        ("driving_log.csv", b"center,left,right", "is a table"),
        ("README.md", b"# Title", "is a text"),
        ("drive.py", b'"""Drives."""', "is a Python program"),
        ("lesson.ipynb", b'{"cells": []}', "is a notebook"),
        ("settings.json", b'{"speed": 9}', "JSON without a network"),
        ("model.tflite", b"nonsense" * 100, "does not begin like one"),
        ("model.h5", b"nonsense", "does not begin like one"),
        ("empty.onnx", b"", "is empty"),
        ("strange", b"\x01\x02", "is no model file"),
    ],
)
def test_other_files_are_named_as_what_they_are(name: str, content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelFileError, match=reason):
        model_kind(tmp_path / name)


def test_a_card_is_not_taken_for_its_model() -> None:
    message = refusal(ROOT / "models" / "eff.json")
    assert "is the card of a model" in message
    assert "eff.h5" in message


def test_folders_are_named_with_the_models_in_them(tmp_path: Path) -> None:
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"\n\x01")
    assert "SavedModel" in (message := refusal(tmp_path / "saved"))
    assert "TFLiteConverter.from_saved_model" in message
    (tmp_path / "recording").mkdir()
    (tmp_path / "recording" / "driving_log.csv").touch()
    assert "is a recording" in refusal(tmp_path / "recording")
    (tmp_path / "best").mkdir()
    for name in ("b.h5", "a.tflite", "best/c.ONNX", "best/notes.txt"):
        (tmp_path / name).touch()
    assert "models near it: a.tflite, b.h5, best/c.ONNX" in refusal(tmp_path).replace("\\", "/")
    assert "near it: a.tflite, b.h5" in refusal(tmp_path / "none.h5")


def test_a_checkpoint_is_known_by_the_name_that_its_program_uses(tmp_path: Path) -> None:
    (tmp_path / "model.ckpt.index").touch()
    assert "TensorFlow checkpoint" in refusal(tmp_path / "model.ckpt")


def test_every_entrance_asks_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pth = tmp_path / "model.pth"
    pth.write_bytes(zipped("model/data.pkl"))
    for entrance in (open_engine, saliency_file):
        with pytest.raises(ModelFileError, match="PyTorch"):
            entrance(pth)
    assert convert.main([str(pth), str(tmp_path / "out.tflite")]) == 2
    assert evaluate.main([str(pth), "--track", "lake"]) == 2
    printed = capsys.readouterr()
    assert (printed.err.count("PyTorch"), printed.out.count("PyTorch")) == (1, 1), "a model that fails has its row"


def test_a_refusal_needs_no_library_of_networks(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(np.zeros(3).tobytes())
    code = (
        "import sys; from models import convert; code = convert.main(sys.argv[1:]); "
        "assert not {'tensorflow', 'keras', 'h5py'} & set(sys.modules); sys.exit(code)"
    )
    start = time.monotonic()
    command = [sys.executable, "-c", code, str(tmp_path / "a.npy"), str(tmp_path / "out.tflite")]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert process.returncode == 2, process.stderr
    assert time.monotonic() - start < 10  # a bound against importing TensorFlow
