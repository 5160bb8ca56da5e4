"""A phone can open the address that the server prints, and reads it from a QR code."""

import io
import re
import sys

import cv2
import numpy as np
import pytest

from protocol.web import addresses
from protocol.web.addresses import is_loopback, network_url, own_url
from server.config.options import parse_options
from server.config.qr_code import qr_code
from server.drive import announce_page

LAN = "192.168.178.23"


@pytest.fixture
def lan(monkeypatch):
    """A computer whose address in its network is LAN."""
    monkeypatch.setattr(addresses, "_outward_address", lambda version: LAN)


def read(code: str) -> str:
    """The text of a QR code that was printed in half blocks, light modules as blocks."""
    lines = [re.sub("\x1b[^m]*m", "", line) for line in code.splitlines()]
    halves = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}
    rows = [[halves[mark][half] for mark in line] for line in lines for half in (0, 1)]
    image = np.kron(np.array(rows, np.uint8) * 255, np.ones((8, 8), np.uint8))
    return cv2.QRCodeDetector().detectAndDecode(image)[0]


@pytest.mark.parametrize(
    ("host", "own", "elsewhere"),
    [
        ("127.0.0.1", "http://127.0.0.1:4567", None),
        ("::1", "http://[::1]:4567", None),
        ("0.0.0.0", "http://127.0.0.1:4567", f"http://{LAN}:4567"),
        ("192.168.1.7", "http://192.168.1.7:4567", "http://192.168.1.7:4567"),
    ],
)
def test_each_reader_gets_an_address_that_opens(lan, host, own, elsewhere):
    assert (own_url(host, 4567), network_url(host, 4567)) == (own, elsewhere)


@pytest.mark.parametrize(
    ("host", "local"), [("localhost", True), ("::1", True), ("127.0.0.9", True), ("0.0.0.0", False), ("car", False)]
)
def test_only_loopback_is_this_computer_alone(host, local):
    assert is_loopback(host) is local


def test_a_computer_without_a_network_names_no_other_address(monkeypatch):
    monkeypatch.setattr(addresses, "ELSEWHERE", {4: ("127.0.0.1", 9)})
    assert network_url("0.0.0.0", 4567) is None


def printed(capsys, monkeypatch, terminal, *arguments):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    options = parse_options(["m.h5", "--host", "0.0.0.0", *arguments])
    token = options.token or "made-up-token-of-32-characters-x"
    announce_page(options, token, own_url("0.0.0.0", 4567), network_url("0.0.0.0", 4567))
    return capsys.readouterr().out


def test_a_phone_gets_its_address_with_the_token_as_a_code(lan, capsys, monkeypatch):
    lines, _, code = printed(capsys, monkeypatch, True).partition("network\n")
    link = f"http://{LAN}:4567/?token=made-up-token-of-32-characters-x"
    assert f"open {link} on a phone" in lines
    assert read(code) == link


def test_a_chosen_token_is_printed_nowhere_and_a_log_gets_no_code(lan, capsys, monkeypatch):
    chosen = "chosen-by-the-user"
    on_terminal = printed(capsys, monkeypatch, True, "--token", chosen)
    assert read(on_terminal.partition("network\n")[2]) == f"http://{LAN}:4567/"
    in_a_log = printed(capsys, monkeypatch, False, "--token", chosen)
    assert "█" not in in_a_log
    assert chosen not in on_terminal + in_a_log
    assert "█" not in printed(capsys, monkeypatch, True, "--log", "json")


def test_a_terminal_without_blocks_gets_no_code():
    assert qr_code("http://a", io.TextIOWrapper(io.BytesIO(), encoding="cp1250")) == ""
