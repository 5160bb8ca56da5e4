"""Recordings that strangers packed, renamed or wrote with other tools are read, and a line says how."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from protocol.logs.columns import read_header
from protocol.recording import RecordingError, read_frames, read_recording, recording_folder
from tests.conftest import jpeg_of, road_frame
from training.doctor.__main__ import main as doctor

JPEG, PNG = jpeg_of(road_frame()), jpeg_of(road_frame(), "PNG")
CAMERAS = ("center", "left", "right")
NUMBERS = (-0.25, 0.5, 0.0, 30.25)


def name(i: int, camera: str = "center", suffix: str = "jpg") -> str:
    return f"{camera}_2016_12_01_13_30_48_{100 + i}.{suffix}"


def write(folder: Path, lines: list[str], *, images: str = "IMG", suffix: str = "jpg", data: bytes = JPEG) -> Path:
    """A recording of two moments and three cameras with this log."""
    (folder / images).mkdir(parents=True)
    for i in range(2):
        for camera in CAMERAS:
            (folder / images / name(i, camera, suffix)).write_bytes(data)
    (folder / "driving_log.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def row(i: int, separator: str = ",", before: str = "", path: str = "C:\\Users\\me\\my data\\IMG\\") -> str:
    return before + separator.join([*(path + name(i, camera) for camera in CAMERAS), *map(str, NUMBERS)])


def check(folder: Path, *notes: str) -> None:
    """Both rows are read with all cameras and numbers, and these are all notes, in this order."""
    recording = read_recording(folder)
    assert recording.problems == ()
    assert [(s.steering, s.throttle, s.brake, s.speed_mph) for s in recording.samples] == [NUMBERS, NUMBERS]
    assert all(s.left and s.right and s.center.is_file() for s in recording.samples)
    assert len(recording.notes) == len(notes), recording.notes
    for note, phrase in zip(recording.notes, notes, strict=True):
        assert phrase in note
        assert f"\n  {note}" in recording.summary()


@pytest.mark.parametrize(
    "header",
    [
        "center_image,left_image,right_image,steering_angle,throttle,brake,speed",
        "Center,Left,Right,Steering Angle,Throttle,Break,Speed",
        "center camera,left camera,right camera,angle,gas,reverse,speed_mph",
        "centerCam,leftCam,rightCam,SteeringAngle,throttle,brake,speed (mph)",
        "img_center,img_left,img_right,steer,acceleration,brakes,velocity",
        "image_path,left_path,right_path,wheel_angle,throttle,braking,mph",
    ],
)
def test_a_header_in_other_words(tmp_path, header):
    column = header.split(",")[3]
    expected = f"{column!r} is read as steering" if column != "Steering" else "is read as"
    check(write(tmp_path / "r", [header, row(0), row(1)]), expected)


def test_udacitys_own_header_needs_no_word(tmp_path):
    check(write(tmp_path / "r", ["Center,left,RIGHT,steering,throttle,brake,speed", row(0), row(1)]))


def test_the_plainest_of_two_words_for_one_column_is_taken():
    columns = read_header(["angle", "steering_angle", "steering", "image", "center", "target speed", "speed"])
    assert columns is not None
    assert dict(columns.places) == {"center": 4, "steering": 2, "speed": 6}
    assert read_header(["IMG/a.jpg", "steering"]) is None
    assert read_header(["0.5", "1", "0", "20"]) is None


def test_columns_that_are_not_there_are_named(tmp_path):
    folder = write(tmp_path / "r", ["image,angle", f"{name(0)},0.5", f"{name(1)},0.25"])
    recording = read_recording(folder)
    assert [s.steering for s in recording.samples] == [0.5, 0.25]
    assert (
        recording.notes[1] == "the header names no throttle and no brake and no speed column; such values are read as 0"
    )


def test_a_header_of_unknown_words_leaves_udacitys_order(tmp_path):
    folder = write(tmp_path / "r", ["mitte,links,rechts,lenkung,gas,bremse,tempo", row(0), row(1)])
    check(folder, "names no center and no steering column; columns are taken in Udacity's order")


@pytest.mark.parametrize(
    "header", [[], [",center,left,right,steering,throttle,brake,speed"], [",0,1,2,3,4,5,6"], ["a,b,c,d,e,f,g"]]
)
def test_the_index_that_pandas_adds(tmp_path, header):
    folder = write(tmp_path / "r", [*header, row(0, before="0,"), row(1, before="1,")])
    recording = read_recording(folder)
    assert [(s.steering, s.throttle, s.brake, s.speed_mph) for s in recording.samples] == [NUMBERS, NUMBERS]
    assert "decimal commas" not in recording.dialect
    has_names = header and "center" in header[0]
    assert has_names or "the log's first column counts the rows" in recording.notes[-1]


def test_columns_after_the_speed(tmp_path):
    folder = write(tmp_path / "r", [f"{row(0)},12.5,3", f"{row(1)},12.5,3"])
    check(folder, "2 columns after the speed are not read")
    assert read_recording(folder).dialect == "no header, commas, 9 columns, Windows paths"


@pytest.mark.parametrize("separator", ["\t", ";"])
def test_tabs_and_semicolons(tmp_path, separator):
    folder = write(tmp_path / "r", ["", row(0, separator, path="/home/a, b/"), row(1, separator, path="/home/a, b/")])
    check(folder)
    separators = {"\t": "tabs", ";": "semicolons"}[separator]
    assert read_recording(folder).dialect == f"no header, {separators}, 7 columns, Unix paths"


@pytest.mark.parametrize("images", ["img", "images", "IMG/IMG", "img/IMG"])
def test_images_in_other_folders(tmp_path, images):
    check(write(tmp_path / "r", [row(0), row(1)], images=images), f"images lie in {images}/")


@pytest.mark.parametrize("suffix", ["JPG", "png", "jpeg"])
def test_images_of_another_suffix(tmp_path, suffix):
    folder = write(tmp_path / "r", [row(0), row(1)], suffix=suffix, data=PNG if suffix == "png" else JPEG)
    check(
        folder, f"6 image files differ in case or suffix from the log's names ({name(0, suffix=suffix)} for {name(0)})"
    )


@pytest.mark.parametrize(("suffix", "data", "kind"), [("jpg", PNG, "PNG"), ("png", JPEG, "JPEG")])
def test_images_of_another_kind_than_their_suffix(tmp_path, suffix, data, kind):
    lines = [row(i).replace(".jpg", f".{suffix}") for i in range(2)]
    check(
        write(tmp_path / "r", lines, suffix=suffix, data=data),
        f"6 images are {kind} in spite of their suffix ({name(0, suffix=suffix)})",
    )


def test_a_path_to_the_log_or_to_the_images_or_above_the_recording(tmp_path):
    folder = write(tmp_path / "above" / "run", [row(0), row(1)])
    check(folder / "driving_log.csv")
    check(folder / "IMG", "the log lies beside IMG/")
    check(tmp_path / "above", "the recording lies in run/")
    (tmp_path / "results.csv").write_text("model,error\n")
    check(tmp_path, "the recording lies in above/run/")
    assert recording_folder(tmp_path) == folder
    (folder / "driving_log.csv").rename(folder / "Log 1.csv")
    check(folder, "the log is Log 1.csv")
    check(folder / "Log 1.csv", "the log is Log 1.csv")


def test_a_path_that_may_mean_several_logs_is_refused(tmp_path):
    for run in ("a", "b"):
        write(tmp_path / "all" / run, [row(0), row(1)])
    with pytest.raises(RecordingError, match=r"holds 2 recordings \(all/a, all/b\); name one of them"):
        read_recording(tmp_path)
    folder = tmp_path / "all" / "a"
    (folder / "driving_log.csv").rename(folder / "one.csv")
    (folder / "two.csv").write_text("")
    with pytest.raises(RecordingError, match=r"2 csv files \(one.csv, two.csv\); name the one that is the log"):
        read_recording(folder)


@pytest.mark.parametrize(
    ("file", "message"), [("run.zip", "is packed: unpack it"), ("model.h5", "is a file; a recording is a folder with")]
)
def test_a_file_that_is_no_log_is_refused(tmp_path, file, message):
    (tmp_path / file).write_bytes(b"x")
    with pytest.raises(RecordingError, match=message):
        read_recording(tmp_path / file)


def test_a_log_whose_images_are_elsewhere_and_one_in_degrees(tmp_path):
    folder = write(tmp_path / "r", [row(7), row(8)])
    with pytest.raises(RecordingError, match=r"row 1: no file center_\S+; put its images into \S+IMG$"):
        read_recording(folder)
    degrees = write(tmp_path / "d", [row(0).replace("-0.25", "12.5"), row(1)])
    assert "steering 12.5 is outside -1..1; divide degrees by 25" in read_recording(degrees).problems[0].detail


@pytest.mark.parametrize("images", [".", "IMG"])
def test_images_without_a_log_have_times_and_no_steering(tmp_path, images):
    folder = tmp_path / "run1"
    (folder / images).mkdir(parents=True)
    stamps = ["48_900", "49_000", "49_100", "55_000"]
    for stamp in reversed(stamps):
        (folder / images / f"2020_01_01_12_00_{stamp}.jpg").write_bytes(JPEG)
    (folder / images / f"left_2020_01_01_12_00_{stamps[0]}.jpg").write_bytes(JPEG)
    (folder / images / "2020_01_01_12_00_49_050.jpg").write_bytes(JPEG[:900])
    recording = read_frames(folder)
    assert [s.center.stem[-6:] for s in recording.samples] == stamps
    assert [s.time_s - recording.start_s for s in recording.samples] == pytest.approx([0, 0.1, 0.2, 6.1])
    assert [s.session for s in recording.samples] == [0, 0, 0, 1]
    assert [s.left is not None for s in recording.samples] == [True, False, False, False]
    assert all(math.isnan(value) for s in recording.samples for value in (s.steering, s.throttle, s.brake, s.speed_mph))
    assert [(p.kind, p.row) for p in recording.problems] == [("broken", 3)]
    with pytest.raises(RecordingError, match=r"run1 holds 5 frames and no driving_log.csv, so there is no steering"):
        read_recording(folder)


def test_frames_without_times_go_by_the_numbers_in_their_names(tmp_path):
    for number in (10, 9, 1):
        (tmp_path / f"frame_{number}.png").write_bytes(PNG)
    assert [s.center.stem for s in read_frames(tmp_path).samples] == ["frame_1", "frame_9", "frame_10"]


def test_missing_side_images_are_told_by_camera_and_their_rows_are_used(tmp_path, capsys):
    folder = write(tmp_path / "r", [row(0), row(1)])
    (folder / "IMG" / name(0, "left")).unlink()
    for i in range(2):
        (folder / "IMG" / name(i, "right")).unlink()
    assert doctor([str(folder)]) == 1
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("! missing"))
    assert (
        "the right camera's images are missing for 2 of 2 (100 %) rows, the left's for 1 (row 1: no file left_" in line
    )
    assert "the rows are used: training takes the centre image there" in line
    assert "left out by every command" not in line


def test_a_row_without_its_centre_image_is_left_out_and_told_once(tmp_path, capsys):
    folder = write(tmp_path / "r", [row(0), row(1)])
    for camera in CAMERAS:
        (folder / "IMG" / name(0, camera)).unlink()
    assert doctor([str(folder)]) == 1
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("! missing"))
    assert "1 of 2 (50 %) rows name a centre image that is not there (row 1: no file center_" in line
    assert line.endswith("left out by every command")
