"""The stock simulator's dialect, packet by packet, against a bare websocket server that says what a test tells it."""

import contextlib
import json
import socket
import threading

import pytest
import websocket
from simple_websocket import ConnectionClosed, Server

from simulator.client.connection import Connection, EventKind, Observation, ServerGone, socket_url

HANDSHAKE = '0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000}'
SEEN = Observation(b"\xff\xd8jpeg", -1.5, 0.25, 9.1234)


class Peer:
    """A websocket server: `heard` is what came, `paths` what was asked for; `say` speaks on the newest connection."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.paths: list[str] = []
        self._changed = threading.Condition()
        self._sockets: list[Server] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            if not (request := client.recv(4096).decode()):  # the test is over
                return client.close()
            first, *lines = request.split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines if line)
            environ = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
            with self._changed:
                self.paths.append(first.split()[1])
                self._sockets.append(Server.accept({**environ, "werkzeug.socket": client}))
                self._changed.notify_all()
            self._threads.append(threading.Thread(target=self._listen, args=(self._sockets[-1],)))
            self._threads[-1].start()

    def _listen(self, ws: Server) -> None:
        try:
            while True:
                message = ws.receive()
                with self._changed:
                    self.heard.append(message)
                    self._changed.notify_all()
        except ConnectionClosed:
            pass

    def wait(self, condition) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, 5), self.heard

    def say(self, *messages: str) -> None:
        self.wait(lambda: self._sockets)
        for message in messages:
            self._sockets[-1].send(message)

    def hang_up(self) -> None:
        self.wait(lambda: self._sockets)
        self._sockets.pop().close()

    def close(self) -> None:
        for ws in self._sockets:
            with contextlib.suppress(ConnectionClosed, OSError):  # the client may hang up at this very moment
                ws.close()
        socket.create_connection(self._listener.getsockname()).close()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()
        self._listener.close()


@pytest.fixture
def peer():
    server = Peer()
    yield server
    server.close()


@pytest.fixture
def connection(peer):
    client = Connection(peer.url, patience_s=5)
    yield client
    client.close()


def steer(steering: str, throttle: str = "0.1") -> str:
    return "42" + json.dumps(["steer", {"steering_angle": steering, "throttle": throttle}])


def test_opens_twice_and_never_says_connect(peer, connection):
    assert connection.receive(5).kind is EventKind.OPENED
    peer.say(HANDSHAKE)
    assert connection.receive(5).kind is EventKind.OPENED
    connection.send(SEEN)
    peer.wait(lambda: len(peer.heard) == 2)
    assert peer.paths == ["/socket.io/?EIO=4&transport=websocket"]
    assert peer.heard == [
        "2",
        '42["telemetry",{"steering_angle":"-1.5000","throttle":"0.2500","speed":"9.1234","image":"/9hqcGVn"}]',
    ]


def test_pings_at_the_handshakes_interval_and_answers_pings(peer, connection):
    connection.receive(5)
    peer.say('0{"pingInterval":100}', "2", "2probe")
    connection.receive(5)
    assert connection.receive(0.5) is None
    peer.wait(lambda: peer.heard.count("2") >= 2)
    assert [text for text in peer.heard if text != "2"] == ["3", "3probe"]


def test_steer_and_manual(peer, connection):
    connection.receive(5)
    peer.say("40", '40{"sid":"y"}', steer("0.0421", "-0.2"), '42["manual",{}]', '42["manual"]', '42["other",{}]', "3")
    event = connection.receive(5)
    assert (event.kind, event.control.steering, event.control.throttle) == (EventKind.STEER, 0.0421, -0.2)
    assert [connection.receive(5).kind for _ in range(2)] == [EventKind.MANUAL, EventKind.MANUAL]
    assert connection.receive(0.05) is None
    connection.send_manual()
    peer.wait(lambda: '42["telemetry",null]' in peer.heard)


def test_a_telemetry_goes_out_as_the_simulators_library_cuts_it(peer, connection, monkeypatch):
    connection.receive(5)
    frames = []
    monkeypatch.setattr(connection._socket, "send_frame", frames.append)
    connection.send(Observation(b"x" * 3000, 0.0, 0.0, 0.0))
    assert [(frame.opcode, frame.fin, len(frame.data)) for frame in frames[:2]] == [(1, 0, 1016), (0, 0, 1016)]
    assert (frames[-1].opcode, frames[-1].fin) == (0, 1)
    assert 0 < len(frames[-1].data) <= 1016
    assert len(b"".join(frame.data for frame in frames)) > 4000
    assert not connection._socket.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY), "Nagle's algorithm is on"


@pytest.mark.parametrize(
    "reply",
    [
        '42["steer",{"steering_angle":0.1,"throttle":0.2}]',
        '42["steer",{"steering_angle":"0.1"}]',
        '42["steer",{"steering_angle":"left","throttle":"0.2"}]',
        '42["steer",{"steering_angle":"0.1","throttle":"nan"}]',
        '42["steer",{"steering_angle":"0.1","throttle":"0.2"},1]',
        '42["steer",[]]',
        '42["steer"]',
        '42["steer",',
        "42{}",
        "42" + "[" * 100_000,
    ],
)
def test_a_reply_that_it_cannot_read_is_counted_and_gets_silence(peer, connection, reply):
    connection.receive(5)
    peer.say(reply, steer("0.5"))
    assert connection.receive(5).control.steering == 0.5
    assert connection.faults.total() == 1


def test_a_reply_in_the_wrong_locale_is_full_lock(peer):
    german = Connection(peer.url, decimal_comma=True, patience_s=5)
    german.receive(5)
    peer.say(steer("0,1000", "0,2000"), steer("0.1", "0.2"))
    event = german.receive(5)
    assert (event.control.steering, event.control.throttle) == (0.1, 0.2)
    assert german.receive(5).control.steering == 1.0, "as seen with the real client: 0.1 is read as 1"
    german.send(Observation(b"", 1.5, 0.0, 30.0, {"cte": "0.25"}))
    peer.wait(lambda: len(peer.heard) == 2)
    payload = json.loads(peer.heard[1][2:])[1]
    assert payload == {"steering_angle": "1,5000", "throttle": "0,0000", "speed": "30,0000", "image": "", "cte": "0,25"}
    german.close()


def test_comes_back_after_a_close(peer, connection):
    connection.receive(5)
    peer.hang_up()
    assert connection.receive(5).kind is EventKind.CLOSED
    assert connection.receive(5).kind is EventKind.OPENED
    peer.say(HANDSHAKE, steer("0.3"))
    assert [connection.receive(5).kind for _ in range(2)] == [EventKind.OPENED, EventKind.STEER]
    assert connection.connects == 2


def test_says_where_no_server_is():
    with pytest.raises(ServerGone, match=r"127\.0\.0\.1:1/socket\.io"):
        Connection("http://127.0.0.1:1", patience_s=0.05).receive(1)


def test_a_refusal_is_told_at_once_in_the_server_s_words():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(4096)
                client.sendall(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 15\r\n\r\na token, please")

        thread = threading.Thread(target=refuse)
        thread.start()
        port = listener.getsockname()[1]
        with pytest.raises(ServerGone, match="refuses this simulator: a token, please"):
            Connection(f"http://127.0.0.1:{port}", patience_s=60).receive(60)
        thread.join(60)


def test_addresses():
    url = "ws://localhost:4567/socket.io/?EIO=4&transport=websocket"
    assert {socket_url(text) for text in ("localhost:4567", "http://localhost", "ws://localhost:4567/")} == {url}
    assert socket_url("http://[::1]:80").startswith("ws://[::1]:80/")
    for text in ("", "https://localhost", "http://localhost:0", "http://localhost:99999", "http://:1"):
        with pytest.raises(ValueError, match="expected an address"):
            socket_url(text)


def test_the_library_keeps_a_message_cut_by_a_timeout(peer, connection):
    """`receive` gives up in the middle of a message and goes on with it the next time."""
    connection.receive(5)
    peer.say(steer("0." + "1" * 20))
    raw = connection._socket
    assert isinstance(raw, websocket.WebSocket)
    first = raw.sock.recv
    pieces = iter([3, 2, 1])

    class Dribble:
        def __getattr__(self, name):
            return getattr(sock, name)

        def recv(self, size):
            part = next(pieces, size)
            if part == 2:
                raise TimeoutError("cut here")
            return first(min(part, size))

    sock, raw.sock = raw.sock, Dribble()
    events = [connection.receive(0.2) for _ in range(3)]
    raw.sock = sock
    assert [e.control.steering for e in events if e] == [pytest.approx(0.11111111111111111111)]
