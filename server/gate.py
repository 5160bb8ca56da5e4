"""Who may come in: host, origin, token and rate of every request are checked here, before Flask or Socket.IO see it.

The server listens on a port that every web page in the user's browser can reach. Without these checks any page could
open a websocket, read the camera or drive the car, and a page whose name is pointed at 127.0.0.1 (DNS rebinding) could
do so although browsers keep origins apart. docs/threat-model.md says what is guarded against and what is not.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]

SOCKET_PATH = "/socket.io/"
OPEN_PATHS = ("/healthz", "/readyz")
"""Say only yes or no, so that a container's health check needs no token and may use any host name."""

REQUESTS_PER_S, REQUEST_BURST = 30.0, 120.0
WRONG_TOKEN_COST = 20.0
"""Requests that a wrong token counts for: guessing is slowed to a few a second."""

MAX_ADDRESSES = 1000
COOKIE = "drive_page"

HEADERS = (
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), microphone=(), geolocation=()"),
    ("Cache-Control", "no-store"),
)

LOGIN = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Steering server</title><h1>Steering server</h1><p>This server asks for its token. It printed it when it started.
<form action="/" method="get"><label>Token <input name="token" type="password" autocomplete="current-password"
autofocus required></label> <button>Open</button></form></html>"""


@dataclass(frozen=True, slots=True)
class Access:
    """Who is let in. token: asked of page, API and metrics when not None; simulators_too: and of simulators.

    hosts: names, besides `localhost` and plain addresses, under which this server may be asked for.
    """

    token: str | None = None
    simulators_too: bool = False
    hosts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not let in: an HTTP status and a line for the user."""

    status: str
    reason: str


class Gate:
    """A WSGI application in front of `inner`. full(): whether no further simulator can be taken; clock: seconds."""

    def __init__(
        self,
        inner: WsgiApp,
        access: Access,
        full: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inner = inner
        self._access = access
        self._full = full
        self._rates = RequestRates(clock)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Let a request in, or answer it with 401, 403, 429 or 503."""

        def with_headers(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            given = {name.lower() for name, _ in headers}
            return start_response(status, headers + [h for h in HEADERS if h[0].lower() not in given], *error)

        refusal = self.refusal(environ)
        if refusal is not None:
            return self._refuse(environ, refusal, with_headers)
        path = environ.get("PATH_INFO", "/")
        if path.startswith(SOCKET_PATH):
            return self._inner(environ, start_response)
        if path == "/" and self._access.token and "token=" in environ.get("QUERY_STRING", ""):
            return self._admit(with_headers)
        return self._inner(environ, with_headers)

    def refusal(self, environ: dict[str, Any]) -> Refusal | None:
        """Why this request is not let in, None when it is."""
        path = environ.get("PATH_INFO", "/")
        if path not in OPEN_PATHS:
            wrong = _wrong_host(environ, self._access.hosts) or _wrong_origin(environ)
            if wrong:
                return Refusal("403 Forbidden", wrong)
        if path.startswith(SOCKET_PATH):
            if "sid=" not in environ.get("QUERY_STRING", "") and self._full():
                return Refusal("503 Service Unavailable", "this server has as many simulators as it takes")
            asked = self._access.token is not None and self._access.simulators_too
        else:
            if not self._rates.admits(str(environ.get("REMOTE_ADDR", ""))):
                return Refusal("429 Too Many Requests", "too many requests; wait a second")
            asked = self._access.token is not None and path not in OPEN_PATHS
        if asked and not self._knows_token(environ):
            return Refusal("401 Unauthorized", "this server asks for its token: see what it printed when it started")
        return None

    def _knows_token(self, environ: dict[str, Any]) -> bool:
        token = self._access.token or ""
        scheme, _, bearer = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        offered = [bearer.strip()] if scheme.lower() == "bearer" else []
        if environ.get("PATH_INFO", "/") in ("/", SOCKET_PATH):
            offered += parse_qs(environ.get("QUERY_STRING", "")).get("token", [])
        if any(_same(each, token) for each in offered):
            return True
        if offered:
            self._rates.admits(str(environ.get("REMOTE_ADDR", "")), WRONG_TOKEN_COST)
        return _same(_cookie(environ), _cookie_value(token))

    def _admit(self, start_response: Any) -> Iterable[bytes]:
        """The token came with the page's address: keep it in a cookie and take it out of the address."""
        cookie = f"{COOKIE}={_cookie_value(self._access.token or '')}; Path=/; HttpOnly; SameSite=Strict"
        start_response("303 See Other", [("Location", "/"), ("Set-Cookie", cookie), ("Content-Length", "0")])
        return [b""]

    @staticmethod
    def _refuse(environ: dict[str, Any], refusal: Refusal, start_response: Any) -> Iterable[bytes]:
        wants_page = environ.get("PATH_INFO", "/") == "/" and refusal.status.startswith("401")
        body = LOGIN.encode() if wants_page else f'{{"error": "{refusal.reason}"}}\n'.encode()
        headers = [
            ("Content-Type", "text/html; charset=utf-8" if wants_page else "application/json"),
            ("Content-Length", str(len(body))),
        ]
        if refusal.status.startswith("401"):
            headers.append(("WWW-Authenticate", "Bearer"))
        start_response(refusal.status, headers)
        return [body]


@dataclass(slots=True)
class _Bucket:
    left: float
    at_s: float


@dataclass(slots=True)
class RequestRates:
    """How fast each address asks: REQUESTS_PER_S, with REQUEST_BURST saved up, for the latest MAX_ADDRESSES."""

    clock: Callable[[], float]
    _buckets: OrderedDict[str, _Bucket] = field(default_factory=OrderedDict)

    def admits(self, address: str, cost: float = 1.0) -> bool:
        """Whether this address has not asked too much lately."""
        now_s = self.clock()
        bucket = self._buckets.pop(address, None) or _Bucket(REQUEST_BURST, now_s)
        bucket.left = min(REQUEST_BURST, bucket.left + (now_s - bucket.at_s) * REQUESTS_PER_S)
        bucket.at_s = now_s
        self._buckets[address] = bucket
        if len(self._buckets) > MAX_ADDRESSES:
            self._buckets.popitem(last=False)
        admitted = bucket.left >= cost
        bucket.left = max(0.0, bucket.left - cost)
        return admitted


def _wrong_host(environ: dict[str, Any], allowed: frozenset[str]) -> str | None:
    """A page elsewhere can point its own name at this server, not make the browser ask for another name.

    A websocket without an Origin comes from no browser, so a simulator may use any name.
    """
    host = environ.get("HTTP_HOST")
    if host is None or (_is_websocket(environ) and "HTTP_ORIGIN" not in environ):
        return None
    name = _host_name(host)
    if name is not None and (name == "localhost" or name in allowed or _is_address(name)):
        return None
    return "this server does not go by the host name of the request; --allow-host NAME adds one"


def _wrong_origin(environ: dict[str, Any]) -> str | None:
    """A browser says which page asks: only this server's own may."""
    origin = environ.get("HTTP_ORIGIN")
    if origin is not None and _netloc(origin) != environ.get("HTTP_HOST", "").lower():
        return "a page of another origin may not use this server"
    site, mode = environ.get("HTTP_SEC_FETCH_SITE", "none"), environ.get("HTTP_SEC_FETCH_MODE", "")
    opened = mode == "navigate" and environ.get("REQUEST_METHOD") == "GET"  # a link was followed: the user sees it
    if site not in ("same-origin", "none") and not opened:
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


def _same(offered: str, expected: str) -> bool:
    return hmac.compare_digest(offered.encode("utf-8", "replace"), expected.encode())


def _cookie(environ: dict[str, Any]) -> str:
    try:
        found = SimpleCookie(environ.get("HTTP_COOKIE", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _cookie_value(token: str) -> str:
    """What the page's cookie holds: proof of the token, not the token."""
    return hmac.new(token.encode(), b"page", hashlib.sha256).hexdigest()
