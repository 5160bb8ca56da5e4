"""Rules that leave rows of a recording out, in a text file beside it: nothing is deleted, and all commands obey.

A bad stretch (off the road, a wrong turn, a broken image) should be left out once, where the data lies, rather than by
an option that every later command must be given again. Deleting the file undoes it.

One rule a line, `#` begins a comment:

    rows=120-180,205      lines of driving_log.csv, from 1, as all reports name them
    sessions=0,2-3        recording sessions, from 0
    seconds=12.5-20       time since the recording's first frame
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

RULES_NAME = "exclude.txt"
MAX_RULES_BYTES = 1_000_000

_NUMBER = {"rows": r"\d{1,9}", "sessions": r"\d{1,9}", "seconds": r"\d{1,9}(?:\.\d{1,6})?"}
_HEAD = "# Rows that every command leaves out. To undo it, delete lines here, or this file.\n"


class RuleError(ValueError):
    """A rule that cannot be read, or a rules file that cannot be used; says what it holds."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What one line leaves out. what: `rows`, `sessions` or `seconds`; spans: first and last, both included."""

    what: str
    spans: tuple[tuple[float, float], ...]

    def covers(self, row: int, session: int, since_start_s: float) -> bool:
        """Whether a row is left out. since_start_s: seconds since the first frame; nan, unknown, is never covered."""
        value = {"rows": row, "sessions": session, "seconds": since_start_s}[self.what]
        return any(first <= value <= last for first, last in self.spans)

    def __str__(self) -> str:
        spans = (f"{first:.12g}" if first == last else f"{first:.12g}-{last:.12g}" for first, last in self.spans)
        return f"{self.what}={','.join(spans)}"


def parse_rule(text: str) -> Rule:
    """`rows=120-180,205` -> Rule. Raises RuleError."""
    what, _, spans = text.strip().partition("=")
    what = what.strip()
    if what not in _NUMBER:
        raise RuleError(
            f"{text.strip()[:60]!r} is no rule; rules are rows=120-180,205  sessions=0,2-3  seconds=12.5-20"
        )
    return Rule(what, tuple(_span(span.strip(), what, text) for span in spans.split(",")))


def rows_rule(rows: Sequence[int]) -> Rule:
    """The rule that leaves out just these rows, neighbours as one span. rows: at least one, in order."""
    spans = [(rows[0], rows[0])]
    for row in rows[1:]:
        if row <= spans[-1][1] + 1:
            spans[-1] = (spans[-1][0], row)
        else:
            spans.append((row, row))
    return Rule("rows", tuple(spans))


def read_rules(folder: Path) -> tuple[Rule, ...]:
    """The rules beside a recording, none where there is no file. Raises RuleError, which names the line."""
    path = folder / RULES_NAME
    try:
        with path.open("rb") as file:
            data = file.read(MAX_RULES_BYTES + 1)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise RuleError(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > MAX_RULES_BYTES:
        raise RuleError(f"{path} is larger than {MAX_RULES_BYTES // 1_000_000} MB; it holds no rules of ours")
    rules = []
    for number, line in enumerate(data.decode("utf-8-sig", errors="replace").splitlines(), 1):
        rule = line.partition("#")[0].strip()
        try:
            if rule:
                rules.append(parse_rule(rule))
        except RuleError as error:
            raise RuleError(f"{path}, line {number}: {error}. Mend the line, or delete the file") from None
    return tuple(rules)


def add_rules(folder: Path, rules: Sequence[tuple[Rule, str]]) -> Path:
    """Add rules, each with its reason, to those beside a recording; returns the file, whole at any moment.

    Raises OSError where the folder cannot be written to.
    """
    path = folder / RULES_NAME
    text = path.read_bytes() if path.exists() else _HEAD.encode()
    if not text.endswith(b"\n"):
        text += b"\n"
    for rule, reason in rules:
        text += (f"{rule}  # {reason}\n" if reason else f"{rule}\n").encode()
    partial = path.with_name(RULES_NAME + ".partial")
    try:
        partial.write_bytes(text)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def remove_rules(folder: Path) -> bool:
    """Take all rules back; whether there were any. Raises OSError where the folder cannot be written to."""
    try:
        (folder / RULES_NAME).unlink()
    except FileNotFoundError:
        return False
    return True


def _span(text: str, what: str, whole: str) -> tuple[float, float]:
    number = _NUMBER[what]
    found = re.fullmatch(rf"({number})(?:\s*-\s*({number}))?", text, re.ASCII)
    if not found or (what == "seconds" and found[2] is None):
        kind = "seconds, as 12.5-20" if what == "seconds" else "whole numbers, as 5 or 5-9"
        raise RuleError(f"{text[:40]!r} in {whole.strip()[:60]!r} is not a span of {kind}")
    first, last = float(found[1]), float(found[2] or found[1])
    if last < first:
        raise RuleError(f"{text!r} in {whole.strip()[:60]!r} ends before it begins")
    return first, last
