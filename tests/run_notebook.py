"""Execute the course's notebook and keep its outputs, without this machine's folders.

Whoever changes the notebook or a command in it makes the outputs anew, which takes about 20 minutes on two cores:

    python -m tests.run_notebook
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "notebooks" / "behavioral_cloning.ipynb"
CELL_S = 1800
COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def execute(file: Path, environment: Mapping[str, str]) -> NotebookNode:
    """Execute all cells; returns the notebook with its outputs. Raises CellExecutionError where a cell fails.

    environment: added to this process's for the kernel.
    """
    notebook = nbformat.read(file, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        own = {"IPYTHONDIR": folder, "JUPYTER_RUNTIME_DIR": folder, "PYTHONPATH": str(ROOT), **environment}
        client = NotebookClient(
            notebook,
            timeout=CELL_S,
            kernel_name="python3",
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": str(file.parent)}},
        )
        client.execute(env={**os.environ, **own})
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if output.output_type == "stream":
                output.text = clean(output.text)
    nbformat.validate(notebook)
    return notebook


def clean(text: str) -> str:
    """Remove what belongs to this terminal and this machine: colours, the states of progress bars, and the checkout."""
    lines = [line.rstrip("\r").rpartition("\r")[2].rstrip() for line in COLOURS.sub("", text).split("\n")]
    return "\n".join(lines).replace(ROOT.as_uri() + "/", "").replace(str(ROOT) + os.sep, "")


def main() -> None:
    """Execute the notebook and write it with its outputs."""
    nbformat.write(execute(NOTEBOOK, {}), NOTEBOOK)


if __name__ == "__main__":
    main()
