"""Joins the access control, Socket.IO, the API and Flask's routes for health, metrics and the page.

Flask serves pages and JSON. Telemetry, which needs an answer within milliseconds, never passes through it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import flask
from prometheus_client import CONTENT_TYPE_LATEST
from werkzeug.exceptions import HTTPException

from server.net.green import sleep
from server.operator_controls import OperatorControls
from server.web.access import Access, AccessControl, WsgiApp
from server.web.api import api, http_error

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 10_000
"""The page's own requests have some dozen bytes."""

PAGE = Path(__file__).resolve().parent / "page"


def wsgi_app(controls: OperatorControls, access: Access) -> AccessControl:
    """The WSGI application of the port. access: the rules of access."""
    app = controls.app
    inner = _logged(app.socket_app(_routes(controls)))
    return AccessControl(inner, access, app.full, lambda: app.draining, app.refusals.note, sleep)


def _logged(inner: WsgiApp) -> WsgiApp:
    """Log the exception of a request; eventlet answers it with 500 and logs nothing."""

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        try:
            return inner(environ, start_response)
        except Exception:
            log.exception("a request for %s failed", environ.get("PATH_INFO"))
            raise

    return answer


def _routes(controls: OperatorControls) -> flask.Flask:
    web = flask.Flask(__name__, static_folder=PAGE, static_url_path="/page")
    web.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    web.register_blueprint(api(controls))
    web.register_error_handler(HTTPException, http_error)
    app = controls.app

    @web.get("/healthz")
    def healthz() -> dict[str, str]:
        """Alive: the process answers."""
        return {"status": "alive"}

    @web.get("/readyz")
    def readyz() -> tuple[dict[str, object], int]:
        """Ready: the model is warm (the port opens only then), a worker takes simulators, and no end has begun."""
        workers = app.worker_states()
        can_drive = not workers or "ready" in workers.values()
        ending = "stopping" if app.stopping else "draining" if app.draining else None
        state = ending or ("ready" if can_drive else "no worker is ready")
        return {"status": state, **({"workers": workers} if workers else {})}, 200 if state == "ready" else 503

    @web.get("/metrics")
    def metrics() -> flask.Response:
        return flask.Response(app.metrics.text(), content_type=CONTENT_TYPE_LATEST)

    @web.get("/")
    def index() -> flask.Response:
        return flask.send_from_directory(PAGE, "index.html")

    return web
