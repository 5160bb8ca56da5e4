"""Checks host, origin, token and rate of every request before Flask or Socket.IO see it.

Every web page in the user's browser can reach the server's port. Without these checks any page could open a websocket,
read the camera or drive the car. A page whose host name resolves to 127.0.0.1 (DNS rebinding) could do so although
browsers separate origins. docs/threat-model.md lists the attacks that the server guards against.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from protocol.web.origins import wrong_host, wrong_origin
from server.web.rates import RequestRates

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]

SOCKET_PATH = "/socket.io/"
SOCKET_REQUEST = f"GET {SOCKET_PATH}".encode()
OPEN_PATHS = ("/healthz", "/readyz")
"""These answer yes or no, and which workers are ready. So a container's health check needs no token and may use any
host name."""

REQUESTS_PER_S, REQUEST_BURST = 30.0, 120.0
GUESSES_PER_S, GUESS_BURST = 1.5, 6.0
"""Wrong tokens of one address. Beyond this rate the server checks no token of it, because a guess might be right."""

HOLD_S = 1.0
"""A refused simulator tries again at once, without end, so the server sends the refusal after a second."""

MAX_HELD = 64
"""Refused connections that wait for their refusal at a time; the server refuses further ones at once."""

HANG_UP = "steering.hang_up"
"""Key of the WSGI environment: a function that makes the server close this connection after the answer. The simulator's
library never closes a refused connection and would soon hold them all."""

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
<title>Steering server</title><h1>Steering server</h1><p>Enter the token that the server printed when it started.
<form action="/" method="get"><label>Token <input name="token" type="password" autocomplete="current-password"
autofocus required></label> <button>Open</button></form></html>"""


@dataclass(frozen=True, slots=True)
class Access:
    """The rules of access. token: page, API and metrics need it, unless None; simulators_too: simulators need it too.

    hosts: the host names that requests may use besides `localhost` and plain addresses.
    """

    token: str | None = None
    simulators_too: bool = False
    hosts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is refused: an HTTP status, and a line for the client.

    advice: for the log and the page when the client is a simulator: the reason, and what its user can do.
    """

    status: str
    reason: str
    advice: str = ""


UNAUTHORIZED = Refusal(
    "401 Unauthorized",
    "this server needs its token, which it printed when it started",
    "it gives no token, or a wrong one. Start the server without --protect-simulators, or add ?token=... to the "
    "address in the simulator",
)
GUESSED_TOO_OFTEN = Refusal(
    "429 Too Many Requests",
    "too many wrong tokens; wait some seconds",
    "it has given too many wrong tokens. Compare its token with the server's, and wait some seconds",
)
TOO_MANY_REQUESTS = Refusal("429 Too Many Requests", "too many requests; wait a second")
FULL = Refusal(
    "503 Service Unavailable",
    "this server has as many simulators as it takes",
    "this server has as many simulators as it takes. Close another one, or start a second server on another --port",
)
DRAINING = Refusal(
    "503 Service Unavailable",
    "this server ends and takes no new simulators",
    "this server ends when its present simulators have left. Start another server, which may have another --port",
)
OTHER_PROTOCOL = Refusal(
    "400 Bad Request",
    "this server speaks Engine.IO 4, which the Udacity simulator announces (EIO=4)",
    "it announces another version of Engine.IO than 4. Use a Socket.IO client of version 3 or newer",
)


class AccessControl:
    """A WSGI application in front of `inner`.

    full(): whether the server has as many simulators as it takes. draining(): whether its present simulators are its
    last ones. on_refusal: called with the address and the advice for each refused simulator. pause: waits for a number
    of seconds. clock: seconds.
    """

    def __init__(
        self,
        inner: WsgiApp,
        access: Access,
        full: Callable[[], bool] = lambda: False,
        draining: Callable[[], bool] = lambda: False,
        on_refusal: Callable[[str, str], None] = lambda address, reason: None,
        pause: Callable[[float], object] = lambda seconds: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inner = inner
        self._access = access
        self._full = full
        self._draining = draining
        self._on_refusal = on_refusal
        self._pause = pause
        self._held = 0
        self._requests = RequestRates(clock, REQUESTS_PER_S, REQUEST_BURST)
        self._guesses = RequestRates(clock, GUESSES_PER_S, GUESS_BURST)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Pass a request on to `inner`, or answer it with 400, 401, 403, 429 or 503."""

        def with_headers(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            names = {name.lower() for name, _ in headers}
            return start_response(status, headers + [h for h in HEADERS if h[0].lower() not in names], *error)

        def hanging_up(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            if status[:1] in "45":
                _hang_up(environ)
            return start_response(status, headers, *error)

        path = environ.get("PATH_INFO", "/")
        refusal = self.refusal(environ)
        if refusal is not None:
            if path.startswith(SOCKET_PATH):
                self._hold(environ, refusal)
            _hang_up(environ)
            return self._refuse(environ, refusal, with_headers)
        if path.startswith(SOCKET_PATH):
            return self._inner(environ, hanging_up)
        if path == "/" and self._access.token and "token=" in environ.get("QUERY_STRING", ""):
            return self._admit(with_headers)
        return self._inner(environ, with_headers)

    def unwelcome(self, head: bytes) -> bool:
        """Whether a request that begins with `head` belongs to a flood, so that the door may close it unanswered.

        That holds only while MAX_HELD refused connections wait and this request would be refused too.
        """
        if self._held < MAX_HELD or not head.startswith(SOCKET_REQUEST) or b"sid=" in head:
            return False
        token = self._access.token if self._access.simulators_too else None
        return self._full() or self._draining() or (token is not None and token.encode() not in head)

    def refusal(self, environ: dict[str, Any]) -> Refusal | None:
        """Why this request is refused, or None."""
        path = environ.get("PATH_INFO", "/")
        if path not in OPEN_PATHS:
            reason = wrong_host(environ, self._access.hosts) or wrong_origin(environ)
            if reason:
                return Refusal("403 Forbidden", reason, f"{reason}. Only simulators and the server's page may drive")
        if path.startswith(SOCKET_PATH):
            refusal = self._socket_refusal(environ)
            needs_token = self._access.token is not None and self._access.simulators_too
        else:
            refusal = None if self._requests.admits(_address(environ)) else TOO_MANY_REQUESTS
            needs_token = self._access.token is not None and path not in OPEN_PATHS
        return refusal or (self._token_refusal(environ) if needs_token else None)

    def _socket_refusal(self, environ: dict[str, Any]) -> Refusal | None:
        query = parse_qs(environ.get("QUERY_STRING", ""))
        if "sid" in query:
            return None
        if query.get("EIO", ["4"]) != ["4"]:
            return OTHER_PROTOCOL
        return DRAINING if self._draining() else FULL if self._full() else None

    def _token_refusal(self, environ: dict[str, Any]) -> Refusal | None:
        token = self._access.token or ""
        if _same(_cookie(environ), _cookie_value(token)):
            return None
        scheme, _, bearer = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        candidates = [bearer.strip()] if scheme.lower() == "bearer" else []
        if environ.get("PATH_INFO", "/") in ("/", SOCKET_PATH):
            candidates += parse_qs(environ.get("QUERY_STRING", "")).get("token", [])
        if not candidates:
            return UNAUTHORIZED
        address = _address(environ)
        if not self._guesses.left(address) >= 1.0:
            return GUESSED_TOO_OFTEN
        if any(_same(candidate, token) for candidate in candidates):
            return None
        self._guesses.admits(address)
        return UNAUTHORIZED

    def _hold(self, environ: dict[str, Any], refusal: Refusal) -> None:
        """Report a refused simulator, and delay its refusal."""
        self._on_refusal(_address(environ), refusal.advice)
        if self._held < MAX_HELD:
            self._held += 1
            try:
                self._pause(HOLD_S)
            finally:
                self._held -= 1

    def _admit(self, start_response: Any) -> Iterable[bytes]:
        """Move the token from the page's address into a cookie."""
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


def _hang_up(environ: dict[str, Any]) -> None:
    environ.get(HANG_UP, lambda: None)()


def _address(environ: dict[str, Any]) -> str:
    return str(environ.get("REMOTE_ADDR", ""))


def _same(candidate: str, expected: str) -> bool:
    return hmac.compare_digest(candidate.encode("utf-8", "replace"), expected.encode())


def _cookie(environ: dict[str, Any]) -> str:
    try:
        cookie = SimpleCookie(environ.get("HTTP_COOKIE", "")).get(COOKIE)
    except CookieError:
        return ""
    return cookie.value if cookie else ""


def _cookie_value(token: str) -> str:
    """The page's cookie: it proves that its owner had the token, and does not contain the token."""
    return hmac.new(token.encode(), b"page", hashlib.sha256).hexdigest()
