"""The audit fails for what can be fixed, and for nothing else."""

import importlib.util
import io
import json
import subprocess
from pathlib import Path

import pytest

spec = importlib.util.spec_from_file_location("audit", Path(__file__).parent.parent / ".ci" / "audit.py")
audit = importlib.util.module_from_spec(spec)
spec.loader.exec_module(audit)

SOUND = {"name": "tqdm", "version": "4.67.1", "vulns": []}
UNKNOWN = {"name": "ours", "skip_reason": "Dependency not found on PyPI"}


def vulnerable(*fixes):
    return {"name": "pillow", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": list(fixes)}]}


@pytest.mark.parametrize(
    ("packages", "fails", "message"),
    [
        ([SOUND, UNKNOWN], False, "1 packages audited, 0 vulnerabilities known"),
        ([SOUND, vulnerable("1.1", "2.0")], True, "pillow 1.0: PYSEC-1, fixed in 1.1, 2.0"),
        ([vulnerable()], False, "no fix yet"),
    ],
)
def test_a_vulnerability_with_a_fix_fails(packages, fails, message):
    lines, fixable = audit.judge({"dependencies": packages, "fixes": []})
    assert fixable is fails
    assert message in "\n".join(lines)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (lambda: OSError("no route to host"), "audit skipped: the index cannot be asked (no route to host)"),
        (lambda: io.BytesIO(b"<html>"), "audit skipped: the index cannot be asked"),
        (lambda: io.BytesIO(b"{}"), "audit skipped: the index here tells no vulnerabilities"),
    ],
)
def test_without_an_index_it_says_so_and_passes(index, message, monkeypatch, capsys):
    def open_(url, timeout):
        answer = index()
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(audit.urllib.request, "urlopen", open_)
    assert audit.main() == 0
    assert capsys.readouterr().out.startswith(message)


def test_an_index_that_falls_silent_meanwhile_is_no_failure(monkeypatch, capsys):
    monkeypatch.setattr(audit, "why_not", lambda: None)

    def hangs(command, timeout, **_):
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(audit.subprocess, "run", hangs)
    assert audit.main() == 0
    assert "had not finished after" in capsys.readouterr().out

    def fails(command, **_):
        return subprocess.CompletedProcess(command, 1, "", "a warning\nConnectionError: reset")

    monkeypatch.setattr(audit.subprocess, "run", fails)
    assert audit.main() == 0
    assert "ConnectionError: reset" in capsys.readouterr().out

    def reports(command, **_):
        Path(command[-1]).write_text(json.dumps({"dependencies": [vulnerable("2.0")]}))
        return subprocess.CompletedProcess(command, 1, "", "")

    monkeypatch.setattr(audit.subprocess, "run", reports)
    assert audit.main() == 1
