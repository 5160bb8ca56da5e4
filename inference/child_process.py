"""Runs a command of this repository in a process of its own, which never outlives the wait for it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def run_module(
    module: str,
    arguments: Sequence[str],
    limit_s: float,
    content: bytes = b"",
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run `python -m module arguments` to its end. content: for its standard input; environment: None for this one's.

    After Ctrl-C too the process is dead before this returns, so a file that it was writing can be deleted; the standard
    library's `run` kills it, but does not wait. Raises subprocess.TimeoutExpired after `limit_s`.
    """
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            output, errors = process.communicate(content, limit_s)
        finally:
            process.kill()
            process.wait()
    return subprocess.CompletedProcess(command, process.returncode, output, errors)
