"""Opens LiteRT's interpreter, for files of ours and of others, without what it writes to the standard error."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

from protocol.start import quiet_libraries

_unquieted = [quiet_libraries]
"""LiteRT tells once in a process that it uses XNNPACK; later openings leave the standard error as it is."""


def open_interpreter(source: Path | bytes, threads: int) -> Any:
    """An interpreter with its tensors. source: the file's bytes, or a path that LiteRT may map into memory.

    Raises ValueError and RuntimeError as LiteRT does.
    """
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415  # heavy: only when chosen

    content = {"model_content": source} if isinstance(source, bytes) else {"model_path": str(source)}
    with _unquieted.pop()() if _unquieted else nullcontext():
        interpreter = Interpreter(**content, num_threads=threads)
        interpreter.allocate_tensors()
    return interpreter
