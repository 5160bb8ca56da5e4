"""Command line, environment and file: one schema, one order, one way to be refused."""

import json
import logging
import subprocess
import sys
import tomllib

import pytest

from server.built_in_simulator import ROOT, start_simulator
from server.config.log_format import JsonFormatter
from server.config.options import parse_options


@pytest.fixture
def config(tmp_path):
    def write(text: str) -> list[str]:
        (tmp_path / "drive.toml").write_text(text, encoding="utf-8")
        return ["--config", str(tmp_path / "drive.toml")]

    return write


def test_the_command_line_holds_before_the_environment_before_the_file(config):
    arguments = config(
        'model = "file.h5"\nport = 1\nspeed = 11\nrecord = "runs"\nverbose = true\nallow-host = ["a", "b"]'
    )
    environment = {"DRIVE_PORT": "2", "DRIVE_SPEED": "12", "DRIVE_VERBOSE": "no", "DRIVE_TOKEN": ""}
    options = parse_options([*arguments, "--port", "3"], environment)
    assert (options.model.name, options.port, options.speed_mph, options.verbose) == ("file.h5", 3, 12.0, False)
    assert (options.record.name, options.allow_host, options.token) == ("runs", ("a", "b"), None)
    assert parse_options([*arguments, "cli.h5", "folder"], {}).model.name == "cli.h5"
    assert parse_options([*arguments, "cli.h5", "folder"], {}).record.name == "folder"
    assert parse_options(["m.h5", "--no-verbose"], {"DRIVE_VERBOSE": "1"}).verbose is False
    assert parse_options(["m.h5"], {"DRIVE_ALLOW_HOST": "x,y"}).allow_host == ("x", "y")
    assert parse_options([], {"DRIVE_CONFIG": arguments[1]}).port == 1


def test_a_stronger_pace_displaces_a_weaker_one(config):
    arguments = ["m.h5", *config("throttle = 0.5")]
    assert parse_options(arguments, {}).throttle == 0.5
    options = parse_options([*arguments, "--speed", "20"], {})
    assert (options.speed_mph, options.throttle) == (20.0, None)
    assert parse_options([*arguments, "--throttle", "0.1"], {"DRIVE_SPEED": "9"}).throttle == 0.1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("port = 70000", "drive.toml: port: a port must be a number from 0 to 65535, got '70000'"),
        ("prot = 1", "unknown setting 'prot'; the settings are"),
        ('engine = "warp"', "engine: expected one of auto, litert"),
        ("port = true", "port: expected a text or a number, got True"),
        ('verbose = "maybe"', "verbose: expected true or false, got 'maybe'"),
        ("allow_host = 'x'", "allow_host: expected a list of texts"),
        ("speed = 1\nthrottle = 0.1", "speed and throttle exclude each other"),
        ("speed = [1]", "speed: expected a text or a number"),
        ("port = ", "is not TOML"),
        ("x = '" + "a" * 100_001 + "'", "larger than 100 kB"),
    ],
)
def test_mistakes_in_a_file_are_named(config, text, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        parse_options(["m.h5", *config(text)], {})
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_mistakes_elsewhere_are_named(capsys, tmp_path):
    for arguments, environment, message in (
        (["m.h5"], {"DRIVE_SPEED": "fast"}, "DRIVE_SPEED: a speed in mph must be a number from 0 to 100, got 'fast'"),
        (["m.h5", "--config", str(tmp_path / "none.toml")], {}, "cannot read"),
        ([], {}, "MODEL is missing"),
    ):
        with pytest.raises(SystemExit) as stopped:
            parse_options(arguments, environment)
        assert stopped.value.code == 2
        assert message in capsys.readouterr().err
    parse_options(["m.h5"], {"DRIVE_SPED": "12"})
    assert "DRIVE_SPED is no setting of this server" in capsys.readouterr().err


def test_the_printed_configuration_is_one_and_keeps_the_secret(config, capsys):
    arguments = ["models/eff.h5", "--throttle", "0.5", "--simulator", "lake", "--allow-host", "a", "--print-config"]
    with pytest.raises(SystemExit) as stopped:
        parse_options([*arguments, "--token", "a-secret-of-some-length"], {"DRIVE_PORT": "99"})
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    assert "secret" not in text
    assert "port = 99  # DRIVE_PORT" in text
    assert 'host = "127.0.0.1"  # default' in text
    assert tomllib.loads(text)["simulator"] == "lake"
    assert parse_options(config(text), {}) == parse_options(arguments[:-1], {"DRIVE_PORT": "99"})


def test_a_json_log_is_one_object_a_line():
    record = logging.LogRecord("server.core.app", logging.WARNING, "", 0, 'said "%s"\nand\u2028more', ("so",), None)
    line = JsonFormatter().format(record)
    assert "\n" not in line
    entry = json.loads(line)
    assert (entry["level"], entry["logger"], entry["message"]) == (
        "warning",
        "server.core.app",
        'said "so"\nand\u2028more',
    )
    try:
        raise ValueError("a bug")
    except ValueError as error:
        record.exc_info = (ValueError, error, error.__traceback__)
    assert "ValueError: a bug" in json.loads(JsonFormatter().format(record))["exception"]


CHILD = """
import logging, os, sys
from server.config.log_format import announce, fail, set_up_logging
kind = sys.argv[1]
set_up_logging(kind, False)
announce(kind, "listening")
logging.getLogger("server.core.app").info("of our own")
os.write(2, b"of a library\\n")
print("of Python", file=sys.stderr)
fail(kind, "no such model")
raise RuntimeError("a bug")
"""


def said_by_child(kind):
    """What it prints, on stdout and stderr: lines."""
    process = subprocess.run(
        [sys.executable, "-c", CHILD, kind], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    return process.stdout.splitlines(), process.stderr.splitlines()


def test_a_log_for_machines_is_whole_json_whoever_prints():
    out, err = said_by_child("json")
    assert [json.loads(line) for line in out] == [{"message": "listening"}]
    records = {record["message"]: record for record in map(json.loads, err)}
    assert records.keys() >= {"of our own", "of a library", "of Python", "no such model", "RuntimeError: a bug"}
    assert (records["of a library"]["logger"], records["no such model"]["level"]) == ("stderr", "error")


def test_a_log_for_people_is_plain_lines():
    out, err = said_by_child("human")
    assert out == ["listening"]
    assert [line for line in err if not line.startswith((" ", "Traceback"))][1:] == [
        "of a library",
        "of Python",
        "drive.py: no such model",
        "RuntimeError: a bug",
    ]


@pytest.mark.parametrize("plain", [True, False])
def test_the_simulators_lines_stay_out_of_a_stdout_for_machines(capfd, plain):
    assert start_simulator(("simulator.playback", "--help"), "http://127.0.0.1:1", plain=plain).wait(60) == 0
    out, err = capfd.readouterr()
    assert ("usage: " in out, "usage: " in err) == (plain, not plain)
