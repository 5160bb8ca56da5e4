"""A log for machines is whole JSON, whoever prints."""

import json
import subprocess
import sys

import pytest

from tests.server_process import ROOT

PRINTS = """
import logging, os, subprocess, sys, threading, warnings
from server.config.log_format import fail, set_up_logging
from server.net.transport import SimulatorServer
set_up_logging("json", verbose=False)
sio = SimulatorServer(unreadable=lambda sid: None)
os.write(2, b"INFO: said by a library in C++\\n")
subprocess.run([sys.executable, "-c", "import sys; print('said by a child', file=sys.stderr)"])
warnings.warn("said by a warning")
thread = threading.Thread(target=lambda: 1 / 0)
thread.start(); thread.join()
sio.eio.logger.error("said by engineio")
logging.getLogger("server.core.app").info("said by us")
fail("json", "said at last")
"""


def test_what_anybody_prints_is_a_record():
    process = subprocess.run(
        [sys.executable, "-c", PRINTS], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (process.returncode, process.stdout) == (0, "")
    records = [json.loads(line) for line in process.stderr.splitlines()]
    messages = [record["message"] for record in records]
    for text in ("INFO: said by a library in C++", "said by a child", "said by engineio", "said by us", "said at last"):
        assert messages.count(text) == 1, text
    assert any("said by a warning" in message for message in messages)
    assert any("ZeroDivisionError" in message for message in messages)
    levels = {record["message"]: record["level"] for record in records}
    assert (levels["said at last"], levels["said by engineio"], levels["said by a child"]) == ("error", "error", "info")


@pytest.mark.slow
def test_a_drive_with_the_built_in_simulator_logs_nothing_but_json():
    command = [
        "server/drive.py",
        "models/eff.h5",
        "--port",
        "0",
        "--log",
        "json",
        "--simulator",
        "lake",
        "--laps",
        "0.02",
    ]
    process = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert process.returncode == 0, process.stderr
    messages = [json.loads(line)["message"] for line in (process.stdout + process.stderr).splitlines()]
    assert any("listening on" in message for message in messages)
    assert any(message.startswith("off the road 0 times") for message in messages), "the simulator's report"
