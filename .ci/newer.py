"""Would newer versions of the packages still do, whose private methods the server overrides? Says so; fails nothing.

They are pinned below their next minor version, so a newer one breaks nobody. This tries the newest with the tests of
the wire, so that the pins can be raised, or the code mended, before somebody has to.

python .ci/newer.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from importlib.metadata import distributions, version
from pathlib import Path

PACKAGES = ("python-socketio", "python-engineio", "eventlet")
TESTS = (
    "test_server_answers.py",
    "test_server_errors.py",
    "test_client_dialects.py",
    "test_several_simulators.py",
    "test_hostile_clients.py",
    "test_faults.py",
    "test_websocket.py",
    "test_refusals.py",
)
ROOT = Path(__file__).resolve().parent.parent
INSTALL_S, TEST_S = 120, 300


def install(folder: str) -> str | None:
    """Put the newest of each into `folder`; why that cannot be done, None when it is."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    try:
        process = subprocess.run(
            [*command, "--upgrade", "--target", folder, *PACKAGES],
            timeout=INSTALL_S,
            capture_output=True,
            text=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"the index has not answered for {INSTALL_S} s"
    return (process.stderr.strip().splitlines() or ["pip failed"])[-1] if process.returncode else None


def newer(folder: str) -> list[str]:
    """`package version` for each that is newer there than what is installed."""
    newest = {package.metadata["Name"]: package.version for package in distributions(path=[folder])}
    return [f"{name} {newest[name]}" for name in PACKAGES if newest.get(name, version(name)) != version(name)]


def try_tests(folder: str) -> tuple[bool, str]:
    """Whether the tests of the wire pass with what is in `folder`, and pytest's last line."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "not slow", *(f"tests/{name}" for name in TESTS)]
    environment = {**os.environ, "PYTHONPATH": folder}
    try:
        process = subprocess.run(
            command, cwd=ROOT, env=environment, timeout=TEST_S, capture_output=True, text=True, check=False
        )
    except subprocess.TimeoutExpired:
        return False, f"they had not ended after {TEST_S} s"
    return process.returncode == 0, (process.stdout.strip().splitlines() or ["no output"])[-1]


def main() -> int:
    """Say what the newest would do; exit code 0 always."""
    with tempfile.TemporaryDirectory() as folder:
        reason = install(folder)
        if reason:
            print(f"newer versions not tried: {reason}")
            return 0
        names = newer(folder)
        if not names:
            print(f"{', '.join(PACKAGES)}: nothing newer than what is installed")
            return 0
        passed, last = try_tests(folder)
        verdict = "the pins can be raised" if passed else "BROKEN with it: mend the server before the pins are raised"
        print(f"{', '.join(names)}: {verdict} ({last})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
