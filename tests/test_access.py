"""The gate: what a page elsewhere, a stranger on the network and a hasty client may not do."""

import json

import pytest

from server.web.access import GUESS_BURST, MAX_HELD, Access, AccessControl
from server.web.rates import MAX_ADDRESSES, RequestRates
from tests.live_server import OPEN, LiveServer
from tests.raw_client import RawClient, packet

TOKEN = "a-token-of-twenty-chars"
SOCKET = {
    "PATH_INFO": "/socket.io/",
    "QUERY_STRING": "EIO=4&transport=websocket",
    "HTTP_UPGRADE": "websocket",
}


def gate(access=OPEN, full=lambda: False, clock=lambda: 0.0):
    return AccessControl(lambda environ, start_response: [b"inside"], access, full, clock=clock)


def ask(gate_, path="/api/status", method="GET", host="127.0.0.1:4567", **environ):
    """The refusal's status, or None."""
    refusal = gate_.refusal({"PATH_INFO": path, "REQUEST_METHOD": method, "HTTP_HOST": host, **environ})
    return refusal and refusal.status[:3]


@pytest.mark.parametrize("path", ["/", "/api/status", "/api/pause", "/metrics", "/socket.io/"])
def test_a_page_of_another_origin_may_nothing(path):
    for origin in ("http://evil.example", "null", "http://127.0.0.1:8000", "http://localhost:4567", "http://[", ""):
        assert ask(gate(), path, HTTP_ORIGIN=origin) == "403", origin
        assert ask(gate(), path, "POST", HTTP_ORIGIN=origin) == "403", origin
    assert ask(gate(), path, HTTP_ORIGIN="http://127.0.0.1:4567") is None


def test_a_websocket_of_a_page_elsewhere_is_refused_and_a_simulators_is_not():
    assert ask(gate(), **SOCKET, HTTP_ORIGIN="http://evil.example", path="/socket.io/") == "403"
    assert ask(gate(), **SOCKET, path="/socket.io/", host="anything:4567") is None, "no browser leaves the origin out"


def test_a_page_whose_name_was_pointed_here_is_refused():
    for path in ("/", "/api/status", "/socket.io/"):
        assert ask(gate(), path, host="evil.example:4567") == "403"
        assert ask(gate(), path, host="evil.example:4567", HTTP_ORIGIN="http://evil.example:4567") == "403"
        assert ask(gate(), path, host="[") == "403"
    for host in ("localhost:4567", "127.0.0.1", "[::1]:4567", "192.168.1.7:4567"):
        assert ask(gate(), host=host) is None
    assert ask(gate(Access(hosts=frozenset({"car.example"}))), host="Car.Example") is None
    assert ask(gate(), "/healthz", host="steering-service") is None


def test_pictures_and_scripts_of_other_sites_are_refused_but_a_link_may_be_followed():
    assert ask(gate(), HTTP_SEC_FETCH_SITE="cross-site", HTTP_SEC_FETCH_MODE="no-cors") == "403"
    assert ask(gate(), "/", HTTP_SEC_FETCH_SITE="cross-site", HTTP_SEC_FETCH_MODE="navigate") is None
    assert ask(gate(), "/", "POST", HTTP_SEC_FETCH_SITE="cross-site", HTTP_SEC_FETCH_MODE="navigate") == "403"
    assert ask(gate(), HTTP_SEC_FETCH_SITE="same-origin", HTTP_SEC_FETCH_MODE="cors") is None


def test_the_token_is_asked_of_page_api_and_metrics_and_only_if_wanted_of_simulators():
    guarded = gate(Access(TOKEN))
    for path in ("/", "/api/status", "/metrics", "/page.js"):
        assert ask(guarded, path) == "401"
        assert ask(guarded, path, HTTP_AUTHORIZATION=f"Bearer {TOKEN}") is None
        assert ask(guarded, path, HTTP_AUTHORIZATION="Bearer wrong") == "401"
        assert ask(guarded, path, HTTP_COOKIE=f"drive_page={TOKEN}") == "401", "the cookie holds a proof, not the token"
    assert ask(guarded, QUERY_STRING=f"token={TOKEN}") == "401", "not in the addresses of the API, which are logged"
    assert ask(guarded, "/healthz") is None
    assert ask(guarded, **SOCKET, path="/socket.io/") is None
    guarded = gate(Access(TOKEN, simulators_too=True))
    assert ask(guarded, **SOCKET, path="/socket.io/") == "401"
    query = f"{SOCKET['QUERY_STRING']}&token={TOKEN}"
    assert ask(guarded, **{**SOCKET, "QUERY_STRING": query}, path="/socket.io/") is None


def test_guessing_tokens_is_slow():
    guarded = gate(Access(TOKEN))
    answers = [ask(guarded, HTTP_AUTHORIZATION="Bearer guess", REMOTE_ADDR="10.0.0.1") for _ in range(20)]
    assert answers.count("401") <= 6
    assert answers[-1] == "429"
    assert ask(guarded, HTTP_AUTHORIZATION=f"Bearer {TOKEN}", REMOTE_ADDR="10.0.0.2") is None, "others go on"


def test_guessing_tokens_is_slow_at_the_simulators_door_too():
    now = [0.0]
    guarded = gate(Access(TOKEN, simulators_too=True), clock=lambda: now[0])

    def knock(token, address="10.0.0.1"):
        query = f"EIO=4&transport=websocket&token={token}"
        return ask(guarded, **{**SOCKET, "QUERY_STRING": query}, path="/socket.io/", REMOTE_ADDR=address)

    answers = [knock(f"guess-{i}") for i in range(1000)]
    assert answers == ["401"] * int(GUESS_BURST) + ["429"] * (1000 - int(GUESS_BURST))
    assert knock(TOKEN) == "429", "the right one, among guesses, is not looked at"
    assert knock(TOKEN, "10.0.0.2") is None, "others are"
    now[0] = 1.0
    assert knock(TOKEN) is None, "nor is it refused for long"
    assert all(knock(TOKEN) is None for _ in range(100)), "who knows it may come as often as it likes"


def test_requests_have_a_rate_for_each_address():
    now = [0.0]
    rates = RequestRates(lambda: now[0], per_s=30.0, burst=120.0)
    assert all(rates.admits("a") for _ in range(120))
    assert not rates.admits("a")
    assert rates.admits("b")
    now[0] = 1.0
    assert rates.admits("a")
    for i in range(3 * MAX_ADDRESSES):
        rates.admits(str(i))
    assert len(rates._buckets) == MAX_ADDRESSES


def test_a_client_of_another_protocol_is_refused_with_a_word():
    for version in ("3", "5", "x"):
        query = f"EIO={version}&transport=websocket"
        assert ask(gate(), **{**SOCKET, "QUERY_STRING": query}, path="/socket.io/") == "400"


def test_no_simulator_is_taken_beyond_the_limit_and_those_inside_go_on():
    crowded = gate(full=lambda: True)
    assert ask(crowded, **SOCKET, path="/socket.io/") == "503"
    assert ask(crowded, **{**SOCKET, "QUERY_STRING": "EIO=4&transport=polling&sid=x"}, path="/socket.io/") is None
    assert ask(crowded, "/api/status") is None


@pytest.fixture
def guarded():
    live = LiveServer(access=Access(TOKEN))
    yield live
    live.close()


def test_a_browser_comes_in_by_the_link_and_keeps_a_cookie(guarded):
    response = guarded.get("/")
    assert response.status == 401
    assert b"<form" in response.body
    came = guarded.get(f"/?token={TOKEN}")
    assert (came.status, came.headers["location"]) == (303, "/")
    cookie = came.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert TOKEN not in cookie
    assert guarded.get("/", Cookie=cookie.split(";")[0]).status == 200


def test_every_answer_carries_the_headers(guarded):
    for path in ("/", "/healthz", "/nothing", f"/?token={TOKEN}"):
        headers = guarded.get(path, Authorization=f"Bearer {TOKEN}").headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["referrer-policy"] == "no-referrer"
    refused = guarded.get("/metrics", Origin="http://evil.example")
    assert (refused.status, json.loads(refused.body)) == (
        403,
        {"error": "a page of another origin may not use this server"},
    )
    assert "content-security-policy" in refused.headers


def test_a_simulator_drives_without_a_token_unless_it_is_asked_for_one(guarded, monkeypatch):
    monkeypatch.setattr("server.web.access.HOLD_S", 0.01)
    with RawClient(guarded.port) as client:
        client.send(packet('42["telemetry",{}]'))
        assert client.receive_until(b"42") == b'42["manual",{}]'
    strict = LiveServer(access=Access(TOKEN, simulators_too=True))
    try:
        with pytest.raises(ConnectionError, match="401"):
            RawClient(strict.port)
    finally:
        strict.close()


def test_in_a_flood_only_who_would_be_refused_is_not_heard():
    def request(query=""):
        return f"GET /socket.io/?EIO=4&transport=websocket{query} HTTP/1.1\r\nHost: x\r\n".encode()

    strict, open_, page_only = (gate(access) for access in (Access(TOKEN, simulators_too=True), OPEN, Access(TOKEN)))
    crowded = gate(full=lambda: True)
    for one in (strict, open_, page_only, crowded):
        assert not one.unwelcome(request()), "there is no flood yet: it is told why"
        one._held = MAX_HELD
    assert strict.unwelcome(request())
    assert strict.unwelcome(request("&token=guess"))
    assert not strict.unwelcome(request(f"&token={TOKEN}"))
    assert crowded.unwelcome(request())
    assert not open_.unwelcome(request())
    assert not page_only.unwelcome(request())
    for one in (strict, crowded):
        assert not one.unwelcome(request("&sid=x")), "it is inside already"
        assert not one.unwelcome(b"GET /api/status HTTP/1.1\r\n")
        assert not one.unwelcome(b""), "its request has not come yet"
