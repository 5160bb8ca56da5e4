"""A server in a process of its own, from its ready line to its end."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parent.parent
READY = re.compile(r"listening on http://[^ ]+:(\d+)")


class ServerProcess:
    """Runs `python WORDS` from the repository and waits until it listens. `port` is where.

    Raises RuntimeError with the server's last words when it ends instead.
    """

    def __init__(self, *words: str) -> None:
        self._said = tempfile.TemporaryFile("a+", encoding="utf-8")  # not a pipe, which a long run would fill
        self._process = subprocess.Popen(
            [sys.executable, *words],
            cwd=ROOT,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if found := READY.search(line):
                self.port = int(found.group(1))
                self.ready_line = line.strip()
                return
        last_words = self.log()[-500:]
        self.stop()
        raise RuntimeError(f"{' '.join(words)} ended before it listened: {last_words}")

    @property
    def pid(self) -> int:
        """Process id, for asking the system about it."""
        return self._process.pid

    def log(self) -> str:
        """What it has written to stderr so far. It appends, so it goes on writing at the end."""
        self._said.seek(0)
        return self._said.read()

    def memory_mb(self) -> float:
        """Resident memory, in MB (Linux: from /proc)."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        return int(found.group(1)) / 1024 if found else float("nan")

    def stop(self) -> int:
        """End it as SIGTERM does, if it still runs; its exit code."""
        if self._process.poll() is None:
            self._process.terminate()
        self._process.communicate(timeout=60)
        self._said.close()
        return self._process.returncode

    def __enter__(self) -> ServerProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
