"""The port of the page: who gets in, who drives, and what a page that misbehaves costs."""

import http.client
import json
import re
import threading

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from simulator.__main__ import main
from simulator.by_hand.messages import encode_picture
from simulator.by_hand.page_files import PAGE, PageFiles
from simulator.by_hand.page_server import address, bind, serving
from simulator.by_hand.seat import ANOTHER_PAGE, BAD_MESSAGE, PICTURES_UNDER_WAY, Seat
from tests.raw_messages import HAND_REPORT, decode_picture

NOBODY = "http://127.0.0.1:9"
"""No server: the default address may be one that somebody drives with."""

TOKEN = "a-token-of-twenty-chars"


class Port:
    """A page's port with nobody behind it. get: one request; drive: a page that sits down."""

    def __init__(self, token=None):
        self.seat = Seat()
        self._listener = bind("127.0.0.1", 0)
        self.port = self._listener.getsockname()[1]
        self._serving = serving(self._listener, PageFiles(token, frozenset({"car.example"})), self.seat)
        self._serving.__enter__()

    def get(self, path="/", method="GET", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, headers={name.replace("_", "-"): text for name, text in headers.items()})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, dict(answer.getheaders()), body

    def drive(self, **options):
        return connect(f"ws://127.0.0.1:{self.port}/socket", **options)

    def close(self):
        self._serving.__exit__(None, None, None)
        self._listener.close()


@pytest.fixture
def port():
    pages = Port()
    yield pages
    pages.close()


@pytest.fixture
def guarded_port():
    pages = Port(TOKEN)
    yield pages
    pages.close()


def test_the_page_and_its_files_are_served_and_nothing_else(port):
    status, headers, body = port.get()
    assert status == 200
    assert b"Drive by hand" in body
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    for path in ("/page/drive.js", "/page/hand.css", "/page/icon.svg"):
        assert port.get(path)[0] == 200
    for path in ("/page/../command.py", "/page/", "/socket", "/command.py", "//etc/passwd", "/page/%2e%2e/seat.py"):
        assert port.get(path)[0] == 404, path
    assert port.get(method="POST")[0] == 405


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
    ],
)
def test_pages_of_other_sites_stay_out(port, headers):
    assert port.get(**headers)[0] == 403
    names = {name.replace("_", "-"): text for name, text in headers.items()}
    with pytest.raises(InvalidStatus, match="403"):
        port.drive(additional_headers={"Origin": f"http://127.0.0.1:{port.port}", **names})


def test_a_proxys_name_is_let_in_when_it_was_named(port):
    assert port.get(Host="car.example")[0] == 200
    assert port.get(Host="localhost")[0] == 200


def test_the_token_opens_the_page_once_and_a_cookie_goes_on(guarded_port):
    assert guarded_port.get()[0] == 401
    assert guarded_port.get("/?token=wrong")[0] == 401
    assert guarded_port.get(f"/page/drive.js?token={TOKEN}")[0] == 401
    with pytest.raises(InvalidStatus, match="401"):
        guarded_port.drive()
    status, headers, _ = guarded_port.get(f"/?token={TOKEN}")
    assert (status, headers["Location"]) == (303, "/")
    assert TOKEN not in headers["Set-Cookie"]
    cookie = headers["Set-Cookie"].split(";")[0]
    assert guarded_port.get(Cookie=cookie)[0] == 200
    assert guarded_port.get(Cookie="by_hand=wrong")[0] == 401
    with guarded_port.drive(additional_headers={"Cookie": cookie}) as page:
        page.send(json.dumps(HAND_REPORT))


def report(page, **change):
    page.send(json.dumps({**HAND_REPORT, "picture": 0, **change}))


def wait_until(condition):
    """Messages arrive on other threads."""
    turn = threading.Event()
    for _ in range(6000):
        if condition():
            return
        turn.wait(0.01)
    raise AssertionError("it did not happen")


def wait_for(seat, condition):
    """Wait until the page in the seat meets the condition; returns the page."""
    wait_until(lambda: seat.page is not None and condition(seat.page))
    return seat.page


def test_the_newest_page_drives_and_the_one_before_is_told(port):
    with port.drive() as first:
        report(first)
        wait_for(port.seat, lambda page: page.report.number == 3)
        with port.drive() as second:
            with pytest.raises(ConnectionClosed) as closed:
                first.recv(timeout=60)
            assert closed.value.rcvd.code == ANOTHER_PAGE
            report(second, number=7)
            wait_for(port.seat, lambda page: page.report.number == 7 and page.awake)


@pytest.mark.parametrize(
    "message",
    [
        "{}",
        json.dumps({"press": "\u6f22" * 100}, ensure_ascii=False),
        b"\x01\x02",
        '{"press": "quit"}',
        json.dumps({**HAND_REPORT, "steering": 2}),
    ],
)
def test_a_page_that_misbehaves_is_closed_and_another_one_may_come(port, message):
    with port.drive() as page:
        page.send(message)
        with pytest.raises(ConnectionClosed) as closed:
            page.recv(timeout=60)
        assert closed.value.rcvd.code == BAD_MESSAGE
        assert closed.value.rcvd.reason
    with port.drive() as page:
        report(page)
        wait_for(port.seat, lambda driver: driver.awake)


def test_a_message_that_is_too_long_closes_the_socket(port):
    with port.drive() as page:
        page.send("x" * 100_000)
        with pytest.raises(ConnectionClosed):
            page.recv(timeout=60)


def test_a_slow_page_gets_the_newest_picture_and_no_queue(port):
    with port.drive() as page:
        report(page)
        driver = wait_for(port.seat, lambda page: page.awake)
        for number in range(1, 10):
            driver.show(encode_picture({"picture": number}, b""))
            if number <= PICTURES_UNDER_WAY:
                assert decode_picture(page.recv(timeout=60))[0]["picture"] == number
        with pytest.raises(TimeoutError):
            page.recv(timeout=0.05)
        report(page, picture=1)
        assert decode_picture(page.recv(timeout=60))[0]["picture"] == 9


def test_a_hidden_page_or_a_silent_one_is_not_awake(port, monkeypatch):
    with port.drive() as page:
        report(page)
        wait_for(port.seat, lambda driver: driver.awake)
        monkeypatch.setattr("simulator.by_hand.seat.STILL_S", 1e6)
        report(page, visible=False)
        wait_for(port.seat, lambda driver: not driver.awake)
        report(page)
        driver = wait_for(port.seat, lambda driver: driver.awake)
        monkeypatch.setattr("simulator.by_hand.seat.STILL_S", 0.0)
        assert not driver.awake
    wait_until(lambda: port.seat.page is None)


def test_buttons_are_pressed_once_and_a_flood_of_them_is_cut(port):
    with port.drive() as page:
        for _ in range(100):
            page.send('{"press": "camera"}')
        report(page)
        driver = wait_for(port.seat, lambda driver: driver.awake)
        assert driver.presses() == ["camera"] * 20
        assert driver.presses() == []


def test_a_key_that_is_tapped_between_two_looks_is_felt_once(port):
    with port.drive() as page:
        for keys in ([], ["left"], []):
            report(page, keys=keys)
        report(page, keys=[], number=9)
        driver = wait_for(port.seat, lambda driver: driver.report.number == 9)
        assert driver.take_input().keys == {"left"}
        assert driver.take_input().keys == set()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--track", "moon"], "no track 'moon'"),
        (["--url", "ftp://x"], "expected an address"),
        (["--host", "203.0.113.7"], "cannot listen on 203.0.113.7"),
    ],
)
def test_bad_options_end_with_one_line(options, words, capsys):
    assert main(["--by-hand", "--port", "0", "--url", NOBODY, *options]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_a_port_in_use_is_named(port, capsys):
    assert main(["--by-hand", "--port", str(port.port), "--url", NOBODY]) == 2
    assert f"cannot listen on 127.0.0.1:{port.port}" in capsys.readouterr().err


def test_the_address_for_other_devices_is_one_that_they_can_open():
    with bind("0.0.0.0", 0) as listener:
        url = address("0.0.0.0", listener, TOKEN)
    assert re.fullmatch(rf"http://(?!0\.)[\d.]+:\d+/\?token={TOKEN}", url)


def test_the_pages_files_are_small_and_from_here():
    files = list(PAGE.iterdir())
    assert sum(file.stat().st_size for file in files) < 40_000
    for file in files:
        assert "https://" not in file.read_text(encoding="utf-8")
