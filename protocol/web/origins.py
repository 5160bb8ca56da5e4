"""Checks which host a request names and which page it comes from, to keep other sites' pages out.

Any page in a browser on this computer can send requests to 127.0.0.1 and open websockets there. It can also make its
own host name resolve to that address (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit


def wrong_host(environ: dict[str, Any], allowed: frozenset[str]) -> str | None:
    """Why the request's host name is wrong, or None. allowed: names besides `localhost` and plain addresses.

    Another site can make its own name resolve to this server, but its page's requests still carry that name. A
    websocket without an Origin comes from no browser, so a simulator may use any name.
    """
    host = environ.get("HTTP_HOST")
    if host is None or (_is_websocket(environ) and "HTTP_ORIGIN" not in environ):
        return None
    name = _host_name(host)
    if name is not None and (name == "localhost" or name in allowed or _is_address(name)):
        return None
    return "this server does not go by the host name of the request; --allow-host NAME adds one"


def wrong_origin(environ: dict[str, Any]) -> str | None:
    """Why the page that sends the request is wrong, or None: only this server's own page may."""
    origin = environ.get("HTTP_ORIGIN")
    if origin is not None and _netloc(origin) != environ.get("HTTP_HOST", "").lower():
        return "a page of another origin may not use this server"
    site, mode = environ.get("HTTP_SEC_FETCH_SITE", "none"), environ.get("HTTP_SEC_FETCH_MODE", "")
    navigated = mode == "navigate" and environ.get("REQUEST_METHOD") == "GET"  # the user followed a link
    if site not in ("same-origin", "none") and not navigated:
        return "a page of another site may not use this server"
    return None


def _is_websocket(environ: dict[str, Any]) -> bool:
    return bool(environ.get("HTTP_UPGRADE", "").lower() == "websocket")


def _netloc(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None


def _host_name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
