"""The JSON API: everything that the page can do, for programs; openapi.py describes it, the gate has let them in.

Every change answers with the new status, so that nobody has to ask twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flask
from werkzeug.exceptions import HTTPException

from server.config.options import MAX_SPEED_MPH
from server.model.slot import SwapError
from server.net.run_in_thread import beside
from server.operator_controls import OperatorControls, Refused
from server.web.openapi import DOCUMENT
from server.web.page_stream import MAX_STREAMS, Streams
from server.web.saliency_service import Preparing, Unexplained
from server.web.status import status

Answer = tuple[dict[str, Any], int]


class BadRequest(ValueError):
    """A body that is not what the API takes; says what is."""


def api(controls: OperatorControls) -> flask.Blueprint:
    """The routes under /api."""
    routes = flask.Blueprint("api", __name__, url_prefix="/api")
    streams = Streams(controls)

    def done(code: int = 200) -> Answer:
        return status(controls), code

    def on_disk(work: Callable[[], object]) -> Answer:
        beside(work)
        return done()

    @routes.get("/openapi.json")
    def document() -> Answer:
        return DOCUMENT, 200

    @routes.get("/status")
    def tell() -> Answer:
        return done()

    @routes.get("/events")
    def events() -> flask.Response:
        simulator = _simulator()
        if streams.open >= MAX_STREAMS:
            raise Refused(f"{MAX_STREAMS} pages watch already")
        stream = streams.stream(simulator, flask.request.environ)
        return flask.Response(stream, content_type="text/event-stream")

    @routes.post("/pause")
    def pause() -> Answer:
        controls.app.pause(True)
        return done()

    @routes.post("/resume")
    def resume() -> Answer:
        controls.app.pause(False)
        return done()

    @routes.put("/speed")
    def speed() -> Answer:
        controls.pace.hold(_number(_body("mph"), 0.0, MAX_SPEED_MPH))
        return done()

    @routes.post("/recording/start")
    def start() -> Answer:
        return on_disk(controls.start_recording)

    @routes.post("/recording/stop")
    def stop() -> Answer:
        return on_disk(controls.stop_recording)

    @routes.post("/recording/save")
    def save() -> Answer:
        return on_disk(controls.save_recent_frames)

    @routes.get("/models")
    def models() -> Answer:
        return {"models": controls.models.names(), "driving": controls.models.model.path.name}, 200

    @routes.post("/model")
    def model() -> Answer:
        name = _body("name")
        if not isinstance(name, str):
            raise BadRequest(f"name must be a model file's name, got {str(name)[:40]!r}")
        controls.models.swap(name)
        return done(202)

    @routes.get("/saliency")
    def saliency() -> flask.Response | Answer:
        simulator = _simulator()
        try:
            picture = beside(lambda: controls.saliency(simulator))
        except Preparing as error:
            return {"preparing": str(error)}, 202
        return flask.Response(picture, content_type="image/jpeg")

    @routes.get("/shadow/<int:rank>")
    def picture(rank: int) -> flask.Response:
        if controls.shadow is None:
            raise LookupError("no shadow drives along: start the server with --shadow MODEL")
        image = controls.shadow.picture(rank)
        return flask.Response(image, content_type="image/png" if image[:4] == b"\x89PNG" else "image/jpeg")

    _answer_errors(routes)
    return routes


def _answer_errors(routes: flask.Blueprint) -> None:
    """Every error as JSON, with a line that says what was wrong."""
    refusals = ((Refused, 409), (SwapError, 409), (Unexplained, 409))
    for kind, code in ((BadRequest, 400), (LookupError, 404), *refusals, (OSError, 507)):
        routes.register_error_handler(kind, lambda error, code=code: ({"error": str(error)}, code))


def http_error(error: HTTPException) -> flask.Response:
    """Flask's own refusals (404, 405, 413, 415), as JSON; their headers stay."""
    answer = flask.make_response({"error": error.description or error.name}, error.code or 500)
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            answer.headers[name] = value
    return answer


def _simulator() -> int | None:
    """The query's simulator, None where none is named. Raises BadRequest."""
    number = flask.request.args.get("simulator")
    if number is not None and not (number.isascii() and number.isdigit() and len(number) <= 4):
        raise BadRequest(f"simulator must be a simulator's number, got {number[:20]!r}")
    return int(number) if number else None


def _body(name: str) -> object:
    """The one field of a JSON body. Raises BadRequest; Flask answers another media type with 415."""
    body = flask.request.get_json()
    if not isinstance(body, dict) or set(body) != {name}:
        raise BadRequest(f'expected {{"{name}": ...}} and nothing else, got {str(body)[:60]}')
    return body[name]


def _number(value: object, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise BadRequest(f"expected a number from {low:g} to {high:g}, got {str(value)[:40]}")
    return float(value)
