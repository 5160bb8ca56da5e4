"""The command line: students' habits work, mistakes get one clear line and exit code 2."""

import logging
import socket
from pathlib import Path

import pytest

from inference.devices import available_cores
from server.built_in_simulator import simulator_text
from server.config.options import parse_options
from server.drive import access_rules, main


def test_defaults():
    options = parse_options(["models/eff.h5"])
    assert (options.host, options.port, options.speed_mph, options.throttle) == ("127.0.0.1", 4567, 15.0, None)
    assert (options.engine, options.record, options.video, options.simulator) == ("auto", None, None, None)


def test_udacitys_command_line_records():
    assert parse_options(["model.h5", "run1"]).record == Path("run1")
    assert parse_options(["model.h5", "--record", "run2"]).record == Path("run2")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "MODEL"),
        (["m.h5", "--port", "70000"], "a port must be a number from 0 to 65535, got '70000'"),
        (["m.h5", "--speed", "fast"], "a speed in mph must be a number from 0 to 100, got 'fast'"),
        (["m.h5", "--speed", "nan"], "a speed in mph"),
        (["m.h5", "--throttle", "1.5"], "a throttle must be a number from 0 to 1, got '1.5'"),
        (["m.h5", "--speed", "10", "--throttle", "0.5"], "not allowed with"),
        (["m.h5", "--engine", "warp"], "warp"),
        (["m.h5", "--workers", "0"], "a number of workers must be a number from 1 to 32, or auto, got '0'"),
        (["m.h5", "--workers", "many"], "or auto, got 'many'"),
        (["m.h5", "--threads", "0"], "a number of threads must be a number from 1 to 64"),
        (["m.h5", "--batch-ms", "-1"], "milliseconds to wait must be a number from 0 to 100"),
        (["m.h5", "--simulator", "moon"], "got 'moon'"),
        (["m.h5", "--saliency"], "give --video FILE.mp4"),
        (["m.h5", "--limit", "5"], "give --simulator playback:RECORDING"),
        (["m.h5", "--simulator", "lake", "--limit", "5"], "give --simulator playback:RECORDING"),
        (
            ["m.h5", "--simulator", "playback:x", "--laps", "2"],
            "udacity-jungle (also with :shadows) or replay:RECORDING",
        ),
        (["m.h5", "--preprocess", "colour=red"], "argument --preprocess: colour=red"),
        (["m.h5", "--output", ""], "needs the name or the number of an output"),
        (["m.h5", "--output", "a,b"], "one output steers, got 'a,b'"),
        (
            ["m.h5", "--output", "1", "--preprocess", "course, output=0"],
            "--output 1 and output=0 in 'course, output=0'",
        ),
        (["m.h5:output=0", "--output", "steering"], "--output steering and output=0"),
        (["m.h5", "--simulator", "by-hand", "--laps", "2"], "give --simulator lake, jungle"),
        (["m.h5", "--simulator", "random:x"], "got 'random:x'"),
        (["m.h5", "--simulator", "lake:fog"], "(each also with :night or :rain)"),
        (["m.h5", "--simulator", "playback:x", "--limit", "0"], "a number of frames"),
    ],
)
def test_mistakes_are_named(arguments, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        parse_options(arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["m.h5", "--output", " steering "], "output=steering"),
        (["m.h5", "--output", "1", "--preprocess", "course"], "course, output=1"),
        (["m.h5:course", "--output", "1"], "course, output=1"),
        (["m.h5", "--output", "1", "--preprocess", "output=1, steer=-1"], "output=1, steer=-1"),
    ],
)
def test_the_output_that_steers_may_be_an_option_of_its_own(arguments, text):
    assert parse_options(arguments).preprocess == text
    assert parse_options(arguments[:1], {"DRIVE_OUTPUT": "2"}).preprocess.endswith("output=2")


def test_help_has_examples_and_names_the_preprocessings(capsys):
    with pytest.raises(SystemExit) as stopped:
        parse_options(["--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    assert "python server/drive.py models/eff.h5" in text
    assert "pilotnet" in text


def test_a_playback_becomes_the_command_of_a_client(tmp_path):
    command = parse_options(["m.h5", "--simulator", f"playback:{tmp_path}", "--limit", "600"]).simulator
    assert command == ("simulator.playback", str(tmp_path.resolve()), "--limit", "600")


def test_a_replay_becomes_a_track_of_the_built_in_simulator(tmp_path):
    command = parse_options(["m.h5", "--simulator", f"replay:{tmp_path}", "--laps", "0.5"]).simulator
    assert command == ("simulator", "--track", f"replay:{tmp_path.resolve()}", "--laps", "0.5")


def test_a_track_becomes_the_command_of_the_built_in_simulator():
    command = parse_options(["m.h5", "--simulator", "random:7", "--laps", "2"]).simulator
    assert command == ("simulator", "--track", "random:7", "--laps", "2")
    for name in ("lake", "jungle:night", "random:7:rain"):
        assert parse_options(["m.h5", "--simulator", name]).simulator == ("simulator", "--track", name)
    assert parse_options(["m.h5", "--simulator", "by-hand"]).simulator == ("simulator", "--by-hand")
    assert simulator_text(("simulator", "--by-hand")) == "by-hand"


def test_a_token_is_made_up_only_where_strangers_could_come():
    for arguments, token_needed in (([], False), (["--host", "localhost"], False), (["--host", "::1"], False)):
        assert bool(access_rules(parse_options(["m.h5", *arguments])).token) is token_needed
    for arguments in (["--host", "0.0.0.0"], ["--host", "car.example"], ["--protect-simulators"]):
        first, second = (access_rules(parse_options(["m.h5", *arguments])).token for _ in range(2))
        assert len(first) >= 16
        assert first != second
    access = access_rules(parse_options(["m.h5", "--token", "x" * 16, "--allow-host", "Car.Example"]))
    assert (access.token, "car.example" in access.hosts) == ("x" * 16, True)


@pytest.mark.parametrize(
    ("limit", "cores"),
    [
        ("max 100000", 64),
        ("400000 100000", 4),
        ("150000 100000", 2),
        ("10000 100000", 1),
        ("9000000 100000", 64),
        ("", 64),
    ],
)
def test_a_containers_limit_of_time_counts_as_cores(limit, cores, monkeypatch, tmp_path):
    monkeypatch.setattr("os.sched_getaffinity", lambda process: range(64), raising=False)
    monkeypatch.setattr("inference.devices.CONTAINER_QUOTA", tmp_path / "cpu.max")
    assert available_cores() == 64
    (tmp_path / "cpu.max").write_text(limit + "\n")
    assert available_cores() == cores


@pytest.mark.parametrize(
    ("cores", "workers", "threads"), [(1, 1, None), (2, 1, None), (3, 1, None), (4, 2, 2), (8, 4, 2), (64, 8, 4)]
)
def test_auto_takes_a_worker_for_each_two_cores(cores, workers, threads, monkeypatch):
    monkeypatch.setattr("inference.engine.available_cores", lambda: cores)
    monkeypatch.setattr("server.config.workers.available_cores", lambda: cores)
    monkeypatch.setattr(socket, "send_fds", None, raising=False)  # as if on Linux
    options = parse_options(["m.h5", "--workers", "auto"])
    assert (options.workers, options.threads) == (workers, threads)
    assert parse_options(["m.h5"]).workers == 1
    assert parse_options(["m.h5", "--threads", "3"], {"DRIVE_WORKERS": "5"}).threads == 3


def test_several_workers_are_refused_where_connections_cannot_be_handed_over(monkeypatch, capsys):
    monkeypatch.delattr(socket, "send_fds", raising=False)
    assert parse_options(["m.h5", "--workers", "auto"]).workers == 1
    assert parse_options(["m.h5", "--workers", "1"]).workers == 1
    with pytest.raises(SystemExit, match="2"):
        parse_options(["m.h5", "--workers", "2"])
    line = capsys.readouterr().err.splitlines()[-1]
    assert "--workers 2 needs a system that hands connections from one process to another, such as Linux" in line


def test_a_short_token_is_refused(capsys):
    with pytest.raises(SystemExit):
        parse_options(["m.h5", "--token", "secret"])
    assert "a token has 16 or more" in capsys.readouterr().err


def test_a_start_in_vain_is_one_line_and_at_debug_what_came_before_it(monkeypatch, caplog, capsys):
    def fails(host, port):
        raise ValueError("a library's own")

    monkeypatch.setattr("server.drive.bind", fails)
    monkeypatch.setattr("server.drive.set_up_logging", lambda kind, verbose: None)  # it would hold for all tests
    caplog.set_level(logging.DEBUG, "server.drive")
    assert main(["m.h5"]) == 2
    assert capsys.readouterr().err == "drive.py: a library's own\n"
    assert "Traceback" in caplog.text
