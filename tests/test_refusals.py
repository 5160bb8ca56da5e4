"""A refused simulator: hung up on, let in no sooner than a second later, and named where its user looks."""

import contextlib
import json
import socket

import pytest

from server.health.refusals import MAX_KEPT, RECENT_S, Refusals
from server.web.access import HANG_UP, HOLD_S, MAX_HELD, Access, AccessControl
from tests.live_server import LiveServer
from tests.raw_client import HANDSHAKE, RawClient
from tests.raw_messages import answer, event

TOKEN = "a-token-of-twenty-chars"
STRICT = Access(TOKEN, simulators_too=True)


@pytest.fixture
def strict(monkeypatch):
    monkeypatch.setattr("server.web.access.HOLD_S", 0.01)
    live = LiveServer(access=STRICT)
    yield live
    live.close()


def knock(port, request):
    """All that a client hears that asks and never closes; b"" at the end says that the server has."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(request.encode())
        response = b""
        while part := client.recv(4096):
            response += part
        return response


@pytest.mark.parametrize(
    "address", ["EIO=4", "EIO=4&token=wrong", "EIO=3", f"EIO=4&transport=smoke-signals&token={TOKEN}"]
)
def test_a_refused_connection_is_closed_by_the_server(strict, address):
    request = HANDSHAKE.format(host="127.0.0.1", port=strict.port).replace("EIO=4", address, 1)
    response = knock(strict.port, request)
    assert response.startswith(b"HTTP/1.1 40")
    assert b"Connection: close" in response


def test_a_refused_page_is_hung_up_on_and_a_welcome_one_is_not(strict):
    ask = "GET /api/status HTTP/1.1\r\nHost: 127.0.0.1\r\n{}\r\n"
    assert knock(strict.port, ask.format("")).startswith(b"HTTP/1.1 401")
    with socket.create_connection(("127.0.0.1", strict.port), timeout=60) as client:
        for _ in range(3):
            client.sendall(ask.format(f"Authorization: Bearer {TOKEN}\r\n").encode())
            assert client.recv(65536).startswith(b"HTTP/1.1 200")


def test_its_user_is_told_why_and_what_to_do(strict):
    for _ in range(3):
        with pytest.raises(ConnectionError, match="401"):
            RawClient(strict.port)
    findings = json.loads(strict.get("/api/status", Authorization=f"Bearer {TOKEN}").body)["doctor"]
    (bad,) = (finding["text"] for finding in findings if finding["level"] == "bad")
    assert bad.startswith("A simulator at 127.0.0.1 is refused (3 attempts so far): ")
    assert "--protect-simulators" in bad
    assert "?token=" in bad
    with RawClient(strict.port, query=f"&token={TOKEN}") as welcome:
        welcome.send(event("telemetry", None))
        assert answer(welcome) == ("manual", {})
    assert strict.app.refusals.total == 3


def test_it_waits_for_its_refusal_but_not_everybody_does():
    paused, noted = [], []
    hung_up = []
    gate = AccessControl(
        lambda *_: [b"inside"],
        STRICT,
        on_refusal=lambda *refusal: noted.append(refusal),
        pause=lambda seconds: (paused.append(seconds), nested()),
        clock=lambda: 0.0,
    )

    def ask():
        environ = {"PATH_INFO": "/socket.io/", "QUERY_STRING": "EIO=4", "REMOTE_ADDR": "10.0.0.1"}
        return gate({**environ, HANG_UP: lambda: hung_up.append(1)}, lambda *_: None)

    def nested():
        """While one is held, further ones come."""
        if len(paused) <= MAX_HELD:
            ask()

    ask()
    assert paused == [HOLD_S] * MAX_HELD
    assert len(noted) == len(hung_up) == MAX_HELD + 1, "the last at once"
    ask()
    assert len(paused) == MAX_HELD + 1, "and then again"


def test_what_is_kept_is_bounded_and_only_what_is_recent_is_told():
    now = [0.0]
    refusals = Refusals(clock=lambda: now[0])
    for i in range(3 * MAX_KEPT):
        refusals.note(f"10.0.0.{i}", "full")
    assert len(refusals.recent()) == MAX_KEPT
    assert refusals.total == 3 * MAX_KEPT
    now[0] = RECENT_S + 1
    assert refusals.recent() == []
    refusals.note("10.0.0.299", "full")
    assert [str(refused) for refused in refusals.recent()] == [
        "a simulator at 10.0.0.299 is refused (2 attempts so far): full"
    ]


def test_in_a_flood_the_surplus_is_closed_unheard_and_who_is_welcome_comes_in(strict, monkeypatch):
    monkeypatch.setattr("server.web.access.MAX_HELD", 0)
    request = HANDSHAKE.format(host="127.0.0.1", port=strict.port).encode()
    with socket.socket() as surplus:
        surplus.settimeout(60)

        def first_knock():
            """On the server's own thread: the request is there before it is taken in."""
            surplus.connect(("127.0.0.1", strict.port))
            surplus.sendall(request)

        strict.call(first_knock)
        with contextlib.suppress(ConnectionResetError):  # what it sent was never read
            assert surplus.recv(4096) == b""
    assert strict.app.refusals.total == 0
    with RawClient(strict.port, query=f"&token={TOKEN}") as welcome:
        welcome.send(event("telemetry", None))
        assert answer(welcome) == ("manual", {})


def test_a_connection_that_has_ended_makes_room_for_the_next_of_its_address(monkeypatch):
    monkeypatch.setattr("server.net.serving.connection_limit", lambda: 4)
    live = LiveServer()
    try:
        for _ in range(5):  # two at a time
            response = knock(live.port, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert response.startswith(b"HTTP/1.1 200")
        assert live.app.refusals.total == 0
    finally:
        live.close()
