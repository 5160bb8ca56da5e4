"""Numbers are read as every locale of the simulator's runtime prints them, and what is no number is refused."""

import pytest

from protocol import numbers
from protocol.errors import ProtocolError
from protocol.numbers import parse_number, spell_number


@pytest.mark.parametrize(
    ("text", "value", "mark"),
    [
        ("9.1234", 9.1234, "."),
        ("9,1234", 9.1234, ","),
        ("-0,0500", -0.05, ","),
        ("1,234.5678", 1234.5678, "."),
        ("1.234,5678", 1234.5678, ","),
        ("1\u202f234,5", 1234.5, ","),
        ("1\u00a0234,5", 1234.5, ","),
        ("12\u2019345.6", 12345.6, "."),
        ("\u22123,5", -3.5, ","),
        ("123.456.789,0", 123456789.0, ","),
        ("0/0000", 0.0, "/"),
        ("1,234/5678", 1234.5678, "/"),
        ("6/0125-", -6.0125, "/"),
        ("6.0125-", -6.0125, "."),
        ("6,0125-", -6.0125, ","),
        ("- 6,0125", -6.0125, ","),
        ("\u200e-6\u066b0125", -6.0125, "\u066b"),
        ("1\u066c234\u066b5", 1234.5, "\u066b"),
        ("0", 0.0, None),
        ("7-", -7.0, None),
        ("1E-05", 1e-5, None),
        (3, 3.0, None),
        (2.5, 2.5, "."),
    ],
)
def test_numbers_of_every_locale(text, value, mark, monkeypatch):
    monkeypatch.setattr(numbers, "MAX_MAGNITUDE", 1e9)
    assert parse_number(text) == (pytest.approx(value), mark)


@pytest.mark.parametrize(
    "bad",
    ["", "-", "--", "nan", "NaN", "Infinity", "\u221e", "1e999", "1e7", "--1", "-1-", "+1-", "1.2.3,4,5", "1/2/3"]
    + ["0x10", "\u096f", "1" * 60, True, None, [], {}, b"1", float("nan"), float("inf"), 10**400, -(10**400)],
)
def test_what_is_no_number_is_refused(bad):
    with pytest.raises(ProtocolError):
        parse_number(bad)


@pytest.mark.parametrize("mark", [".", ",", "/", "\u066b"])
def test_what_is_spelt_is_read_back(mark):
    for value in (0.0, -0.0421, 1.0, 0.00004, -25.0):
        text = spell_number(value, mark)
        assert parse_number(text) == (round(value, 4), mark)
        assert len(text.partition(mark)[2]) == 4
