"""Recordings of every dialect are read, their faults named, and our own are read back as written."""

import math
import os
from pathlib import Path

import numpy as np
import pytest

from protocol.recorder import Recorder
from protocol.recording import LOG_NAME, RecordingError, file_name_time_s, read_recording
from tests.conftest import jpeg_of, road_frame

JPEG = jpeg_of(road_frame())


def write_log(folder: Path, lines: list[str], names: list[str]) -> Path:
    (folder / "IMG").mkdir()
    for name in names:
        (folder / "IMG" / name).write_bytes(JPEG)
    (folder / LOG_NAME).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def name(i: int, camera: str = "center") -> str:
    return f"{camera}_2016_12_01_13_30_48_{100 + i}.jpg"


@pytest.mark.parametrize(
    "line",
    [
        f"{name(0)},{name(0, 'left')},{name(0, 'right')},-0.25,0.5,0,30.19",
        f"IMG/{name(0)}, IMG/{name(0, 'left')}, IMG/{name(0, 'right')}, -0.25, 0.5, 0, 30.19",
        f"C:\\my data, old\\IMG\\{name(0)},C:\\x\\{name(0, 'left')},C:\\x\\{name(0, 'right')},-0.25,0.5,0,30.19",
        f"/home/a b/IMG/{name(0)},/home/a b/IMG/{name(0, 'left')},/x/{name(0, 'right')},-0.25,0.5,0,30.19",
        f"IMG/{name(0)},IMG/{name(0, 'left')},IMG/{name(0, 'right')},-0,25,0,5,0,30,19",
        f"IMG/{name(0)};IMG/{name(0, 'left')};IMG/{name(0, 'right')};-0,25;0,5;0;30,19",
        f'"IMG/{name(0)}","IMG/{name(0, "left")}","IMG/{name(0, "right")}",-0.25,0.5,0.0,30.19,',
    ],
)
@pytest.mark.parametrize("header", [[], ["center,left,right,steering,throttle,brake,speed"]])
def test_every_dialect_of_a_row(tmp_path, line, header):
    if header and ";" in line:
        header = [header[0].replace(",", ";")]
    names = [name(0), name(0, "left"), name(0, "right")]
    recording = read_recording(write_log(tmp_path, [*header, line], names))
    (sample,) = recording.samples
    assert recording.problems == ()
    assert (sample.steering, sample.throttle, sample.brake, sample.speed_mph) == (-0.25, 0.5, 0.0, 30.19)
    assert [sample.center.name, sample.left.name, sample.right.name] == names
    assert sample.row == 1 + len(header)


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        ("0,0,0,0", (0, 0, 0, 0)),
        ("0,0,0,0,6497864", (0, 0, 0, 0.6497864)),
        ("-0,05,1,0,30,19", (-0.05, 1, 0, 30.19)),
        ("0,1,0,30,19", (0, 1, 0, 30.19)),
        ("0,1,0,5,0,20,5", (0.1, 0.5, 0, 20.5)),
        ("0,1,0,5,0,25,20,5", (0.1, 0.5, 0.25, 20.5)),
        ("1,0,0,9,1", (1, 0, 0, 9.1)),
        ("-1,0,5,0,9,1", (-1, 0.5, 0, 9.1)),
        ("9,5E-05,0,0,4,25", (9.5e-5, 0, 0, 4.25)),
        ("9,5,0,0,4,25", None),
    ],
)
def test_decimal_comma_rows_of_7_to_11_columns(tmp_path, cells, numbers):
    lines = [f"IMG/{name(0)},,,{cells}", f"IMG/{name(1)},,,0,5,0,5,0,5,1,5"]
    recording = read_recording(write_log(tmp_path, lines, [name(0), name(1)]))
    if numbers is None:
        assert [p.kind for p in recording.problems] == ["format"]
    else:
        sample = recording.samples[0]
        assert (sample.steering, sample.throttle, sample.brake, sample.speed_mph) == pytest.approx(numbers)
    last = recording.samples[-1]
    assert (last.steering, last.throttle, last.brake, last.speed_mph) == (0.5, 0.5, 0.5, 1.5)


def test_a_header_may_name_more_columns_in_any_order(tmp_path):
    lines = ["speed,center,cte,steering,throttle", f"12.5,IMG/{name(0)},0.7,-0.5,0.25"]
    (sample,) = read_recording(write_log(tmp_path, lines, [name(0)])).samples
    assert (sample.steering, sample.throttle, sample.brake, sample.speed_mph) == (-0.5, 0.25, 0.0, 12.5)
    assert sample.left is None


def test_faults_are_named_and_the_rest_is_kept(tmp_path):
    lines = [f"IMG/{name(i)},,,0.1,0.2,0,{10 + i}" for i in range(6)]
    lines[1] = lines[1].replace("0.1", "lots")
    lines[3] = lines[3].replace("0.1", "7.5")
    folder = write_log(tmp_path, [*lines, lines[0]], [name(i) for i in range(6) if i != 2])
    (folder / "IMG" / name(4)).write_bytes(JPEG[:900])
    recording = read_recording(folder)
    assert [(p.kind, p.row) for p in recording.problems] == [
        ("format", 2), ("missing", 3), ("format", 4), ("broken", 5), ("duplicate", 7),
    ]  # fmt: skip
    assert [s.row for s in recording.samples] == [1, 6]
    assert "steering 7.5 is outside -1..1" in recording.problems[2].detail
    assert "1 missing center image (row 3: no file center_" in recording.summary()


def test_a_stale_last_row_is_dropped_and_named(tmp_path):
    with Recorder(tmp_path / "stale") as recorder:
        for i in range(10):
            shown = np.roll(road_frame(), 16 * (i if i < 9 else 0), axis=0)
            recorder.write(1e9 + i / 10, jpeg_of(shown), 0.0, 0.3, 0.0, 20.0)
    recording = read_recording(tmp_path / "stale")
    assert [(p.kind, p.row) for p in recording.problems] == [("stale", 10)]
    assert len(recording.samples) == 9


def test_sessions_begin_after_a_gap(make_recording):
    recording = read_recording(make_recording(rows=5, sessions=3))
    assert [s.session for s in recording.samples] == [0] * 5 + [1] * 5 + [2] * 5


def test_what_is_no_recording_is_refused_clearly(tmp_path):
    with pytest.raises(RecordingError, match=r"no readable driving_log\.csv"):
        read_recording(tmp_path / "nowhere")
    (tmp_path / LOG_NAME).write_bytes(os.urandom(2000))
    with pytest.raises(RecordingError, match="no usable row"):
        read_recording(tmp_path)
    (tmp_path / LOG_NAME).write_text("")
    with pytest.raises(RecordingError, match="no usable row"):
        read_recording(tmp_path)


def test_a_name_cannot_lead_out_of_the_folder(tmp_path):
    (tmp_path / "secret.jpg").write_bytes(JPEG)
    inner = tmp_path / "inner"
    inner.mkdir()
    folder = write_log(inner, ["../secret.jpg,,,0,0,0,1", "../../secret.jpg,,,0,0,0,1"], [])
    with pytest.raises(RecordingError, match="no usable row"):
        read_recording(folder)


def test_time_of_a_file_name():
    a, b = (file_name_time_s(f"center_2016_12_01_13_30_48_{ms}.jpg") for ms in (287, 404))
    assert b - a == pytest.approx(0.117, abs=1e-6)
    for bad in ("frame7.jpg", "center_2016_99_01_13_30_48_287.jpg", "", "a_b_c_d_e_f_g.jpg"):
        assert math.isnan(file_name_time_s(bad))


def test_the_recorder_is_read_back_as_written(tmp_path):
    with Recorder(tmp_path / "run") as recorder:
        for i in range(3):
            recorder.write(1.5e9 + 0.05 * i, JPEG, -0.123456, 0.5, 0.0, 12.25, left=JPEG)
        recorder.write(1.5e9 + 0.1, jpeg_of(road_frame(), "PNG"), 1.0, -1.0, 1.0, 0.0)
    samples = read_recording(tmp_path / "run").samples
    assert [s.time_s for s in samples] == pytest.approx([1.5e9, 1.5e9 + 0.05, 1.5e9 + 0.1, 1.5e9 + 0.101])
    assert (samples[0].steering, samples[0].speed_mph) == (-0.123456, 12.25)
    assert samples[0].left is not None
    assert samples[0].right is None
    assert samples[3].center.suffix == ".png"
    assert samples[0].center.read_bytes() == JPEG


def test_the_recorder_never_overwrites(tmp_path):
    Recorder(tmp_path / "run").close()
    with pytest.raises(FileExistsError):
        Recorder(tmp_path / "run")


@pytest.mark.slow
def test_the_real_recordings(steering_data):
    lake = read_recording(steering_data / "lake-recording")
    assert len(lake.samples) == 4052
    assert [(p.kind, p.row) for p in lake.problems] == [("stale", 4053)]
    for folder in (steering_data / "recordings-small").iterdir():
        recording = read_recording(folder)
        assert recording.problems == ()
        assert all(s.left and s.right for s in recording.samples)
