"""Tries a network file that others made in a separate process, before a process that drives opens it.

LiteRT and ONNX Runtime are not made for hostile files: a wrong offset can end the process, and a network can ask for
any amount of memory or time. In the trial this ends the trial. The cache remembers which contents passed.
"""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np

from inference.child_process import run_module
from inference.network_files.litert import reason
from inference.network_files.opening import PACKAGES, open_network
from inference.network_files.tensors import EngineError, image_input
from models.keras_files.file_kinds import ModelKind
from protocol.cache_folder import cache_folder, preferred_folder

TRIAL_LIMIT_S = 30
"""A trial takes half a second."""

MEMORY_BYTES = 8 << 30
"""Of addresses, not of memory in use."""

REFUSED = 2


def try_once(kind: ModelKind, content: bytes, file: Path, size: tuple[int, int]) -> None:
    """Let a separate process open the file and answer a frame of noise, unless the same content has passed before.

    content: of `file`, which may change meanwhile; size: rows and columns where the file leaves them open.
    Raises EngineError if the process refuses the file, crashes, or takes too long; OSError.
    """
    key = hashlib.sha256(f"{kind} {version(PACKAGES[kind])} {size} {sys.version}".encode() + content).hexdigest()[:40]
    name = f"tried-{key}"
    if (preferred_folder() / name).exists() or (cache_folder() / name).exists():
        return
    arguments = [kind, str(file), *map(str, size)]
    try:
        process = run_module("inference.network_files.trial", arguments, TRIAL_LIMIT_S, content)
    except subprocess.TimeoutExpired:
        raise EngineError(f"{file} did not answer a frame in {TRIAL_LIMIT_S} s") from None
    if process.returncode == REFUSED:
        raise EngineError(process.stdout.decode(errors="replace").strip())
    if process.returncode:
        raise EngineError(f"{file} made its runtime crash in a trial: it is damaged, or made to do harm")
    (cache_folder() / name).touch()


def main() -> int:
    """The separate process: KIND NAME ROWS COLUMNS, and the content on standard input. Returns 0 or REFUSED."""
    kind: ModelKind = "onnx" if sys.argv[1] == "onnx" else "litert"
    name, *size = sys.argv[2:]
    with contextlib.suppress(ImportError):  # Windows sets no limits
        import resource  # noqa: PLC0415

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        network = open_network(kind, sys.stdin.buffer.read(), name, threads=1)
        image = image_input(Path(name), network.inputs)
        tensors = list(network.inputs)
        tensors[image] = tensors[image].filled((int(size[0]), int(size[1])))
        if not network.outputs:
            raise EngineError(f"{name} answers with nothing")
        random = np.random.default_rng(0)
        network.run([tensor.encode(random.random(tensor.shape, np.float32)) for tensor in tensors], [0])
    except EngineError as error:
        print(error)
        return REFUSED
    except MemoryError:
        print(f"{name} needs more than {MEMORY_BYTES >> 30} GB of memory")
        return REFUSED
    except Exception as error:  # what a runtime raises
        print(f"{name} fails on a frame: {reason(error)}")
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
