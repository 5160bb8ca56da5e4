"""Ctrl-C ends every command in the same way: with one line and the exit code 130."""

import argparse
import ast
import importlib
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GUARD = '\n\nif __name__ == "__main__":\n'
CHILDREN = {"film.process", "inference.network_files.trial", "server.web.saliency_process", "server.workers.worker"}
"""Not commands: other processes start these, and end them themselves."""


def commands() -> list[str]:
    """The modules that `python -m` runs, or that python runs as a file."""
    names = set()
    for package in (init.parent for init in ROOT.glob("*/__init__.py") if init.parent.name != "tests"):
        for file in package.rglob("*.py"):
            if file.name == "__main__.py" or GUARD in file.read_text(encoding="utf-8"):
                names.add(".".join(file.relative_to(ROOT).with_suffix("").parts))
    assert names > CHILDREN
    return sorted(names - CHILDREN)


def test_every_command_is_listed():
    examples = {"server.drive", "training.__main__", "simulator.__main__", "benchmarks.fleet", "inference.conversion"}
    assert examples <= set(commands())


@pytest.mark.parametrize("command", commands())
def test_ctrl_c_is_one_line_and_exit_code_130(command, monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    module = importlib.import_module(command)
    assert module.__file__ is not None
    assert Path(module.__file__).read_text(encoding="utf-8").endswith(f"{GUARD}    sys.exit(main())\n")
    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", interrupt)
    try:
        code = module.main([])
    except KeyboardInterrupt:
        code = None  # it would end pytest
    assert code == 130
    output = capsys.readouterr()
    assert output.err.startswith("stopped")
    assert output.err.count("\n") == 1
    assert output.out == ""


@pytest.mark.parametrize("command", commands())
def test_help_has_an_example_and_the_exit_codes(command, monkeypatch, capsys):
    module = importlib.import_module(command)
    with pytest.raises(SystemExit, match="0"):
        module.main(["--help"])
    _, options, examples = capsys.readouterr().out.partition("-h, --help")
    assert options
    name = command.removesuffix(".__main__")
    call = "python server/drive.py " if command == "server.drive" else f"python -m {name} "
    assert call in f"{examples} ".replace("\n", " \n"), "besides the usage"
    assert "exit code: 0 " in examples
    assert "130 " in examples.partition("exit code:")[2]


@pytest.mark.parametrize("command", commands())
def test_each_begins_before_its_large_imports(command):
    """Only the standard library may be imported before Ctrl-C is taken care of."""
    module = importlib.import_module(command)
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    begin = next(i for i, node in enumerate(tree.body) if "begin_command()" in ast.unparse(node))
    assert isinstance(tree.body[begin], ast.If)
    for node in tree.body[:begin]:
        for name in ast.walk(node):
            names = [alias.name for alias in name.names] if isinstance(name, ast.Import) else []
            names += [name.module] if isinstance(name, ast.ImportFrom) else []
            assert {part.partition(".")[0] for part in names} <= {*sys.stdlib_module_names, "protocol"}, command


@pytest.mark.parametrize("child", sorted(CHILDREN - {"inference.network_files.trial"}))
def test_a_child_ignores_ctrl_c_before_its_large_imports(child):
    text = (ROOT / f"{child.replace('.', '/')}.py").read_text(encoding="utf-8")
    assert 0 < text.index("SIG_IGN") < text.index("\nimport os")
