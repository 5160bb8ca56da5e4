"""What a command does before its imports, which may take seconds.

From then on Ctrl-C ends it with one line and one exit code, a package that is not installed is named in one line, and
libraries in C keep their chatter to themselves. A command calls `begin_command` before it imports anything large.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import FrameType, ModuleType, TracebackType

BAD_INPUT, INTERRUPTED = 2, 130
STOPPED = "stopped"

ROOT = Path(__file__).resolve().parent.parent
IMPORTING = "<frozen importlib._bootstrap>"

CHATTER = re.compile(
    rb"All log messages before absl::InitializeLog|oneDNN custom operations|Could not find cuda drivers|cuInit"
    rb"|optimized to use available CPU instructions|rebuild TensorFlow with|XNNPACK delegate"
)
"""Lines that TensorFlow and LiteRT write whatever their log level is; they tell a user nothing to act on."""

_terminal = 2
"""The file descriptor of the standard error, also while `quiet_libraries` keeps number 2."""


def begin_command() -> None:
    """Prepare the process for a command. Call it from the main module only, before its other imports."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.meta_path.insert(0, _QuietTensorFlow())
    sys.excepthook = _report
    signal.signal(signal.SIGINT, interrupt)


def interrupt(number: int, frame: FrameType | None) -> None:
    """Handle Ctrl-C: end the process in the middle of an import, else raise KeyboardInterrupt.

    Modules in C turn a KeyboardInterrupt inside their import into other errors, or swallow it; and while a command
    imports, nothing is open yet.
    """
    while frame is not None:
        if frame.f_code.co_filename == IMPORTING:
            end_at_once()
        frame = frame.f_back
    raise KeyboardInterrupt


def end_at_once(*_: object) -> None:
    """Handle Ctrl-C where nothing is left to close."""
    with contextlib.suppress(Exception):  # the interrupted line may be writing there
        sys.stdout.flush()
    say(STOPPED)
    os._exit(INTERRUPTED)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt in the block, and end the process at once after it; in commands only."""
    is_command = signal.getsignal(signal.SIGINT) in (interrupt, end_at_once)
    if is_command:
        signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        if is_command and signal.getsignal(signal.SIGINT) is interrupt:
            signal.signal(signal.SIGINT, end_at_once)


def say(line: str) -> None:
    """Write a line to the standard error; on a terminal, below the ^C of the user."""
    with contextlib.suppress(OSError):
        os.write(_terminal, f"{os.linesep if os.isatty(_terminal) else ''}{line}{os.linesep}".encode())


@contextlib.contextmanager
def quiet_libraries() -> Iterator[None]:
    """Hold back what is written to the standard error in the block, then write it without the CHATTER."""
    global _terminal  # noqa: PLW0603 - one process has one standard error
    try:
        original = os.dup(2)
    except OSError:  # a program without a standard error
        yield
        return
    sys.stderr.flush()
    with tempfile.TemporaryFile() as file:
        _terminal = original
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(original, 2)
            _terminal = 2
            os.close(original)
            file.seek(0)
            os.write(2, b"".join(line for line in file if not CHATTER.search(line)))


class _QuietTensorFlow(MetaPathFinder):
    """Lets the import of TensorFlow run inside `quiet_libraries`."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The usual spec, with another loader; None for any other module."""
        if fullname != "tensorflow":
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        spec = next(filter(None, (finder.find_spec(fullname, path, target) for finder in others)), None)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def quietly(module: ModuleType) -> None:
                sys.meta_path.remove(self)
                with quiet_libraries():
                    execute(module)

            spec.loader.exec_module = quietly  # type: ignore[method-assign]
        return spec


def _report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The last resort for an exception: a line for Ctrl-C and for a missing package, a traceback for our own faults."""
    if issubclass(kind, KeyboardInterrupt):
        say(STOPPED)
        raise SystemExit(INTERRUPTED)
    package = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if package and not (ROOT / package).exists():
        say(f"this needs the package {package}, which is not installed: pip install -r requirements.txt")
        raise SystemExit(BAD_INPUT)
    sys.__excepthook__(kind, error, trace)
