"""The addresses of a server: on its own computer, and for a phone or another computer of the network."""

from __future__ import annotations

import ipaddress
import socket

ELSEWHERE = {4: ("192.0.2.1", 9), 6: ("2001:db8::1", 9)}
"""Addresses for documentation (RFC 5737, RFC 3849), by version of the Internet protocol. Nothing is sent to them."""


def is_loopback(host: str) -> bool:
    """Whether only this computer reaches a server that listens on this address or name."""
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback


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
    if is_loopback(host):
        return None
    address = _address(host)
    if address is None or not address.is_unspecified:
        return _url(host, port)
    outward = _outward_address(address.version)
    return _url(outward, port) if outward else None


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
