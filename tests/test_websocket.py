"""The acknowledgement of a message that comes in pieces: asked for before every wait within it."""

import os
import socket
import threading

import eventlet
import pytest
from eventlet.greenio import GreenSocket

from server.net import websocket
from tests.raw_client import WRITE_BYTES, RawClient, packet, telemetry_packet
from tests.raw_messages import answer, event, grey, nothing_more

PIECES = telemetry_packet(grey(255)) + event("noise", "x" * 5000)
PONG = b"\x8a\x00"


def read_exactly(client, count):
    data = b""
    while len(data) < count:
        data += client._socket.recv(count - len(data))
    return data


def test_without_a_quick_acknowledgement_each_wait_within_a_message_sends_a_pong(server, monkeypatch):
    """As on Windows and macOS: what is sent carries the acknowledgement. The client waits for it before it goes on."""
    monkeypatch.setattr(websocket, "QUICK_ACKNOWLEDGEMENT", None)
    with RawClient(server.port) as client:
        message = event("telemetry", {"image": "x" * 5000})
        starts = range(0, len(message), WRITE_BYTES)
        for start in starts:
            client._socket.sendall(message[start : start + WRITE_BYTES])
            if start != starts[-1]:
                assert read_exactly(client, 2) == PONG
        assert answer(client)[0] == "steer"
        assert nothing_more(client)


@pytest.mark.skipif(not hasattr(socket, "TCP_QUICKACK"), reason="Linux's option")
def test_with_it_the_client_is_acknowledged_at_each_wait(server, monkeypatch):
    calls, changed = [], threading.Condition()
    real = websocket.FrameWebSocket._acknowledge

    def acknowledge(self):
        real(self)
        with changed:
            calls.append(self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK))
            changed.notify_all()

    monkeypatch.setattr(websocket.FrameWebSocket, "_acknowledge", acknowledge)
    with RawClient(server.port) as client, changed:
        assert changed.wait_for(lambda: calls, 10), "before the first message"
        calls.clear()
        client._socket.sendall(PIECES[:WRITE_BYTES])
        assert changed.wait_for(lambda: calls, 10), "before the second fragment"
        assert calls == [1]


def test_the_ends_of_messages_may_lie_anywhere(simulator):
    """Ten telemetries and noise between them, in pieces that no message's end respects."""
    stream = PIECES * 10
    for start in range(0, len(stream), 777):
        simulator._socket.sendall(stream[start : start + 777])
    assert [answer(simulator)[1]["steering_angle"] for _ in range(10)] == ["1.0000"] * 10
    assert nothing_more(simulator)


def test_between_two_messages_no_pong_is_sent(server, monkeypatch):
    """There is nothing to acknowledge, and the answer to a message is what comes next."""
    monkeypatch.setattr(websocket, "QUICK_ACKNOWLEDGEMENT", None)
    waits, real = threading.Event(), websocket.FrameWebSocket._acknowledge

    def acknowledge(self):
        real(self)
        waits.set()

    monkeypatch.setattr(websocket.FrameWebSocket, "_acknowledge", acknowledge)
    with RawClient(server.port) as client:
        for text in ("first", "second"):
            assert waits.wait(60), "before each message"
            waits.clear()
            client.send(packet(f"2{text}"))
            assert client._frame() == (1, f"3{text}".encode())


def test_a_socket_that_is_closed_already_is_no_line_on_the_terminal(capfd):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ending = websocket.FrameWebSocket(GreenSocket(ours), {})
        os.close(ours.detach())
        ending.close()
    assert capfd.readouterr().err == ""


def test_a_pong_does_not_wait_for_who_sends_already(monkeypatch):
    """A client that reads nothing would otherwise not be read either."""
    monkeypatch.setattr(websocket, "QUICK_ACKNOWLEDGEMENT", None)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        reading = websocket.FrameWebSocket(GreenSocket(ours), {})
        reading._within_message = True
        with reading._sendlock, eventlet.Timeout(60):
            reading._acknowledge()
        reading._acknowledge()
        assert theirs.recv(10) == PONG, "once, when nobody sends"


def test_our_clients_speak_as_the_simulators_does_unless_asked_otherwise(server):
    for options, at_once in (({}, False), ({"at_once": True}, True)):
        with RawClient(server.port, **options) as client:
            assert bool(client._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)) is at_once
