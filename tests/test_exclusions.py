"""Rules beside a recording leave rows out for every reader, can be undone, and never touch the recording."""

import math

import pytest

from protocol.exclusions import RULES_NAME, RuleError, add_rules, parse_rule, read_rules, remove_rules, rows_rule
from protocol.recording import LOG_NAME, RecordingError, read_recording
from training.data.samples import load_drives
from training.run.recipe import Recipe


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("rows=5", [(5, 0, 0)], [(4, 0, 0), (6, 5, 5)]),
        (" rows = 5-7, 9 ", [(5, 0, 0), (7, 0, 0), (9, 0, 0)], [(8, 0, 0)]),
        ("sessions=0,2-3", [(1, 0, 0), (1, 3, 0)], [(1, 1, 0), (0, 4, 0)]),
        ("seconds=1.5-2", [(1, 0, 1.5), (1, 0, 2.0)], [(1, 0, 1.49), (1, 0, math.nan)]),
    ],
)
def test_what_a_rule_covers(text, inside, outside):
    rule = parse_rule(text)
    assert all(rule.covers(*row) for row in inside)
    assert not any(rule.covers(*row) for row in outside)
    assert parse_rule(str(rule)) == rule


@pytest.mark.parametrize(
    "text",
    [
        "", "row 5", "rows", "rows=", "rows=7-5", "rows=1,,2", "rows=-3", "rows=1.5", "rows=1e9", "lines=3", "rows=٣",
        "seconds=5", "seconds=nan-3", "sessions=all", "rows=12345678901",
    ],
)  # fmt: skip
def test_what_is_no_rule_is_refused(text):
    with pytest.raises(RuleError):
        parse_rule(text)


def test_rows_become_the_shortest_rule():
    assert str(rows_rule([3, 4, 5, 9, 11, 12])) == "rows=3-5,9,11-12"


def test_every_reader_leaves_excluded_rows_out(make_recording):
    folder = make_recording(rows=100, sessions=2)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    add_rules(folder, [(parse_rule("rows=11-20"), "off the road"), (parse_rule("seconds=3-3.45"), "")])
    recording = read_recording(folder)
    assert [s.row for s in recording.samples][:35] == [*range(1, 11), *range(21, 31), *range(36, 51)]
    assert recording.excluded == 15
    assert "15 excluded by exclude.txt" in recording.summary()
    (drive,) = load_drives([folder], Recipe(), None, 1)
    assert drive.steering.size == 185
    add_rules(folder, [(parse_rule("sessions=1"), "")])
    assert {s.session for s in read_recording(folder).samples} == {0}
    assert remove_rules(folder)
    assert not remove_rules(folder)
    assert read_recording(folder).excluded == 0
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_session_numbers_and_seconds_stay_as_they_were(make_recording):
    folder = make_recording(rows=20, sessions=2)
    add_rules(folder, [(parse_rule("sessions=0"), ""), (parse_rule("seconds=1000-1000.35"), "")])
    samples = read_recording(folder).samples
    assert [s.row for s in samples] == list(range(25, 41))
    assert {s.session for s in samples} == {1}


def test_a_persons_own_file_is_kept_and_added_to(make_recording):
    folder = make_recording(rows=20)
    (folder / RULES_NAME).write_bytes("# schön\r\nrows=1  # mine\r\n\r\n  # more".encode())
    add_rules(folder, [(parse_rule("rows=2"), "damaged")])
    assert (
        folder / RULES_NAME
    ).read_bytes() == "# schön\r\nrows=1  # mine\r\n\r\n  # more\nrows=2  # damaged\n".encode()
    assert [str(rule) for rule in read_rules(folder)] == ["rows=1", "rows=2"]


def test_a_broken_rules_file_is_a_clear_error(make_recording):
    folder = make_recording(rows=20)
    (folder / RULES_NAME).write_text("rows=3\nrows=lots\n")
    with pytest.raises(
        RecordingError, match=r"exclude\.txt, line 2: 'lots' in 'rows=lots' is not a span of whole numb"
    ):
        read_recording(folder)
    (folder / RULES_NAME).write_bytes(b"x" * 1_000_001)
    with pytest.raises(RecordingError, match="larger than 1 MB"):
        read_recording(folder)
    (folder / RULES_NAME).unlink()
    (folder / RULES_NAME).mkdir()
    with pytest.raises(RecordingError, match="cannot be read"):
        read_recording(folder)


def test_rules_that_leave_nothing_are_a_clear_error(make_recording):
    folder = make_recording(rows=20)
    (folder / RULES_NAME).write_text("rows=1-20\n")
    with pytest.raises(RecordingError, match="excludes all 20 rows; delete the file"):
        read_recording(folder)
    assert (folder / LOG_NAME).exists()
