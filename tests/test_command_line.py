"""What all commands share: numbers within limits, help with its own lines, one line and an exit code for mistakes."""

from argparse import ArgumentTypeError

import pytest

from protocol.command_line import USUAL_CODES, command_parser, number, positive, run, whole


def raising(error: BaseException):
    def body() -> int:
        raise error

    return body


def test_numbers_lie_within_their_limits():
    assert [number(0, 1, "a throttle")(text) for text in ("0", "0.25", "1")] == [0.0, 0.25, 1.0]
    for text in ("-0.1", "1.01", "nan", "inf", "much", ""):
        with pytest.raises(ArgumentTypeError) as refused:
            number(0, 1, "a throttle")(text)
        assert str(refused.value) == f"a throttle must be a number from 0 to 1, got {text!r}"
    with pytest.raises(ArgumentTypeError):
        positive("0")


def test_whole_numbers_have_no_fraction():
    assert [whole(0, 2**31 - 1)(text) for text in ("0", "7.0", "2147483647")] == [0, 7, 2147483647]
    for text, message in (("1.5", "whole number, got '1.5'"), ("2147483648", "from 0 to 2147483647, got '2147483648'")):
        with pytest.raises(ArgumentTypeError, match=message):
            whole(0, 2**31 - 1)(text)


def test_a_wrong_option_is_named_and_help_keeps_its_lines(capsys):
    parser = command_parser("python -m drive", "Drive.\n\nexamples:\n  one\n  two\n")
    parser.add_argument("--laps", type=number(1, 9))
    with pytest.raises(SystemExit, match="2"):
        parser.parse_args(["--laps", "10"])
    assert "drive: error: argument --laps: it must be a number from 1 to 9, got '10'" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="0"):
        parser.parse_args(["--help"])
    assert capsys.readouterr().out.endswith(f"examples:\n  one\n  two\n\n{USUAL_CODES}\n")


@pytest.mark.parametrize(("result", "code"), [(0, 0), (1, 1), (None, 0)])
def test_the_exit_code_is_the_bodys(result, code):
    assert run(lambda: result, "drive") == code


def test_an_expected_error_is_one_line(capsys):
    assert run(raising(ValueError("no\n  such road")), "drive") == 2
    assert capsys.readouterr().err == "drive: no such road\n"
    assert run(raising(FileNotFoundError("gone")), "") == 2
    assert capsys.readouterr().err == "gone\n"


def test_an_unexpected_error_keeps_its_traceback():
    with pytest.raises(RuntimeError):
        run(raising(RuntimeError("a fault of ours")), "drive")
    with pytest.raises(ValueError, match="ours"):
        run(raising(ValueError("ours")), "drive", (OSError,))


def test_ctrl_c_ends_with_130_and_what_to_do(capsys):
    assert run(raising(KeyboardInterrupt()), "drive") == 130
    assert capsys.readouterr().err == "stopped\n"
    assert run(raising(KeyboardInterrupt()), "drive", stopped="stopped; go on") == 130
    assert capsys.readouterr().err == "stopped; go on\n"
