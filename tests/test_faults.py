"""Faults, each counted: a live simulator misses no answer, and nothing that was recorded is lost."""

import errno
import gc
import json
import os
import signal
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from engineio.packet import MESSAGE, Packet
from eventlet.event import Event

from protocol.recorder import Recorder
from protocol.recording import read_recording
from server.core.app import MAX_WAITING
from server.net.door import MAX_CONNECTIONS, connection_limit
from server.net.transport import MAX_WAITING_PACKETS
from server.observers.recent_frames import KEPT_S, RecentFrames
from tests.answered_frames import answered_frame
from tests.conftest import jpeg_of, road_frame
from tests.raw_client import HANDSHAKE, RawClient, telemetry_packet
from tests.server_process import ServerProcess

TELEMETRY = telemetry_packet(jpeg_of(np.full((160, 320, 3), 99, np.uint8)))


def drive(client, frames=20):
    """Each frame gets its answer; how many came."""
    for _ in range(frames):
        client.send(TELEMETRY)
        client.receive_until(b'42["steer"')
    return frames


def test_simulators_killed_mid_frame_cost_the_others_nothing(server):
    with RawClient(server.port) as live:
        for cut in range(1, len(TELEMETRY), len(TELEMETRY) // 20):
            victim = RawClient(server.port)
            victim.send(TELEMETRY[:cut])
            victim._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset, not a close
            victim.close()
            assert drive(live, 3) == 3
        server.wait_until(lambda: len(server.app.sessions) == 1)


def test_half_open_sockets_hold_nobody_up(server):
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(100)]
    for i, one in enumerate(silent):
        one.sendall(HANDSHAKE.format(host="127.0.0.1", port=server.port).encode()[: i % 60])
    with RawClient(server.port) as live:
        assert drive(live) == 20
    assert server.get("/healthz").status == 200
    for one in silent:
        one.close()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="no list of this process's descriptors")
def test_a_client_that_leaves_before_its_answer_leaves_no_descriptor_behind(server):
    before = len(os.listdir("/proc/self/fd"))
    gc.disable()  # it would close what was left behind, some time later
    try:
        for _ in range(50):
            with socket.create_connection(("127.0.0.1", server.port)) as leaver:
                leaver.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode())
                leaver.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset, not a close
        assert server.get("/healthz").status == 200
        server.wait_until(lambda: len(os.listdir("/proc/self/fd")) <= before)
    finally:
        gc.enable()


def test_a_client_that_never_reads_its_answers_holds_nobody_up(server):
    server._listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # few answers fill it
    with RawClient(server.port) as deaf, RawClient(server.port) as live:
        deaf._socket.settimeout(0.2)
        deaf._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with pytest.raises(OSError, match=r"timed out|reset|pipe"):  # neither side takes more, or it is cut off
            for _ in range(20_000):
                deaf.send(TELEMETRY * 50)
                drive(live, 1)
        assert drive(live) == 20


def test_telemetry_behind_an_unread_answer_is_counted_not_kept_and_ends_the_connection(server, monkeypatch):
    with RawClient(server.port) as deaf, RawClient(server.port) as live:
        drive(deaf, 1)
        ((sid, session),) = server.app.sessions.items()
        unread, send_event = Event(), server.app.sio.send_event

        def blocked(to, *event):
            if to == sid:
                unread.wait()
            send_event(to, *event)

        monkeypatch.setattr(server.app.sio, "send_event", blocked)
        with pytest.raises(OSError, match=r"closed|reset|pipe"):
            deaf.send(TELEMETRY * (2 * MAX_WAITING))
            deaf.receive()
        assert drive(live) == 20
        assert session.waiting > MAX_WAITING
        calls = len(server.policy.answers)
        server.call(unread.send)
        server.wait_until(lambda: list(server.app.sessions) != [sid] and len(server.app.sessions) == 1)
        assert len(server.policy.answers) <= calls + 1, "one look for all that waited"


def test_a_client_behind_which_answers_pile_up_is_cut_off(server):
    """As when a ping already waits behind a full socket: then every answer would wait too, without an end."""
    with RawClient(server.port) as deaf, RawClient(server.port) as live:
        assert drive(deaf, 1) == drive(live, 1) == 1

        def pile_up():
            (sid, _), _ = server.app.sessions.items()
            sockets = server.app.sio.eio.sockets
            engineio_socket = sockets[server.app.sio.manager.eio_sid_from_sid(sid, "/")]
            for _ in range(MAX_WAITING_PACKETS + 1):
                engineio_socket.queue.put(Packet(MESSAGE, "2"))
            server.app.sio.send_event(sid, "steer", "{}")

        server.call(pile_up)
        with pytest.raises(OSError, match=r"closed|reset"):
            while True:
                deaf.receive()
        assert drive(live) == 20
        server.wait_until(lambda: len(server.app.sessions) == 1)


@pytest.mark.slow
def test_ten_thousand_connections_leave_nothing_behind(server):
    with RawClient(server.port, timeout_s=30) as live:
        for i in range(10_000):
            if i % 4:
                socket.create_connection(("127.0.0.1", server.port)).close()
            else:
                RawClient(server.port).close()
            if i % 500 == 0:
                drive(live, 2)
        assert drive(live) == 20
        server.wait_until(lambda: len(server.app.sessions) == 1)
        server.wait_until(lambda: len(server.app.sio.eio.sockets) == 1)


@pytest.mark.skipif(os.name == "nt", reason="no file size limits")
def test_a_full_disk_ends_the_recording_and_keeps_what_was_written(server, monkeypatch):
    writes, real = [], Recorder.write

    def write(self, *arguments):
        if len(writes) == 7:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(self, *arguments)
        writes.append(arguments)

    monkeypatch.setattr(Recorder, "write", write)
    server.get("/api/recording/start", "POST")
    with RawClient(server.port) as live:
        assert drive(live, 30) == 30
        server.wait_until(lambda: server.controls.recorder.error)
        state = json.loads(server.get("/api/status").body)
        assert "No space left" in state["recording"]["error"]
        assert "The recording is not complete" in json.dumps(state["doctor"])
        stopped = server.get("/api/recording/stop", "POST")
        assert (stopped.status, b"not complete" in stopped.body) == (507, True)
        assert drive(live, 5) == 5
    (folder,) = (server.folder / "recordings").iterdir()
    assert len(read_recording(folder).samples) == 7


def test_a_clock_that_jumps_loses_no_frame_and_no_answer(server, monkeypatch):
    now = [1.7e9]
    monkeypatch.setattr(time, "time", lambda: now[0])
    server.get("/api/recording/start", "POST")
    with RawClient(server.port) as live:
        for jump_s in (0.05, -7200.0, 0.05, 86400.0, 0.0, 0.05):
            now[0] += jump_s
            assert drive(live, 1) == 1
        server.wait_until(lambda: server.controls.recorder.frames == 6)
    server.get("/api/recording/stop", "POST")
    (folder,) = (server.folder / "recordings").iterdir()
    assert len(read_recording(folder).samples) == 6


def test_the_last_moments_are_bounded_and_survive_a_clock_that_jumps():
    recent_frames, one = RecentFrames(), answered_frame(0)
    for i in range(3000):
        recent_frames.answered(replace(one, time_s=1.7e9 + i / 20))
    answers = recent_frames.answers()
    assert answers[-1].time_s - answers[0].time_s <= KEPT_S
    assert len(answers) == pytest.approx(KEPT_S * 20, abs=2)
    assert answers[-1].telemetry.frame.size == 0
    assert answers[-1].telemetry.image == one.telemetry.image
    recent_frames.answered(one)
    assert len(recent_frames.answers()) == 1, "a clock that was set back begins anew"


def test_the_last_moments_take_no_more_memory_than_they_may(monkeypatch):
    recent_frames, one = RecentFrames(), answered_frame(0)
    monkeypatch.setattr("server.observers.recent_frames.MAX_BYTES", 10 * len(one.telemetry.image))
    for i in range(30):
        recent_frames.answered(replace(one, time_s=1.7e9 + i / 20))
    assert [answer.time_s - 1.7e9 for answer in recent_frames.answers()] == pytest.approx(
        [i / 20 for i in range(20, 30)]
    )


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no POSIX signals")
def test_sigterm_under_load_answers_everyone_and_leaves_whole_files(tmp_path):
    arguments = ("models/eff.h5", "--port", "0", "--record", str(tmp_path))
    packet = telemetry_packet(jpeg_of(road_frame()), speed_mph=0.0)
    server = ServerProcess("server/drive.py", *arguments)
    missing, counts, ready = [], [0] * 6, threading.Barrier(7)

    def car(number):
        with RawClient(server.port, timeout_s=20) as client:
            ready.wait()
            while True:
                try:
                    client.send(packet)
                    client.receive_until(b'42["steer"')
                    counts[number] += 1
                except TimeoutError:
                    missing.append(number)
                    return
                except ConnectionError:  # the end: the process closed the socket
                    return

    cars = [threading.Thread(target=car, args=(number,)) for number in range(6)]
    for thread in cars:
        thread.start()
    ready.wait()
    time.sleep(2.0)  # the load
    os.kill(server.pid, signal.SIGTERM)
    for thread in cars:
        thread.join(30)
    assert server.stop() == 0
    assert missing == []
    frames = left_out = 0
    for folder in tmp_path.iterdir():
        report = json.loads((folder / "run.json").read_text())
        assert report["ended"]
        assert report["frames"] == len(read_recording(folder).samples)
        frames, left_out = frames + report["frames"], left_out + report["frames_left_out"]
    assert len(list(tmp_path.iterdir())) == 6, "a recording for each simulator"
    # The end's own steer to each car makes two of its telemetries wait at a time, and two are answered with one look.
    assert frames + left_out >= 0.8 * sum(counts)


@pytest.mark.skipif(os.name == "nt", reason="no descriptor limits")
def test_clients_never_take_the_last_descriptor(monkeypatch):
    import resource  # noqa: PLC0415  # POSIX only

    monkeypatch.setattr(resource, "getrlimit", lambda kind: (256, 256))
    assert connection_limit() == 128
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (1_000_000, 1_000_000))
    assert connection_limit() == MAX_CONNECTIONS
