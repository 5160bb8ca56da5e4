"""Known vulnerabilities of what is installed, by pip-audit: a fixable one fails the check, an absent index does not.

python .ci/audit.py
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

KNOWN = "https://pypi.org/pypi/pip/24.0/json"
"""Where the index, if it is one, tells vulnerabilities; some mirrors have packages only."""

ANSWER_S, AUDIT_S = 10, 180


def why_not() -> str | None:
    """Why nothing can be known here, None when it can."""
    try:
        with urllib.request.urlopen(KNOWN, timeout=ANSWER_S) as answer:
            return None if "vulnerabilities" in json.load(answer) else "the index here tells no vulnerabilities"
    except (OSError, ValueError) as error:
        return f"the index cannot be asked ({error})"


def report() -> dict[str, Any] | str:
    """pip-audit's report, or why there is none."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "report.json")
        command = [
            sys.executable,
            "-m",
            "pip_audit",
            "--local",
            "--progress-spinner",
            "off",
            "--timeout",
            str(ANSWER_S),
        ]
        command += ["--format", "json", "--output", str(file)]
        try:
            process = subprocess.run(command, timeout=AUDIT_S, capture_output=True, text=True, check=False)
        except subprocess.TimeoutExpired:
            return f"pip-audit had not finished after {AUDIT_S} s"
        try:
            findings: dict[str, Any] = json.loads(file.read_text())
        except (OSError, ValueError):
            return f"pip-audit wrote no report: {(process.stderr.strip().splitlines() or ['and no reason'])[-1]}"
        return findings


def judge(findings: dict[str, Any]) -> tuple[list[str], bool]:
    """Lines to print, and whether one of them names a vulnerability with a fix."""
    lines, fixable = [], False
    for package in findings["dependencies"]:
        for vulnerability in package.get("vulns", ()):
            fixes = ", ".join(vulnerability["fix_versions"])
            fixable = fixable or bool(fixes)
            advice = f"fixed in {fixes}" if fixes else "no fix yet, so this does not fail the check"
            lines.append(f"{package['name']} {package['version']}: {vulnerability['id']}, {advice}")
    audited = sum("vulns" in package for package in findings["dependencies"])
    return [*lines, f"{audited} packages audited, {len(lines)} vulnerabilities known"], fixable


def main() -> int:
    """Exit code 1 when something is to be updated."""
    reason = why_not()
    findings = reason if reason else report()
    if isinstance(findings, str):
        print(f"audit skipped: {findings}")
        return 0
    lines, fixable = judge(findings)
    print(*lines, sep="\n")
    return int(fixable)


if __name__ == "__main__":
    sys.exit(main())
