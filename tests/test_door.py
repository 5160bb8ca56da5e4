"""The door: bounded for each address, and open whatever accepting raises."""

import contextlib
import errno
import socket
import threading

import eventlet
import pytest

from server.core.app import DrivingApp
from server.health.refusals import Refusals
from server.net.door import Door
from server.net.serving import NotListening, limited_end, serve

HOST = "127.0.0.1"


@pytest.fixture
def listener():
    with socket.create_server((HOST, 0)) as listener:
        yield listener


def connect(listener):
    return socket.create_connection(listener.getsockname())


def test_one_address_has_so_many_connections_and_no_more(listener):
    refusals = Refusals()
    door = Door(listener, 2, refusals.note)
    clients = [connect(listener) for _ in range(4)]
    accepted = [door.accept() for _ in range(2)]
    waiting = eventlet.spawn(door.accept)
    with eventlet.Timeout(60):
        while refusals.total < 2:
            eventlet.sleep(0)
    for turned_away in clients[2:]:
        turned_away.settimeout(60)
        assert turned_away.recv(1) == b"", "closed unheard"
    (refused,) = refusals.recent()
    assert (refused.address, refused.count) == (HOST, 2)
    assert "2 connections already" in refused.reason
    door.left(accepted[0][1])
    clients.append(connect(listener))
    with eventlet.Timeout(60):
        connection, address = waiting.wait()
    assert address == clients[-1].getsockname()
    for client in (*clients, connection, *(c for c, _ in accepted)):
        client.close()


@pytest.mark.parametrize("code", [errno.ECONNABORTED, errno.EMFILE, errno.ECONNRESET])
def test_it_stays_open_whatever_accepting_raises(listener, monkeypatch, caplog, code):
    door = Door(listener, 2, lambda *_: None)
    real, raised = door._listener.accept, [OSError(code, "for a moment")] * 2
    monkeypatch.setattr("server.net.door.PAUSE_S", 0.0)

    def accept():
        if raised:
            raise raised.pop()
        return real()

    monkeypatch.setattr(door._listener, "accept", accept)
    with connect(listener) as client:
        connection, address = door.accept()
        assert address == client.getsockname()
        connection.close()
    assert caplog.text.count("could not be accepted") == 1


def test_a_server_at_which_nobody_listens_any_more_ends_with_a_word(listener, monkeypatch):
    def dies(*_):
        raise RuntimeError("a bug at the door")

    monkeypatch.setattr("server.net.serving.answer_requests", dies)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr("eventlet.tpool.set_num_threads", lambda _: None)  # it would hold for the tests after this
    ended = []

    def run():
        try:
            serve(DrivingApp(lambda: None, ()), lambda *_: [], listener, lambda: False, 1, 0.0)
        except NotListening as error:
            ended.append(str(error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(60)
    assert ended
    assert "a bug at the door" in ended[0]


def test_who_is_unwelcome_is_closed_unheard_and_the_next_comes_in(listener):
    refusals = Refusals()
    door = Door(listener, 1, refusals.note, unwelcome=lambda head: head.startswith(b"spam"))
    with connect(listener) as spam, connect(listener) as welcome:
        spam.settimeout(60)
        spam.sendall(b"spam and more of it")
        connection, address = door.accept()
        assert address == welcome.getsockname()
        with contextlib.suppress(ConnectionResetError):  # what it sent was never read
            assert spam.recv(1) == b""
        welcome.sendall(b"hello")
        assert connection.recv(5) == b"hello"
        connection.close()
    assert refusals.total == 0


def test_what_came_in_last_has_its_turn_before_the_next(listener):
    door, turns = Door(listener, 2), []
    with connect(listener), connect(listener):
        first, _ = door.accept()
        eventlet.spawn(turns.append, "first")
        second, _ = door.accept()
        assert turns == ["first"]
        first.close()
        second.close()


def test_a_listening_socket_that_was_closed_ends_it(listener):
    door = Door(listener, 2)
    listener.close()
    with eventlet.Timeout(60), pytest.raises(OSError, match="Bad file descriptor"):
        door.accept()


def test_an_end_that_hangs_is_given_up_and_one_that_does_not_is_left_alone(monkeypatch, caplog):
    codes, ended = [], threading.Event()
    monkeypatch.setattr("os._exit", lambda code: (codes.append(code), ended.set()))
    with limited_end(0.01):
        assert ended.wait(60)
    assert codes == [1]
    assert "stopping has taken 0.01 s" in caplog.text
    with limited_end(3600):
        timers = [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
    for timer in timers:
        timer.join(60)
        assert not timer.is_alive()
