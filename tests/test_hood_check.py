"""The check tells who steers by the road from who steers by the hood."""

import numpy as np
import pytest

from protocol.recorder import Recorder
from protocol.recording import read_recording
from simulator.camera import HOOD_ROW
from tests.conftest import jpeg_of
from training import hood_check
from training.hood_check import KINDS, main, per_metre

GREY = {"center": 100, "left": 130, "right": 70}


@pytest.fixture
def folder(tmp_path):
    """Each camera's road has one grey, and its hood the same."""
    with Recorder(tmp_path / "drive") as recorder:
        for i in range(5):
            frames = {name: jpeg_of(np.full((160, 320, 3), grey, np.uint8)) for name, grey in GREY.items()}
            recorder.write(1.6e9 + i / 10, frames["center"], 0.0, 0.3, 0.0, 15.0, frames["left"], frames["right"])
    return tmp_path / "drive"


class ByRows:
    """Steers by the mean grey of some rows."""

    def __init__(self, rows):
        self.rows = rows

    def predict(self, frames):
        return frames[:, self.rows].mean((1, 2, 3)) / 100


@pytest.mark.parametrize(
    ("rows", "expected"), [(slice(0, HOOD_ROW), (0.4, 0.4, 0.0)), (slice(HOOD_ROW, 160), (0.4, 0.0, 0.4))]
)
def test_road_and_hood_are_told_apart(folder, rows, expected):
    found = per_metre(ByRows(rows), read_recording(folder).samples)
    assert [found[kind] for kind in KINDS] == pytest.approx(expected, abs=0.02)


def test_the_command_prints_a_line_for_each_model(folder, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(hood_check, "open_engine", lambda model: ByRows(slice(0, HOOD_ROW)))
    assert main([str(folder), "one.h5", "two.h5", "--moments", "4"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["one.h5", "two.h5"]
    assert lines[2].split()[1:] == ["0.400", "0.400", "0.000"]
    assert main([str(folder), "one.h5", "--moments", "9"]) == 2
    assert "5 moving rows have three cameras; --moments is 9" in capsys.readouterr().err
    assert main([str(tmp_path / "nothing"), "one.h5"]) == 2
