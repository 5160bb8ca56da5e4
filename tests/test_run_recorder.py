"""A run is recorded whole, in a folder of its own, and a failing disk ends the recording, never the drive."""

import json
import threading
from dataclasses import replace

import pytest

from protocol.recorder import Recorder
from protocol.recording import read_recording
from server.observers.run_recorder import QUEUE_LENGTH, RunRecorder, new_run_folder
from tests.answered_frames import JPEG, answered_frame


def test_a_run_is_a_recording_and_a_report(tmp_path):
    recorder = RunRecorder(new_run_folder(tmp_path), {"model": "eff.h5", "engine": "litert"})
    assert json.loads((recorder.folder / "run.json").read_text())["model"] == "eff.h5", "from the start"
    for i in range(5):
        recorder.answered(answered_frame(i, throttle=0.5 if i else -1.0))
    recorder.close()
    samples = read_recording(recorder.folder).samples
    assert [s.speed_mph for s in samples] == [12.0, 13.0, 14.0, 15.0, 16.0]
    assert {s.steering for s in samples} == {-0.25}
    assert [(s.throttle, s.brake) for s in samples[:2]] == [(0.0, 1.0), (0.5, 0.0)]
    assert samples[0].center.read_bytes() == JPEG
    report = json.loads((recorder.folder / "run.json").read_text())
    assert (report["frames"], report["frames_left_out"]) == (5, 0)
    assert report["latency_ms"]["p50"] == 3.5
    assert report["ended"] >= report["started"]


def test_every_run_has_a_folder_of_its_own(tmp_path):
    folders = {new_run_folder(tmp_path) for _ in range(5)}
    assert len(folders) == 5
    assert all(folder.parent == tmp_path for folder in folders)


def test_the_confidence_of_each_view_is_recorded(tmp_path):
    recorder = RunRecorder(tmp_path / "run", {})
    answer = answered_frame(0)
    recorder.answered(replace(answer, control=replace(answer.control, confidence=0.87654)))
    recorder.close()
    (line,) = (tmp_path / "run" / "extras.jsonl").read_text().splitlines()
    assert json.loads(line) == {"time_s": 1.7e9, "confidence": 0.877}
    assert read_recording(tmp_path / "run").samples[0].steering == -0.25


def test_a_second_simulator_is_recorded_beside_the_first(tmp_path):
    recorder = RunRecorder(tmp_path / "run", {"model": "eff.h5"})
    for i in range(4):
        recorder.answered(answered_frame(i, simulator=1 + i % 2))
    recorder.close()
    assert [s.speed_mph for s in read_recording(tmp_path / "run").samples] == [12.0, 14.0]
    assert [s.speed_mph for s in read_recording(tmp_path / "run-simulator2").samples] == [13.0, 15.0]
    for simulator, name, latency_ms in ((1, "run", 2.5), (2, "run-simulator2", 3.5)):
        report = json.loads((tmp_path / name / "run.json").read_text())
        assert (report["simulator"], report["frames"], report["model"]) == (simulator, 2, "eff.h5")
        assert report["latency_ms"]["p50"] == latency_ms, "its own"
        assert report["ended"] >= report["started"]


def test_a_full_disk_ends_the_recording_and_nothing_else(tmp_path, monkeypatch, caplog):
    recorder = RunRecorder(tmp_path / "run", {})
    full = OSError(28, "No space left on device")

    def write(*_args, **_kwargs):
        raise full

    monkeypatch.setattr(recorder._drives[1].recorder, "write", write)
    for i in range(1000):
        recorder.answered(answered_frame(i))
    recorder.close()
    assert "recording stops, driving goes on: [Errno 28] No space left" in caplog.text
    assert recorder.dropped > 900
    assert json.loads((tmp_path / "run" / "run.json").read_text())["frames"] == 0


def test_an_unwritable_place_is_found_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        new_run_folder(tmp_path / "file" / "runs")


def test_a_disk_that_hangs_ends_the_recording_not_the_end(tmp_path, monkeypatch, caplog):
    hangs, go = threading.Event(), threading.Event()

    def write(*_args, **_kwargs):
        hangs.set()
        assert go.wait(60)

    for frames in (1, QUEUE_LENGTH + 50):  # the queue empty, or full
        recorder = RunRecorder(tmp_path / f"run{frames}", {})
        monkeypatch.setattr(recorder._drives[1].recorder, "write", write)
        for i in range(frames):
            recorder.answered(answered_frame(i))
        assert hangs.wait(60)
        ending = threading.Thread(target=recorder.close, args=(0.05,), daemon=True)
        ending.start()
        ending.join(60)
        assert not ending.is_alive()
        assert recorder.error == "the disk has not answered for 0.05 s"
        assert f"the recording in {recorder.folder} is not complete" in caplog.text
        go.set()
        recorder.close()
        hangs.clear()
        go.clear()


def test_what_improved_builds_report_is_kept(tmp_path, caplog):
    recorder = RunRecorder(tmp_path / "run", {})
    recorder.answered(answered_frame(0, extras={"cte": "-1.25", "lapNumber": "2"}))
    for i in (1, 2):
        recorder.answered(answered_frame(i, extras={"junk": "x" * 100_000}))
    recorder.close()
    (line,) = (tmp_path / "run" / "extras.jsonl").read_text().splitlines()
    assert json.loads(line) == {"time_s": 1.7e9, "cte": "-1.25", "lapNumber": "2"}
    assert len(read_recording(tmp_path / "run").samples) == 3
    assert json.loads((tmp_path / "run" / "run.json").read_text())["extras_left_out"] == 2
    assert caplog.text.count("extra fields of a frame have 100") == 1, "told once"


def test_each_run_json_is_there_before_its_first_frame(tmp_path, monkeypatch):
    existence, real = [], Recorder.write

    def write(self, *arguments):
        existence.append((self.folder / "run.json").exists())
        real(self, *arguments)

    monkeypatch.setattr(Recorder, "write", write)
    recorder = RunRecorder(tmp_path / "run", {})
    for simulator in (1, 2):
        recorder.answered(answered_frame(0, simulator))
    recorder.close()
    assert existence == [True, True]


def test_a_bug_in_recording_ends_it_with_a_word_and_nothing_else(tmp_path, monkeypatch, caplog):
    def write(*_arguments):
        raise RuntimeError("a bug")

    recorder = RunRecorder(tmp_path / "run", {})
    monkeypatch.setattr(recorder._drives[1].recorder, "write", write)
    for simulator in (1, 1, 1, 2, 2):
        recorder.answered(answered_frame(0, simulator))
    recorder.close()
    assert recorder.error == "RuntimeError: a bug"
    assert "recording stops, driving goes on" in caplog.text
    assert recorder.dropped == 4, "all that waited behind the one that failed"
    assert json.loads((tmp_path / "run" / "run.json").read_text())["frames_left_out"] == 2, "its own"
