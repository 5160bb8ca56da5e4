"""Rules that exclude rows of a recording. They lie in a text file beside its log, and every command applies them.

A bad stretch (off the road, a wrong turn, a broken image) is thus excluded once, not by an option of every command.
No data is deleted: deleting the rules file restores the rows.

Each line holds one rule; `#` begins a comment:

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
_HEAD = "# Every command leaves out these rows. To include them again, delete lines here, or this file.\n"


class RuleError(ValueError):
    """A rule that cannot be parsed, or a rules file that cannot be read; the message quotes it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule of one line. what: `rows`, `sessions` or `seconds`; spans: (first, last) pairs, both included."""

    what: str
    spans: tuple[tuple[float, float], ...]

    def covers(self, row: int, session: int, since_start_s: float) -> bool:
        """Whether the rule excludes a row. since_start_s: seconds since the first frame; nan never matches."""
        value = {"rows": row, "sessions": session, "seconds": since_start_s}[self.what]
        return any(first <= value <= last for first, last in self.spans)

    def __str__(self) -> str:
        spans = (f"{first:.12g}" if first == last else f"{first:.12g}-{last:.12g}" for first, last in self.spans)
        return f"{self.what}={','.join(spans)}"


def parse_rule(text: str) -> Rule:
    """Parse a rule such as `rows=120-180,205`. Raises RuleError."""
    what, _, spans = text.strip().partition("=")
    what = what.strip()
    if what not in _NUMBER:
        raise RuleError(
            f"{text.strip()[:60]!r} is not a rule; rules are rows=120-180,205  sessions=0,2-3  seconds=12.5-20"
        )
    return Rule(what, tuple(_span(span.strip(), what, text) for span in spans.split(",")))


def rows_rule(rows: Sequence[int]) -> Rule:
    """The rule that excludes exactly these rows; adjacent rows form one span. rows: at least one, ascending."""
    spans = [(rows[0], rows[0])]
    for row in rows[1:]:
        if row <= spans[-1][1] + 1:
            spans[-1] = (spans[-1][0], row)
        else:
            spans.append((row, row))
    return Rule("rows", tuple(spans))


def read_rules(folder: Path) -> tuple[Rule, ...]:
    """Read the rules beside a recording; a missing file means no rules. Raises RuleError, which names the line."""
    path = folder / RULES_NAME
    try:
        with path.open("rb") as file:
            data = file.read(MAX_RULES_BYTES + 1)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise RuleError(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > MAX_RULES_BYTES:
        raise RuleError(f"{path} is larger than {MAX_RULES_BYTES // 1_000_000} MB; it is not a file of rules")
    rules = []
    for number, line in enumerate(data.decode("utf-8-sig", errors="replace").splitlines(), 1):
        rule = line.partition("#")[0].strip()
        try:
            if rule:
                rules.append(parse_rule(rule))
        except RuleError as error:
            raise RuleError(f"{path}, line {number}: {error}. Correct the line, or delete the file") from None
    return tuple(rules)


def add_rules(folder: Path, rules: Sequence[tuple[Rule, str]]) -> Path:
    """Append rules, each with its reason, to the file beside a recording; the file is replaced atomically. Returns it.

    Raises OSError when the folder is not writable.
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
    """Delete the rules file; return whether there was one. Raises OSError when the folder is not writable."""
    try:
        (folder / RULES_NAME).unlink()
    except FileNotFoundError:
        return False
    return True


def _span(text: str, what: str, rule: str) -> tuple[float, float]:
    number = _NUMBER[what]
    match = re.fullmatch(rf"({number})(?:\s*-\s*({number}))?", text, re.ASCII)
    if not match or (what == "seconds" and match[2] is None):
        kind = "seconds, as 12.5-20" if what == "seconds" else "whole numbers, as 5 or 5-9"
        raise RuleError(f"{text[:40]!r} in {rule.strip()[:60]!r} is not a span of {kind}")
    first, last = float(match[1]), float(match[2] or match[1])
    if last < first:
        raise RuleError(f"{text!r} in {rule.strip()[:60]!r} ends before it begins")
    return first, last
