"""What all commands share: numbers within limits, help with its own lines, one line and an exit code for mistakes."""

from argparse import ArgumentTypeError

import pytest

from protocol.command_line import USUAL_CODES, command_parser, number, output_file, plain, positive, run, whole


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


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--lasp", "3"], "there is no option --lasp; did you mean --laps?"),
        (["--lasp=3", "road"], "there is no option --lasp; did you mean --laps?"),
        (["road", "--zebra"], "there is no option --zebra; `python -m drive --help` lists them"),
        (["road", "rail"], "no place for 'rail'; `python -m drive --help` says what it takes"),
        (["road", "--laps", "banana"], "argument --laps: it must be a number from 1 to 9, got 'banana'"),
        ([], "the following arguments are required: road"),
    ],
)
def test_a_mistake_is_one_line_with_the_closest_option(arguments, line, capsys):
    parser = command_parser("python -m drive", "Drive.")
    parser.add_argument("road")
    parser.add_argument("--laps", type=number(1, 9))
    with pytest.raises(SystemExit, match="2"):
        parser.parse_args(arguments)
    assert capsys.readouterr().err == f"python -m drive: error: {line}\n"


def test_what_looks_like_an_option_may_be_a_value():
    parser = command_parser("python -m drive", "Drive.")
    parser.add_argument("roads", nargs="+")
    parser.add_argument("--pixels")
    assert parser.parse_args(["--pix", "a", "road"]).pixels == "a", "an abbreviation"
    assert parser.parse_args(["--", "--lasp"]).roads == ["--lasp"]


def test_a_subcommand_names_its_own_closest_option(capsys):
    parser = command_parser("python -m drive", "Drive.")
    parser.add_subparsers().add_parser("fast").add_argument("--laps")
    with pytest.raises(SystemExit, match="2"):
        parser.parse_args(["fast", "--lasp", "3"])
    assert capsys.readouterr().err.endswith("drive fast: error: there is no option --lasp; did you mean --laps?\n")


def test_a_systems_error_is_plain_words(tmp_path):
    with pytest.raises(FileNotFoundError) as missing:
        (tmp_path / "no" / "file").read_bytes()
    assert plain(missing.value) == f"cannot open or make {tmp_path / 'no' / 'file'}: no such file or directory"
    assert plain(OSError("the disk\n is full")) == "the disk is full"


def test_a_file_to_write_needs_its_folder(tmp_path):
    assert output_file(str(tmp_path / "new.json")) == tmp_path / "new.json"
    with pytest.raises(ArgumentTypeError, match="there is no folder"):
        output_file(str(tmp_path / "no" / "new.json"))
    with pytest.raises(ArgumentTypeError, match="is a folder"):
        output_file(str(tmp_path))
