"""Imports point one way: protocol <- models <- inference <- film <- server; training knows no server."""

import ast
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ALLOWED = {
    "protocol": {"protocol"},
    "models": {"protocol", "models"},
    "inference": {"protocol", "models", "inference"},
    "film": {"protocol", "models", "inference", "film"},
    "simulator": {"protocol", "simulator"},
    "server": {"protocol", "models", "inference", "film", "server"},
    "training": {"protocol", "models", "inference", "film", "simulator", "training"},
    "benchmarks": {"protocol", "models", "inference", "film", "simulator", "training", "benchmarks", "tests"},
}
COMMANDS = {"models/identify/__main__.py": {"inference"}}
"""A command that puts rooms together may know more of them than its folder, because nobody imports it."""

OURS = {*ALLOWED, "tests"}
ROOMS = {"server/net": {"socketio", "engineio", "eventlet"}, "server/web": {"flask", "werkzeug"}}
"""Which of the libraries of sockets and pages each folder of the server may know; the others know none."""

LIBRARIES = set().union(*ROOMS.values())
MOST_MODULES = 15


def imports(file: Path) -> set[str]:
    """Top-level names of all modules that a file imports, wherever in it."""
    packages = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            packages |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            packages.add((node.module or "").split(".")[0])
    return packages


@pytest.mark.parametrize("package", ALLOWED)
def test_imports_point_one_way(package):
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    for file in files:
        name = file.relative_to(ROOT).as_posix()
        wrong = (imports(file) & OURS) - ALLOWED[package] - COMMANDS.get(name, set())
        assert not wrong, f"{name} imports {wrong}"


@pytest.mark.parametrize("command", COMMANDS)
def test_nobody_imports_a_command_that_knows_more(command):
    module = command.removesuffix(".py").replace("/", ".")
    for file in (file for package in ALLOWED for file in (ROOT / package).rglob("*.py")):
        assert module not in file.read_text(encoding="utf-8"), f"{file.relative_to(ROOT)} imports {command}"


def test_protocol_needs_only_numpy_pillow_and_platformdirs():
    for file in (ROOT / "protocol").rglob("*.py"):
        foreign = imports(file) - set(sys.stdlib_module_names) - {"protocol", "numpy", "PIL", "platformdirs"}
        assert not foreign, f"{file.relative_to(ROOT)} imports {foreign}"


def test_each_library_of_sockets_and_pages_has_its_room():
    for file in (ROOT / "server").rglob("*.py"):
        room = file.parent.relative_to(ROOT).as_posix()
        foreign = (imports(file) & LIBRARIES) - ROOMS.get(room, set())
        assert not foreign, f"{file.relative_to(ROOT)} imports {foreign}"


@pytest.mark.parametrize("package", ALLOWED)
def test_no_room_is_a_drawer(package):
    for folder in {file.parent for file in (ROOT / package).rglob("*.py")}:
        modules = [file for file in folder.glob("*.py") if file.name != "__init__.py"]
        assert len(modules) <= MOST_MODULES, f"{folder.relative_to(ROOT)} has {len(modules)} modules"


def test_public_classes_have_names_of_their_own():
    files = defaultdict(list)
    for package in ALLOWED:
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.parse(file.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    files[node.name].append(str(file.relative_to(ROOT)))
    assert {name: places for name, places in files.items() if len(places) > 1} == {}
