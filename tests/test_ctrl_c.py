"""Ctrl-C ends every command in the same way: with one line and the exit code 130."""

import argparse
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GUARD = '\n\nif __name__ == "__main__":\n'
CHILDREN = {"film.process", "inference.network_files.trial", "server.web.saliency_process"}
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
