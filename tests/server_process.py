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
READY = re.compile(r"(?:listening on|drive by hand at) http://[^ ]+:(\d+)")


class ServerProcess:
    """Runs `python WORDS` from the repository and waits until it listens. `port` is where.

    Raises RuntimeError with the server's last words when it ends instead.
    """

    def __init__(self, *arguments: str) -> None:
        self._stderr = tempfile.TemporaryFile("a+", encoding="utf-8")  # not a pipe, which a long run would fill
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if match := READY.search(line):
                self.port = int(match.group(1))
                self.ready_line = line.strip()
                return
        last_words = self.log()[-500:]
        self.stop()
        raise RuntimeError(f"{' '.join(arguments)} ended before it listened: {last_words}")

    @property
    def pid(self) -> int:
        """Process id, for asking the system about it."""
        return self._process.pid

    def log(self) -> str:
        """What it has written to stderr so far. It appends, so it goes on writing at the end."""
        self._stderr.seek(0)
        return self._stderr.read()

    def memory_mb(self) -> float:
        """Resident memory, in MB (Linux: from /proc)."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        match = re.search(r"VmRSS:\s+(\d+) kB", status)
        return int(match.group(1)) / 1024 if match else float("nan")

    def stop(self) -> int:
        """End it as SIGTERM does, if it still runs; its exit code."""
        if self._process.poll() is None:
            self._process.terminate()
        self._process.communicate(timeout=60)
        self._stderr.close()
        return self._process.returncode

    def __enter__(self) -> ServerProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
