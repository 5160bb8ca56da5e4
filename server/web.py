"""Flask's part of the port: health, metrics and the page; and how it, Socket.IO and the gate stand together."""

from __future__ import annotations

import flask
import socketio
from prometheus_client import CONTENT_TYPE_LATEST

from server.app import DrivingApp
from server.gate import Access, Gate
from server.status import simulators

MAX_BODY_BYTES = 10_000
"""A request of the page is some dozen bytes."""


def wsgi_app(app: DrivingApp, description: dict[str, object], access: Access) -> Gate:
    """All that the port serves. description: model, engine, ... of this server; access: who is let in."""
    return Gate(socketio.WSGIApp(app.sio, _routes(app, description)), access, app.full)


def _routes(app: DrivingApp, description: dict[str, object]) -> flask.Flask:
    web = flask.Flask(__name__, static_folder=None)
    web.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES

    @web.get("/healthz")
    def healthz() -> dict[str, str]:
        """The process answers."""
        return {"status": "alive"}

    @web.get("/readyz")
    def readyz() -> tuple[dict[str, str], int]:
        """The model is warm (the port opens only then) and no end has begun."""
        return ({"status": "stopping"}, 503) if app.stopping else ({"status": "ready"}, 200)

    @web.get("/metrics")
    def metrics() -> flask.Response:
        return flask.Response(app.metrics.text(), content_type=CONTENT_TYPE_LATEST)

    @web.get("/")
    def index() -> str:
        status = {**description, "latency_ms": app.latency.percentiles(), "simulators": simulators(app)}
        return flask.render_template("index.html", status=status)

    return web
