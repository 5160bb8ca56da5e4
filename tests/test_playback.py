"""Playing a recording to a real server: agreement, latency, exit codes, and what is said when something is missing."""

import json
import math

import pytest

from protocol.recording import read_frames, read_recording
from simulator import playback
from simulator.playback import due_times_s, main
from simulator.replay.playback_report import playback_report
from tests.conftest import jpeg_of, road_frame
from tests.live_server import LiveServer


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    monkeypatch.setattr(playback, "GREETING_S", 0.02)
    monkeypatch.setattr(playback, "ANSWER_TIMEOUT_S", 0.15)
    monkeypatch.setattr(playback.signal, "signal", lambda *_: None)


def play(server: LiveServer, folder, *options: str) -> int:
    return main([str(folder), "--url", f"127.0.0.1:{server.port}", *options])


@pytest.mark.parametrize("locale", [(), ("--decimal-comma",)])
def test_reports_the_agreement(server, make_recording, tmp_path, capsys, locale):
    file = tmp_path / "agreement.json"
    assert play(server, make_recording(rows=30), "--speed-up", "max", "--json", str(file), *locale) == 0
    report = json.loads(file.read_text())
    assert (report["frames"], report["unanswered"], report["reconnects"], report["faults"]) == (30, 0, 0, {})
    human = [s.steering for s in read_recording(tmp_path / "recording").samples]
    answers = server.policy.answers
    assert report["answers"]["mae"] == pytest.approx(
        sum(abs(a - b) for a, b in zip(answers, human, strict=True)) / 30, abs=1e-4
    )
    assert report["always_zero"]["mae"] == pytest.approx(sum(map(abs, human)) / 30)
    assert 0 < report["latency_p50_ms"] <= report["latency_p99_ms"] < 1000
    assert "30 frames, 0 unanswered" in capsys.readouterr().out


def test_keeps_the_recordings_time(server, make_recording):
    folder = make_recording(rows=6, sessions=2)
    due_s = due_times_s(read_recording(folder).samples)
    assert due_s == pytest.approx([0.1 * i for i in range(12)], abs=2e-3), "pauses between sessions are cut short"


def test_unanswered_telemetries_are_counted_and_the_next_answer_is_not_taken_for_theirs(
    server, make_recording, tmp_path
):
    folder, file = make_recording(rows=10), tmp_path / "report.json"
    respond = server.app._answer
    count = iter(range(100))
    server.app._answer = lambda sid, connection: None if next(count) == 3 else respond(sid, connection)
    assert play(server, folder, "--speed-up", "max", "--json", str(file)) == 1
    report = json.loads(file.read_text())
    assert (report["frames"], report["unanswered"], report["reconnects"]) == (10, 1, 1)


def test_gives_up_on_a_server_that_never_answers(server, make_recording, capsys):
    server.app._answer = lambda sid, connection: None
    assert play(server, make_recording(rows=10), "--speed-up", "max") == 1
    assert "3 frames, 3 unanswered" in capsys.readouterr().out


def test_limit(server, make_recording, capsys):
    assert play(server, make_recording(rows=10), "--speed-up", "max", "--limit", "4") == 0
    assert "4 frames, 0 unanswered" in capsys.readouterr().out


def test_images_without_a_log_are_played_and_compared_with_nothing(server, tmp_path, capsys):
    folder, file = tmp_path / "run1", tmp_path / "report.json"
    folder.mkdir()
    for i in range(4):
        (folder / f"2020_01_01_12_00_01_{200 * i:03d}.jpg").write_bytes(jpeg_of(road_frame()))
    assert due_times_s(read_frames(folder).samples) == pytest.approx([0, 0.2, 0.4, 0.6])
    assert play(server, folder, "--speed-up", "max", "--json", str(file)) == 0
    report = json.loads(file.read_text())
    assert (report["frames"], report["unanswered"], report["answers"]["mae"]) == (4, 0, None)
    assert 0 < report["latency_p50_ms"] < 1000
    assert "there is no steering to compare with" in capsys.readouterr().out


def test_bad_input_is_one_clear_line(make_recording, tmp_path, capsys):
    assert main([str(tmp_path / "nothing")]) == 2
    assert capsys.readouterr().err.startswith("playback: no readable driving_log.csv")
    folder = make_recording(rows=3)
    assert main([str(folder), "--url", "http://127.0.0.1:1", "--patience", "0.1"]) == 2
    assert "no server at ws://127.0.0.1:1/" in capsys.readouterr().err
    assert main([str(folder), "--url", "ftp://x"]) == 2
    for option in (["--speed-up", "-1"], ["--speed-up", "nan"], ["--limit", "0"], ["--patience", "x"]):
        with pytest.raises(SystemExit, match="2"):
            main([str(folder), *option])


def test_only_answered_frames_are_compared():
    report = playback_report([0.0, 0.2, -0.2, 0.4], [0.1, 0.3, math.nan, 0.5], [0.001, 0.002, math.nan, 0.003])
    assert (report.frames, report.unanswered) == (4, 1)
    assert report.answers.mae == pytest.approx(0.1)
    assert report.answers.bias == pytest.approx(0.1)
    assert report.answers.correlation == pytest.approx(1.0)
    assert report.always_zero.rmse == pytest.approx(math.sqrt((0.04 + 0.16) / 3))
    assert report.latency_p50_ms == pytest.approx(2.0)
    report = playback_report([0.1], [math.nan], [math.nan])
    assert math.isnan(report.answers.mae)
    assert "1 unanswered" in report.table()
