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

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def log(self) -> str:
        """What it has written to stderr so far. It appends, so it goes on writing at the end."""
        self._stderr.seek(0)
        return self._stderr.read()

    def workers(self) -> list[int]:
        """The process ids of its workers (Linux: from /proc)."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [int(pid) for pid in children if b"server.workers.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    def memory_mb(self) -> float:
        """Resident memory of the server and its workers, in MB (Linux: from /proc)."""
        statuses = [Path(f"/proc/{pid}/status").read_text() for pid in (self.pid, *self.workers())]
        return (
            sum(int(kilobytes) for status in statuses for kilobytes in re.findall(r"VmRSS:\s+(\d+) kB", status)) / 1024
        )

    def wait(self) -> int:
        """Wait until it has ended by itself; its exit code."""
        return self._process.wait(timeout=60)

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
