"""Imports point one way: protocol <- models <- server, protocol <- simulator; the workshop may use all of them.

Benchmarks share the client that tests have.
"""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ALLOWED = {
    "protocol": {"protocol"},
    "models": {"protocol", "models"},
    "simulator": {"protocol", "simulator"},
    "server": {"protocol", "models", "server"},
    "training": {"protocol", "models", "server", "simulator", "training"},
    "benchmarks": {"protocol", "models", "server", "simulator", "training", "tests", "benchmarks"},
}
OURS = {*ALLOWED, "tests"}
SOCKETS = {"socketio", "engineio", "eventlet", "flask"}
EDGES = {"app.py", "door.py", "serving.py", "transport.py", "websocket.py", "web.py"}
EDGES |= {"api.py", "events.py", "beside.py"}


def imports(file: Path) -> set[str]:
    """Top-level names of all modules that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            found.add((node.module or "").split(".")[0])
    return found


@pytest.mark.parametrize("package", ALLOWED)
def test_imports_point_one_way(package):
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    for file in files:
        wrong = (imports(file) & OURS) - ALLOWED[package]
        assert not wrong, f"{file.relative_to(ROOT)} imports {wrong}"


def test_protocol_needs_only_numpy_and_pillow():
    for file in (ROOT / "protocol").rglob("*.py"):
        foreign = imports(file) - set(sys.stdlib_module_names) - {"protocol", "numpy", "PIL"}
        assert not foreign, f"{file.relative_to(ROOT)} imports {foreign}"


def test_only_the_edge_of_the_server_knows_sockets():
    for file in (ROOT / "server").rglob("*.py"):
        assert file.name in EDGES or not imports(file) & SOCKETS, file
