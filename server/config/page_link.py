"""The addresses at which browsers reach the page: on this computer, and on a phone or another computer of the network.

A phone gets the address as a QR code too, because nobody likes to type a token on a phone.
"""

from __future__ import annotations

import io
import ipaddress
import os
import socket
from typing import TextIO

import segno

ELSEWHERE = {4: ("192.0.2.1", 9), 6: ("2001:db8::1", 9)}
"""Addresses for documentation (RFC 5737, RFC 3849), by version of the Internet protocol. Nothing is sent to them."""

WHITE_ON_BLACK, PLAIN = "\x1b[97;40m", "\x1b[0m"


def own_url(host: str, port: int) -> str:
    """The URL of a server for programs on its own computer. host: the address that it listens on.

    A server on every address (0.0.0.0 or ::) is reached at this computer's own.
    """
    address = _address(host)
    if address is not None and address.is_unspecified:
        return _url("127.0.0.1" if address.version == 4 else "::1", port)
    return _url(host, port)


def network_url(host: str, port: int) -> str | None:
    """The URL of the same server for other computers; None if it listens on this computer only, or has no network."""
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return None
    if address is None or not address.is_unspecified:
        return _url(host, port)
    outward = _outward_address(address.version)
    return _url(outward, port) if outward else None


def qr_code(link: str, terminal: TextIO) -> str:
    """A QR code of `link` for a terminal with any colours; empty if `terminal` cannot show its characters."""
    text = io.StringIO()
    segno.make(link, error="l", micro=False).terminal(text, border=2, compact=True)
    try:
        text.getvalue().encode(terminal.encoding)
    except UnicodeEncodeError:
        return ""
    if os.name == "nt":  # its older consoles print the colours' codes; their background is dark anyway
        return text.getvalue()
    return "\n".join(f"{WHITE_ON_BLACK}{line}{PLAIN}" for line in text.getvalue().splitlines())


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address, or None if `host` is a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _outward_address(version: int) -> str | None:
    """This computer's address on the way to others, or None. A UDP socket that connects sends nothing."""
    with socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(ELSEWHERE[version])
        except OSError:
            return None
        outward = str(probe.getsockname()[0])
    return None if ipaddress.ip_address(outward).is_loopback else outward


def _url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
