"""The data doctor finds the faults that were put into a recording, calls none that was not, and leaves rows out."""

import functools
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from protocol.exclusions import RULES_NAME
from protocol.logs.dialect import sniff_dialect
from protocol.recorder import Recorder
from protocol.recording import LOG_NAME, read_recording
from tests.conftest import jpeg_of, road_frame
from training.doctor.__main__ import main
from training.doctor.frames import DamagedImageError, grey_image

SPEED_MPH = 20.0


@functools.cache
def view(i: int) -> bytes:
    """A JPEG of a striped landscape, moved on with every row, as a drive shows."""
    stripes = (np.indices((160, 320))[0] + 3 * i) // 12 % 2 * 60
    return jpeg_of((road_frame() * 0.7 + stripes[..., None]).astype(np.uint8))


def record(
    folder: Path,
    steering: np.ndarray,
    *,
    speed: float = SPEED_MPH,
    still: int = 0,
    same: int = 0,
    sides: bool = False,
) -> Path:
    """A recording, 0.1 s a row; `still` rows at its beginning stand, `same` rows at its end show one image.

    sides: whether it has side cameras too.
    """
    with Recorder(folder) as recorder:
        for i, angle in enumerate(steering):
            image = view(min(i, len(steering) - same))
            others = {"left": image, "right": image} if sides else {}
            recorder.write(1.6e9 + i / 10, image, float(angle), 0.3, 0.0, 0.0 if i < still else speed, **others)
    return folder


def wave(rows: int = 120) -> np.ndarray:
    return 0.3 * np.sin(np.arange(rows) / 7 + 0.01)


def rewrite(path: Path, change) -> None:
    path.write_bytes(change(path.read_bytes()))


def test_a_healthy_recording(tmp_path, capsys):
    assert main([str(record(tmp_path / "drive", wave(), sides=True))]) == 0
    output = capsys.readouterr().out
    assert "120 rows; 3 cameras; no header, commas, 7 columns, relative paths" in output
    assert "session 0: rows 1-120" in output
    assert "every row can be read and every image decodes" in output
    assert "0 % of rows steer exactly 0: steered throughout" in output
    assert output.endswith("healthy\n")


def test_images_damaged_inside_are_found_left_out_and_taken_back(tmp_path, capsys):
    folder = record(tmp_path / "drive", wave(60), sides=True)
    samples = read_recording(folder).samples
    rewrite(samples[10].center, lambda data: data[:3000] + data[3300:])
    rewrite(samples[30].left, lambda data: data[:200] + bytes(range(100)) + data[300:])
    Image.new("RGB", (640, 320)).save(samples[50].right)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert len(read_recording(folder).samples) == 60, "only decoding shows the damage"
    assert main([str(folder)]) == 1
    output = capsys.readouterr().out
    assert "3 of 60 (5.0 %) rows have an image that does not decode as it should (row 11: center_" in output
    assert "1 fault deserves attention" in output

    assert main([str(folder), "--exclude", "damaged"]) == 0
    assert "excluded 3 of 60 rows" in capsys.readouterr().out
    assert (folder / RULES_NAME).read_text().endswith("rows=11,31,51  # damaged\n")
    assert {s.row for s in read_recording(folder).samples} == set(range(1, 61)) - {11, 31, 51}

    assert main([str(folder), "--include-all"]) == 1
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_what_is_wrong_with_an_image_is_said(tmp_path):
    path = tmp_path / "a.jpg"
    for data, message in (
        (view(0)[:2000] + b"\xff\xd9", "damaged inside and decodes to wrong pixels"),
        (view(0)[:30] + b"\xff\xd9", "cannot be decoded"),
        (b"", "cannot be decoded"),
        (jpeg_of(np.zeros((66, 200, 3), np.uint8)), "is 200 x 66 pixels, not 320 x 160"),
    ):
        path.write_bytes(data)
        with pytest.raises(DamagedImageError, match=message):
            grey_image(path)
    with pytest.raises(DamagedImageError, match="cannot be read"):
        grey_image(tmp_path / "none.jpg")


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("RGB", {"format": "PNG"}),
        ("RGB", {"format": "JPEG", "progressive": True}),
        ("RGB", {"format": "JPEG", "subsampling": 0, "optimize": True}),
        ("L", {"format": "JPEG"}),
    ],
)
def test_unusual_but_whole_images_are_not_called_damaged(tmp_path, mode, options):
    file = io.BytesIO()
    picture = Image.fromarray(road_frame(0.5)).convert(mode)
    picture.save(file, **options)
    (tmp_path / "image").write_bytes(file.getvalue())
    expected = np.asarray(picture.convert("L"), np.float32)
    assert np.abs(grey_image(tmp_path / "image") - expected).mean() < 2


def test_rows_that_repeat_an_image_or_stand_still(tmp_path, capsys):
    folder = record(tmp_path / "drive", wave(), still=20, same=11)
    assert main([str(folder)]) == 1
    output = capsys.readouterr().out
    assert "10 of 120 (8.3 %) rows show the image of the row before although the car moved (first: row 111)" in output
    assert "20 of 120 (17 %) rows stand still" in output
    assert main([str(folder), "--exclude", "repeated", "--exclude", "standstill"]) == 0
    assert [s.row for s in read_recording(folder).samples] == list(range(21, 111))


def test_a_keyboard_driver(tmp_path, capsys):
    taps = np.zeros(300)
    taps[::8], taps[1::8], taps[4::16] = 0.25, 0.4, -0.6
    assert main([str(record(tmp_path / "drive", taps))]) == 0
    output = capsys.readouterr().out
    assert "68 % of rows steer exactly 0" in output
    assert "100 % of it in steps of 0.05: keyboard" in output
    assert "6.3 % of rows steer left, 25 % right, mean +0.044: leans to the right" in output


def test_a_drive_that_never_steers_and_one_that_hardly_does(tmp_path, capsys):
    assert main([str(record(tmp_path / "zero", np.zeros(120)))]) == 1
    assert "all 120 rows steer exactly 0" in capsys.readouterr().out
    hardly = np.zeros(120)
    hardly[5] = 0.2
    assert main([str(record(tmp_path / "hardly", hardly))]) == 1
    assert "99 % of rows steer exactly 0" in capsys.readouterr().out


def test_a_log_without_speeds(tmp_path, capsys):
    assert main([str(record(tmp_path / "drive", wave(), speed=0.0))]) == 1
    assert "the speed is 0 in every row" in capsys.readouterr().out


def test_faults_of_the_log_are_counted_with_the_first_of_each(tmp_path, capsys):
    folder = record(tmp_path / "drive", wave())
    samples = read_recording(folder).samples
    for sample in samples[20:26]:
        rewrite(sample.center, lambda data: data[:1000])
    samples[50].center.unlink()
    assert main([str(folder)]) == 1
    output = capsys.readouterr().out
    assert "! broken: 6 of 120 (5.0 %) rows have a centre image that is empty or cut off (row 21: center_" in output
    assert "- missing: 1 of 120 (0.8 %) rows name a centre image that is not there (row 51: no file center_" in output


def test_what_is_no_recording_is_exit_2_and_the_others_are_examined(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / LOG_NAME).write_text("name,price\nbread,2.50\nmilk,1.20\n")
    folders = [tmp_path / "empty", record(tmp_path / "drive", wave()), tmp_path / "other"]
    assert main([str(folder) for folder in folders]) == 2
    output = capsys.readouterr()
    assert "doctor: no readable driving_log.csv in" in output.err
    assert (
        f"doctor: {tmp_path / 'other' / LOG_NAME} has no usable row; row 2: no center image in 'bread,2.50'; the header"
        in output.err
    )
    assert output.out.endswith("healthy\n")


@pytest.mark.parametrize("rule", ["rows=500-600", "sessions=4"])
def test_a_rule_that_excludes_nothing_or_everything_is_refused(tmp_path, capsys, rule):
    folder = record(tmp_path / "drive", wave())
    assert main([str(folder), "--exclude", rule]) == 2
    assert "excludes no row" in capsys.readouterr().err
    assert main([str(folder), "--exclude", "rows=1-120"]) == 2
    assert "exclude all 120 rows" in capsys.readouterr().err
    assert not (folder / RULES_NAME).exists()


def test_a_folder_that_cannot_be_written_is_said(tmp_path, capsys):
    folder = record(tmp_path / "drive", wave())
    (folder / f"{RULES_NAME}.partial").mkdir()
    assert main([str(folder), "--exclude", "rows=1-5"]) == 2
    assert "Copy the recording to a folder you may write to" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [["a", "b", "--exclude", "rows=1"], ["a", "--exclude", "stale"]])
def test_bad_commands_are_exit_2(wrong, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(wrong)
    assert stopped.value.code == 2


def damaged(folder: Path) -> Path:
    """A recording with one image that is damaged inside."""
    record(folder, wave())
    rewrite(read_recording(folder).samples[3].center, lambda data: data[:3000] + data[3300:])
    return folder


def test_the_report_as_json(tmp_path):
    report = tmp_path / "report.json"
    assert main([str(damaged(tmp_path / "drive")), "--json", str(report)]) == 1
    (facts,) = json.loads(report.read_text(), parse_constant=pytest.fail)
    assert (facts["rows"], facts["healthy"], len(facts["roads"])) == (120, False, 1)
    assert {finding["about"]: finding["level"] for finding in facts["findings"]}["damaged"] == "fault"


@pytest.mark.slow
def test_the_report_as_a_picture(tmp_path):
    picture = tmp_path / "picture.png"
    assert main([str(damaged(tmp_path / "drive")), "--picture", str(picture)]) == 1
    with Image.open(picture) as page:
        assert page.size[0] > 1000
        assert len(page.convert("RGB").getcolors(10**7)) > 100


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (["center,left,right,steering,throttle,brake,speed", "IMG/c.jpg, IMG/l.jpg, IMG/r.jpg, 0, 0, 0, 22.1"],
         "a header, commas, 7 columns, relative paths"),
        (["C:\\a b\\IMG\\c.jpg,C:\\l.jpg,C:\\r.jpg,0,0,0,1.5"], "no header, commas, 7 columns, Windows paths"),
        (["/home/a/c.jpg,l.jpg,r.jpg,0,1,0,0,5", "/home/a/c.jpg,l.jpg,r.jpg,-0,5,1,0,30,19"],
         "no header, commas, 8-9 columns, decimal commas, Unix paths"),
        (["c.jpg;l.jpg;r.jpg;-0,25;0,5;0;30,19"], "no header, semicolons, 7 columns, decimal commas, bare names"),
        (["center,steering"], "no rows"),
        ([], "no rows"),
    ],
)  # fmt: skip
def test_a_dialect_in_words(lines, text):
    assert sniff_dialect(lines).text == text


@pytest.mark.slow
def test_the_real_recordings(steering_data, capsys):
    assert main([str(steering_data / "lake-recording")]) == 0
    output = capsys.readouterr().out
    assert "72 % of rows steer exactly 0" in output
    assert "keyboard" in output
    assert "--lap-m 113" in output
    for folder in (steering_data / "recordings-small").iterdir():
        assert main([str(folder)]) in (0, 1)
        assert "every image decodes" in capsys.readouterr().out
