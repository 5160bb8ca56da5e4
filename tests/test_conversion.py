"""What is kept under a model's hash is that model's conversion, and nothing else's."""

import json
import logging
import os
import subprocess
import tempfile

import pytest

from inference import conversion
from inference.conversion import UnconvertibleModelError, litert_file


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("STEERING_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "eff.h5"
    path.write_bytes(b"one")
    return path


def converted(monkeypatch, meanwhile=lambda: None):
    """Stands for the converter's process: writes what the model file holds when it comes to read it."""
    calls = []

    def convert(model, file, preprocess, converter):
        calls.append(file)
        meanwhile()
        file.write_bytes(b"litert of " + model.read_bytes())
        conversion.origin_path(file).write_text(json.dumps({"notes": ["a note"]}))

    monkeypatch.setattr(conversion, "_convert", convert)
    return calls


def test_a_model_is_converted_once(model, cache, monkeypatch):
    calls = converted(monkeypatch)
    for _ in range(2):
        file, notes = litert_file(model)
        assert (file.read_bytes(), notes) == (b"litert of one", ("a note",))
    assert len(calls) == 1
    assert len(list(cache.iterdir())) == 2, "the file and its notes"


def test_a_file_replaced_while_it_is_converted_is_not_kept_under_the_old_ones_hash(model, cache, monkeypatch):
    converted(monkeypatch, meanwhile=lambda: model.write_bytes(b"two"))
    with pytest.raises(UnconvertibleModelError, match="changed while it was converted"):
        litert_file(model)
    assert list(cache.iterdir()) == []
    converted(monkeypatch)
    model.write_bytes(b"one")
    assert litert_file(model)[0].read_bytes() == b"litert of one"


def test_what_is_kept_where_nobody_can_write_is_used(model, cache, monkeypatch, tmp_path):
    calls = converted(monkeypatch)
    file, _ = litert_file(model)
    monkeypatch.setattr(os, "access", lambda folder, mode: folder != cache)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    assert litert_file(model)[0] == file
    model.write_bytes(b"two")
    assert litert_file(model)[0].parent == tmp_path / "steering-models"
    assert len(calls) == 2


def test_a_file_never_lies_in_the_cache_without_its_notes(model, cache, monkeypatch):
    converted(monkeypatch)
    replace, renamed = conversion.os.replace, []

    def watched(source, target):
        replace(source, target)
        renamed.append(target)
        names = {path.name for path in cache.iterdir() if path in renamed}
        assert all(f"{name}.json" in names for name in names if name.endswith(".tflite"))

    monkeypatch.setattr(conversion.os, "replace", watched)
    file, _ = litert_file(model)
    assert file in renamed


def test_a_conversion_that_fails_leaves_nothing(model, cache, monkeypatch):
    def fails(model, file, preprocess, converter):
        file.write_bytes(b"half")
        raise UnconvertibleModelError("no")

    monkeypatch.setattr(conversion, "_convert", fails)
    with pytest.raises(UnconvertibleModelError, match="no"):
        litert_file(model)
    assert list(cache.iterdir()) == []


def test_the_converter_tells_all_where_the_log_does(model, cache, monkeypatch, caplog):
    commands = []

    def run_module(module, arguments, *_, **__):
        commands.append(arguments)
        return subprocess.CompletedProcess(module, 2, b"", b"Traceback of a library\nno model\n")

    monkeypatch.setattr(conversion, "run_module", run_module)
    for level in (logging.INFO, logging.DEBUG):
        caplog.set_level(level, "inference.conversion")
        assert "Traceback" not in caplog.text
        with pytest.raises(UnconvertibleModelError, match=r"^no model$"):
            litert_file(model)
    assert ["--verbose" in command for command in commands] == [False, True]
    assert "Traceback of a library" in caplog.text
