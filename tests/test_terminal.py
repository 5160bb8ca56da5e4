"""On a terminal a log line and the progress bar of another process do not collide."""

import os
import subprocess
import sys

import pytest

from tests.server_process import ROOT

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a pseudo terminal needs a POSIX system")

COLUMNS = 100
TALKS = """
import logging, subprocess, sys
from server.config.log_format import set_up_logging
set_up_logging("human", verbose=False)
BAR = '''
import sys
from tqdm import tqdm
with tqdm(total=4, desc="lake", mininterval=0, disable=None) as bar:
    for _ in sys.stdin:
        bar.update()
        print("drawn", flush=True)
'''
child = subprocess.Popen([sys.executable, "-c", BAR], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
for step in range(4):
    child.stdin.write("go\\n"); child.stdin.flush()
    child.stdout.readline()
    if step < 3:
        logging.getLogger("server").info("line %d of the log", step)
child.stdin.close(); child.wait()
"""


def screen(written: str) -> list[str]:
    """The lines that a terminal shows after these characters; a carriage return goes to the line's beginning."""
    lines = []
    for line in written.replace("\r\n", "\n").split("\n"):
        shown = ""
        for piece in line.split("\r"):
            shown = piece + shown[len(piece) :]
        lines.append(shown.rstrip())
    return lines


def on_a_terminal(command):
    """What the screen shows after the command, whose standard error is a terminal."""
    import fcntl  # noqa: PLC0415
    import struct  # noqa: PLC0415
    import termios  # noqa: PLC0415

    terminal, end = os.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    process = subprocess.Popen(command, cwd=ROOT, stderr=end)
    os.close(end)
    written = b""
    try:
        while data := os.read(terminal, 65536):
            written += data
    except OSError:  # Linux' answer to the end
        pass
    os.close(terminal)
    assert process.wait(60) == 0, written
    return screen(written.decode())


def test_a_log_line_replaces_the_bar_which_draws_itself_anew_below():
    lines = on_a_terminal([sys.executable, "-c", TALKS])
    assert [line[9:] for line in lines[:3]] == [f"line {step} of the log" for step in range(3)]
    assert sum("lake:" in line for line in lines) == 1, "one bar, the last, and none in between"
    assert "4/4" in lines[3]
