"""A command's start: Ctrl-C is one line even in an import, libraries are quiet, a missing package is named."""

import os
import signal
import subprocess
import sys
import time

import pytest

from protocol.start import quiet_libraries
from tests.server_process import ROOT

posix = pytest.mark.skipif(os.name == "nt", reason="no POSIX signals")

BEGIN = "from protocol.start import begin_command\nbegin_command()\nimport os, signal, sys\n"
HIDING = "import os, signal\ntry:\n    os.kill(os.getpid(), signal.SIGINT)\nexcept BaseException:\n    pass\n"
"""A module that is interrupted, and that hides it, as modules in C do."""


def python(program: str, *arguments: str, path: str = "") -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", program, *arguments]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{path}"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


@posix
def test_ctrl_c_in_an_import_ends_it_whatever_the_module_does(tmp_path):
    (tmp_path / "hiding.py").write_text(HIDING)
    process = python(BEGIN + "print('before')\nimport hiding\nprint('after')", path=str(tmp_path))
    assert (process.returncode, process.stdout, process.stderr) == (130, "before\n", "stopped\n")


@posix
def test_ctrl_c_outside_an_import_closes_what_is_open():
    program = BEGIN + "try:\n    os.kill(os.getpid(), signal.SIGINT)\n    signal.pause()\nfinally:\n    print('closed')"
    process = python(program)
    assert (process.returncode, process.stdout, process.stderr) == (130, "closed\n", "stopped\n")


@posix
def test_ctrl_c_after_a_commands_end_does_not_disturb_its_exit():
    program = BEGIN + (
        "import atexit\nfrom protocol.command_line import run\n"
        "atexit.register(lambda: (os.kill(os.getpid(), signal.SIGINT), [i for i in range(10**6)]))\n"
        "sys.exit(run(lambda: print('done'), 'x'))"
    )
    process = python(program)
    assert (process.returncode, process.stdout, process.stderr) == (130, "done\n", "stopped\n")


def test_a_missing_package_is_named_and_a_fault_of_ours_keeps_its_traceback():
    process = python(BEGIN + "import panda4d.core")
    assert process.returncode == 2
    line = "this needs the package panda4d, which is not installed: pip install -r requirements.txt\n"
    assert process.stderr == line
    process = python(BEGIN + "import protocol.nothing")
    assert process.returncode == 1
    assert "Traceback" in process.stderr


def test_a_librarys_chatter_is_left_out_and_all_else_comes_after_it(capfd):
    with quiet_libraries():
        os.write(2, b"I0000 port.cc:153] oneDNN custom operations are on.\nan error\n")
        os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n")
        assert capfd.readouterr().err == ""
    assert capfd.readouterr().err == "an error\n"


@pytest.mark.slow
def test_commands_with_tensorflow_and_litert_print_their_own_lines_only(tmp_path):
    file = tmp_path / "small.tflite"
    # JAX, which other tests import into this process, sets this for all that follows.
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    for arguments in (["models.cost", "eff"], ["models.convert", "models/eff-small.h5", str(file)]):
        process = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert process.returncode == 0
        assert process.stderr == ""


@pytest.mark.slow
@posix
@pytest.mark.parametrize("seconds", [0.3, 1.5, 4.0])
def test_ctrl_c_while_a_server_converts_leaves_no_file_and_no_child(tmp_path, seconds):
    model, cache = tmp_path / "alone.h5", tmp_path / "cache"
    model.write_bytes((ROOT / "models" / "eff.h5").read_bytes())
    process = subprocess.Popen(
        [sys.executable, "server/drive.py", str(model), "--port", "0"],
        cwd=ROOT,
        env={**os.environ, "STEERING_CACHE": str(cache)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    time.sleep(seconds)  # the moment is the subject: any one must do
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    lines = [line for line in errors.splitlines() if " converting " not in line]
    assert [line.removeprefix("drive.py: ") for line in lines] == ["stopped"]
    assert not cache.exists() or list(cache.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
