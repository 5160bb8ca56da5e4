"""`--udacity DIR` in every command that takes a track: it names the checkout for all that the command starts."""

from __future__ import annotations

import argparse
import os

import pytest

from server.config.options import parse_options
from simulator import drive, record
from simulator.by_hand import command as by_hand
from simulator.unity.checkout import add_checkout_option, checkout_folder
from training import evaluate
from training.compare import __main__ as compare
from training.writeup import __main__ as writeup


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    monkeypatch.setenv("UDACITY_SIMULATOR", "before")  # so that it is set back after the test


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "Assets").mkdir()
    return tmp_path.resolve()


@pytest.mark.parametrize(
    ("main", "arguments"),
    [
        (drive.main, []),
        (record.main, ["recordings"]),
        (by_hand.main, []),
        (evaluate.main, ["model.h5"]),
        (compare.main, ["eff"]),
        (writeup.main, ["drive"]),
    ],
)
def test_a_folder_that_is_no_checkout_is_refused_by_each_command(main, arguments, tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        main([*arguments, "--track", "udacity-lake", "--udacity", str(tmp_path / "nowhere")])
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "nowhere is no checkout of Udacity's simulator" in line
    assert "git clone https://github.com/udacity/self-driving-car-sim" in line


def test_the_option_names_the_checkout_for_all_that_asks_later(checkout):
    parser = argparse.ArgumentParser()
    add_checkout_option(parser)
    assert parser.parse_args([]).udacity is None
    assert os.environ["UDACITY_SIMULATOR"] == "before"
    assert parser.parse_args(["--udacity", str(checkout)]).udacity == checkout
    assert checkout_folder() == checkout


def test_the_server_hands_the_folder_on_to_the_simulator_that_it_starts(checkout, capsys):
    options = parse_options(["model.h5", "--simulator", "udacity-lake", "--udacity", str(checkout)], {})
    assert options.simulator == ("simulator", "--track", "udacity-lake", "--udacity", str(checkout))
    for simulator in ([], ["--simulator", "playback:recordings/lake"]):
        with pytest.raises(SystemExit):
            parse_options(["model.h5", "--udacity", str(checkout), *simulator], {})
        assert "give --simulator udacity-lake" in capsys.readouterr().err
