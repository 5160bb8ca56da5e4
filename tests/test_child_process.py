"""A command in a process of its own answers, and never outlives the wait for it."""

import os
import subprocess
import sys

import pytest

from inference import child_process
from inference.child_process import run_module

ECHO = """import os, sys, time
print(os.getpid(), sys.argv[1], sys.stdin.read(), flush=True)
print("an error", file=sys.stderr)
sys.exit(3)
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """module(source) -> the name of a module with this source."""
    monkeypatch.setattr(child_process, "ROOT", tmp_path)

    def write(source):
        (tmp_path / "child.py").write_text(source)
        return "child"

    return write


def test_it_gets_what_it_needs_and_answers(module):
    process = run_module(module(ECHO), ["an argument"], 20, b"content")
    assert process.stdout.decode().split(maxsplit=1)[1].strip() == "an argument content"
    assert (process.returncode, process.stderr.decode().strip()) == (3, "an error")


@pytest.mark.parametrize("error", [KeyboardInterrupt, subprocess.TimeoutExpired(["child"], 1)])
def test_it_is_gone_whatever_ends_the_wait(module, monkeypatch, error):
    processes = []

    def interrupted(process, *_):
        processes.append(process)
        process._sigint_wait_secs = 0  # as the real one leaves it: it has waited for the process once
        raise error

    monkeypatch.setattr(subprocess.Popen, "communicate", interrupted)
    with pytest.raises(KeyboardInterrupt if error is KeyboardInterrupt else subprocess.TimeoutExpired):
        run_module(module("import time; time.sleep(60)"), [], 1)
    assert processes[0].returncode is not None
    if sys.platform != "win32":
        with pytest.raises(ProcessLookupError):
            os.kill(processes[0].pid, 0)
