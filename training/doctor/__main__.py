"""The data doctor's command line reports on recordings, and on request excludes rows from all later commands.

python -m training.doctor RECORDING...
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from protocol.command_line import BAD_INPUT, command_parser, output_file, run
from protocol.errors import RecordingError
from protocol.exclusions import RULES_NAME, Rule, RuleError, add_rules, parse_rule, remove_rules, rows_rule
from protocol.recording import Recording, Sample, read_recording, recording_folder, row_times_s
from training.doctor.examination import Examination, examine
from training.doctor.findings import repeated_rows, standstill_rows
from training.doctor.frames import Frames, decode_frames
from training.doctor.picture import draw_picture

KINDS = ("damaged", "repeated", "standstill")

HELP = f"""Report what is in recordings, what is wrong with them and what to do; exclude bad rows.

examples:
  python -m training.doctor recordings/lake
  python -m training.doctor recordings/* --json report.json
  python -m training.doctor recordings/lake --picture lake.png
  python -m training.doctor recordings/lake --exclude damaged --exclude standstill
  python -m training.doctor recordings/lake --exclude rows=120-180,205 --exclude sessions=2 --exclude seconds=12.5-20
  python -m training.doctor recordings/lake --include-all

--exclude takes a kind of fault ({", ".join(KINDS)}) or a rule: rows by their line in driving_log.csv (from 1),
sessions by number (from 0), or seconds since the first frame; a range excludes its first and its last. The doctor adds
the rules to {RULES_NAME} beside the recording, which training, films, playback and evaluation obey; it deletes nothing.

exit code: 0 healthy; 1 faults that deserve attention; 2 no recording, or bad input; 130 stopped by Ctrl-C."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Examine all recordings and report; returns the exit code."""
    return run(lambda: _examine_all(_parse(arguments)), "doctor", (RuleError, OSError))


def _examine_all(options: argparse.Namespace) -> int:
    reports: list[Examination] = []
    failures = 0
    for path in options.recordings:
        try:
            if options.include_all and remove_rules(recording_folder(path)):
                print(f"removed {RULES_NAME} in {recording_folder(path)}: all rows are included again")
            reports.append(_examine_path(path, options))
            print(reports[-1].text(), flush=True)
        except RecordingError as error:
            print(f"doctor: {error}", file=sys.stderr)
            failures += 1
    if options.json:
        options.json.write_text(json.dumps([report.as_dict() for report in reports], indent=2) + "\n", "utf-8")
    return BAD_INPUT if failures else int(not all(report.healthy for report in reports))


def _examine_path(path: Path, options: argparse.Namespace) -> Examination:
    """Exclude the rows that the options name, then examine the recording."""
    recording = read_recording(path)
    frames = decode_frames(recording.samples, recording.folder.resolve().name)
    if options.exclude:
        recording = _exclude(recording, frames, options.exclude)
        frames = frames.of(recording.samples)
    report = examine(recording, frames)
    if options.picture:
        draw_picture(report, recording.samples, row_times_s(recording.samples), frames, options.picture)
    return report


def _exclude(recording: Recording, frames: Frames, rule_texts: Sequence[str]) -> Recording:
    """Write the rules and read the recording again, as all later commands will. Raises RuleError, OSError."""
    samples, folder = recording.samples, recording.folder
    rules: list[tuple[Rule, str]] = []
    excluded: set[int] = set()
    for text in rule_texts:
        kind = text if text in KINDS else ""
        rows = _rows_of_kind(kind, samples, frames) if kind else _rows_of_rule(parse_rule(text), recording)
        if rows:
            rules.append((rows_rule(rows), kind) if kind else (parse_rule(text), ""))
            excluded.update(rows)
        elif not kind:
            raise RuleError(f"{text!r} excludes no row: usable ones are {samples[0].row} to {samples[-1].row}")
    if len(excluded) == len(samples):
        raise RuleError(f"that would exclude all {len(samples)} rows of {folder}; nothing was written")
    if not rules:
        print(f"{folder}: nothing to exclude: no row is {' or '.join(rule_texts)}")
        return recording
    try:
        path = add_rules(folder, rules)
    except OSError as error:
        reason = f"cannot write {RULES_NAME} into {folder}: {error.strerror}"
        raise RuleError(f"{reason}. Copy the recording to a folder you may write to") from None
    print(f"excluded {len(excluded)} of {len(samples)} rows in {path}; undo with --include-all")
    return read_recording(folder)


def _rows_of_kind(kind: str, samples: Sequence[Sample], frames: Frames) -> list[int]:
    if kind == "damaged":
        return list(frames.damaged)
    return standstill_rows(samples) if kind == "standstill" else repeated_rows(samples, row_times_s(samples), frames)


def _rows_of_rule(rule: Rule, recording: Recording) -> list[int]:
    return [s.row for s in recording.samples if rule.covers(s.row, s.session, s.time_s - recording.start_s)]


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m training.doctor", HELP)
    parser.add_argument(
        "recordings", nargs="+", type=Path, metavar="RECORDING", help="folder with driving_log.csv, IMG/"
    )
    parser.add_argument("--json", type=output_file, metavar="FILE", help="also write all findings to this file")
    parser.add_argument(
        "--picture",
        type=output_file,
        metavar="FILE.png",
        help="draw histograms, time traces and extreme frames of one recording",
    )
    parser.add_argument("--exclude", action="append", metavar="RULE", help="exclude rows from now on; see below")
    parser.add_argument("--include-all", action="store_true", help=f"include all rows again (delete {RULES_NAME})")
    options = parser.parse_args(arguments)
    for name in ("picture", "exclude"):
        if getattr(options, name) and len(options.recordings) > 1:
            parser.error(f"--{name} works on one recording at a time")
    if options.exclude and options.include_all:
        parser.error("--exclude and --include-all contradict each other; use one after the other")
    try:
        for text in options.exclude or ():
            if text not in KINDS:
                parse_rule(text)
    except RuleError as error:
        parser.error(f"--exclude: {error}, or a kind of fault: {', '.join(KINDS)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
