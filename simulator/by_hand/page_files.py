"""The page's files, and which requests get them: host, origin and token are checked before anything is answered."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, urlsplit

from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from protocol.web.origins import wrong_host, wrong_origin

PAGE = Path(__file__).resolve().parent / "page"
SOCKET_PATH = "/socket"
COOKIE = "by_hand"
KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
NEEDS_TOKEN = "this page needs its token: open the whole address that the program printed when it started"


class PageFiles:
    """Answers the requests of one port. token: None where none is needed; hosts: names besides `localhost`."""

    def __init__(self, token: str | None, hosts: frozenset[str]) -> None:
        self._token = token
        self._hosts = hosts
        self._files = {f"/page/{file.name}": file for file in PAGE.iterdir() if file.suffix in KINDS}
        self._files["/"] = PAGE / "index.html"

    def answer(self, request: Request) -> Response | None:
        """The answer to a request, or None where a websocket may be opened."""
        if request.method != "GET":
            return _response(HTTPStatus.METHOD_NOT_ALLOWED, "this page is only read", {"Allow": "GET"})
        url, environ = urlsplit(request.path), _environ(request.headers)
        if reason := wrong_host(environ, self._hosts) or wrong_origin(environ):
            return _response(HTTPStatus.FORBIDDEN, reason)
        if self._token is not None and not self._has_cookie(environ):
            return self._admit(url, self._token)
        if url.path == SOCKET_PATH and environ["HTTP_UPGRADE"].lower() == "websocket":
            return None
        file = self._files.get(url.path)
        if file is None:
            return _response(HTTPStatus.NOT_FOUND, "there is no such page")
        kind = f"{KINDS[file.suffix]}; charset=utf-8"
        return _response(HTTPStatus.OK, file.read_bytes(), {"Content-Type": kind})

    @staticmethod
    def _admit(url: SplitResult, token: str) -> Response:
        """Move the token from the page's address into a cookie, or refuse."""
        candidates = parse_qs(url.query).get("token", [])
        if url.path != "/" or not any(_same(candidate, token) for candidate in candidates):
            return _response(HTTPStatus.UNAUTHORIZED, NEEDS_TOKEN)
        cookie = f"{COOKIE}={_cookie_value(token)}; Path=/; HttpOnly; SameSite=Strict"
        return _response(HTTPStatus.SEE_OTHER, "", {"Location": "/", "Set-Cookie": cookie})

    def _has_cookie(self, environ: Mapping[str, str]) -> bool:
        try:
            cookie = SimpleCookie(environ.get("HTTP_COOKIE", "")).get(COOKIE)
        except CookieError:
            return False
        return cookie is not None and _same(cookie.value, _cookie_value(self._token or ""))


def _environ(headers: Headers) -> dict[str, str]:
    """The headers that the checks read, under their names in WSGI. A header that comes twice is refused as wrong."""
    names = ("Host", "Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Upgrade", "Cookie")
    environ = {f"HTTP_{name.upper().replace('-', '_')}": ", ".join(headers.get_all(name)) for name in names}
    return {"REQUEST_METHOD": "GET", "HTTP_UPGRADE": "", **{name: text for name, text in environ.items() if text}}


def _response(status: HTTPStatus, body: str | bytes, headers: Mapping[str, str] | None = None) -> Response:
    data = body if isinstance(body, bytes) else f"{body}\n".encode()
    fields = {"Content-Type": "text/plain; charset=utf-8", **HEADERS, **(headers or {})}
    fields |= {"Content-Length": str(len(data)), "Connection": "close"}
    return Response(status.value, status.phrase, Headers(fields), data)


def _same(candidate: str, expected: str) -> bool:
    return hmac.compare_digest(candidate.encode("utf-8", "replace"), expected.encode())


def _cookie_value(token: str) -> str:
    """The page's cookie: it proves that its owner had the token, and does not contain the token."""
    return hmac.new(token.encode(), b"page", hashlib.sha256).hexdigest()
