"""What newer versions of the pinned packages would do is said, and fails nothing."""

import importlib.util
from pathlib import Path

import pytest

spec = importlib.util.spec_from_file_location("newer", Path(__file__).parent.parent / ".ci" / "newer.py")
newer = importlib.util.module_from_spec(spec)
spec.loader.exec_module(newer)


@pytest.mark.parametrize(
    ("reason", "version", "outcome", "message"),
    [
        ("no route to the index", [], None, "newer versions not tried: no route to the index"),
        (None, [], None, "nothing newer than what is installed"),
        (None, ["eventlet 9.0"], (True, "90 passed"), "eventlet 9.0: the pins can be raised (90 passed)"),
        (None, ["eventlet 9.0"], (False, "3 failed"), "eventlet 9.0: BROKEN with it"),
    ],
)
def test_a_newer_version_is_news_not_a_failure(monkeypatch, capsys, reason, version, outcome, message):
    monkeypatch.setattr(newer, "install", lambda folder: reason)
    monkeypatch.setattr(newer, "newer", lambda folder: version)
    monkeypatch.setattr(newer, "try_tests", lambda folder: outcome)
    assert newer.main() == 0
    assert message in capsys.readouterr().out


def test_the_pins_lie_below_the_next_minor_version():
    lines = (newer.ROOT / "requirements-drive.txt").read_text().splitlines()
    for package in newer.PACKAGES:
        (pin,) = (line.removeprefix(package) for line in lines if line.startswith(package))
        low, high = (part.lstrip(">=<").split(".") for part in pin.split(","))
        assert (low[0], int(low[1]) + 1) == (high[0], int(high[1]))


def test_what_is_newer_is_found(tmp_path):
    assert newer.newer(str(tmp_path)) == []
    info = tmp_path / "eventlet-99.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: eventlet\nVersion: 99.0\n")
    assert newer.newer(str(tmp_path)) == ["eventlet 99.0"]


def test_the_tests_of_the_wire_are_there():
    assert [name for name in newer.TESTS if not (newer.ROOT / "tests" / name).is_file()] == []
