"""The JSON API through which the page and other programs control the server; openapi.py describes it.

The access control has admitted every request that arrives here. Every change returns the new status, so that a client
needs no second request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flask
from werkzeug.exceptions import HTTPException

from models.preprocessing.written import PreprocessingError
from server.config.arguments import MAX_SPEED_MPH
from server.model.slot import SwapError
from server.net.run_in_thread import run_in_thread
from server.operator_controls import ControlError, OperatorControls
from server.web.openapi import DOCUMENT
from server.web.page_stream import MAX_STREAMS, Streams
from server.web.recording_archive import archive
from server.web.saliency_service import SaliencyError, SaliencyPending
from server.web.status import status

JsonAnswer = tuple[dict[str, Any], int]


class BadRequest(ValueError):
    """The request is invalid; says what the API expects."""


def api(controls: OperatorControls) -> flask.Blueprint:
    """The routes under /api."""
    routes = flask.Blueprint("api", __name__, url_prefix="/api")
    streams = Streams(controls)

    def new_status(code: int = 200) -> JsonAnswer:
        return status(controls), code

    def on_disk(work: Callable[[], object]) -> JsonAnswer:
        run_in_thread(work)
        return new_status()

    @routes.get("/openapi.json")
    def document() -> JsonAnswer:
        return DOCUMENT, 200

    @routes.get("/status")
    def show_status() -> JsonAnswer:
        return new_status()

    @routes.get("/events")
    def events() -> flask.Response:
        simulator = _simulator()
        if streams.open >= MAX_STREAMS:
            raise ControlError(f"{MAX_STREAMS} pages are watching already")
        stream = streams.stream(simulator, flask.request.environ)
        return flask.Response(stream, content_type="text/event-stream")

    @routes.post("/pause")
    def pause() -> JsonAnswer:
        controls.pause(True)
        return new_status()

    @routes.post("/resume")
    def resume() -> JsonAnswer:
        controls.pause(False)
        return new_status()

    @routes.put("/speed")
    def speed() -> JsonAnswer:
        controls.hold_speed(_number(_body("mph"), 0.0, MAX_SPEED_MPH))
        return new_status()

    @routes.post("/recording/start")
    def start() -> JsonAnswer:
        return on_disk(controls.start_recording)

    @routes.post("/recording/stop")
    def stop() -> JsonAnswer:
        return on_disk(controls.stop_recording)

    @routes.post("/recording/save")
    def save() -> JsonAnswer:
        return on_disk(controls.save_recent_frames)

    @routes.get("/recordings/<name>.zip")
    def recording(name: str) -> flask.Response:
        folders = controls.finished_recording(name).folders
        answer = flask.Response(archive(folders), content_type="application/zip")
        answer.headers["Content-Disposition"] = f'attachment; filename="{name}.zip"'
        return answer

    @routes.get("/models")
    def models() -> JsonAnswer:
        return {"models": controls.models.names(), "driving": controls.models.model.path.name}, 200

    @routes.post("/model")
    def model() -> JsonAnswer:
        name = _body("name")
        if not isinstance(name, str):
            raise BadRequest(f"name must be a model file's name, got {str(name)[:40]!r}")
        controls.models.swap(name)
        return new_status(202)

    @routes.post("/by-hand")
    def by_hand() -> JsonAnswer:
        return {"page": run_in_thread(controls.open_page_by_hand)}, 200

    @routes.get("/saliency")
    def saliency() -> flask.Response | JsonAnswer:
        simulator = _simulator()
        try:
            picture = run_in_thread(lambda: controls.saliency(simulator))
        except SaliencyPending as error:
            return {"preparing": str(error), "seconds": round(error.seconds, 1)}, 202
        return flask.Response(picture, content_type="image/jpeg")

    @routes.get("/shadow/<int:rank>")
    def picture(rank: int) -> flask.Response:
        if controls.shadow is None:
            raise LookupError("there is no shadow: start the server with --shadow MODEL")
        image = controls.shadow.picture(rank)
        return flask.Response(image, content_type="image/png" if image[:4] == b"\x89PNG" else "image/jpeg")

    _answer_errors(routes)
    return routes


def _answer_errors(routes: flask.Blueprint) -> None:
    """Return every error as JSON, with a line that says what is wrong."""
    refusals = ((ControlError, 409), (SwapError, 409), (SaliencyError, 409))
    for kind, code in ((BadRequest, 400), (PreprocessingError, 400), (LookupError, 404), *refusals, (OSError, 507)):
        routes.register_error_handler(kind, lambda error, code=code: ({"error": str(error)}, code))


def http_error(error: HTTPException) -> flask.Response:
    """Flask's own errors (404, 405, 413, 415) as JSON, with their headers."""
    answer = flask.make_response({"error": error.description or error.name}, error.code or 500)
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            answer.headers[name] = value
    return answer


def _simulator() -> int | None:
    """The simulator's number in the query, or None. Raises BadRequest."""
    number = flask.request.args.get("simulator")
    if number is not None and not (number.isascii() and number.isdigit() and len(number) <= 4):
        raise BadRequest(f"simulator must be a simulator's number, got {number[:20]!r}")
    return int(number) if number else None


def _body(name: str) -> object:
    """The only field of a JSON body. Raises BadRequest; Flask answers another media type with 415."""
    body = flask.request.get_json()
    if not isinstance(body, dict) or set(body) != {name}:
        raise BadRequest(f'expected {{"{name}": ...}} and nothing else, got {str(body)[:60]}')
    return body[name]


def _number(value: object, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise BadRequest(f"expected a number from {low:g} to {high:g}, got {str(value)[:40]}")
    return float(value)
