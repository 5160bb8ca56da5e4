"""The OpenAPI document of the JSON API. The server serves it, and a test fuzzes the server against it."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def _object(**properties: Schema) -> Schema:
    """An object that has all of these properties and no others."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}
SPEED_MPH: Schema = {"type": "number", "minimum": 0, "maximum": 100}
NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 255}

SCHEMAS: dict[str, Schema] = {
    "Error": _object(error=TEXT),
    "Speed": _object(mph=SPEED_MPH),
    "ModelName": _object(name=NAME),
    "Models": _object(models=_list(NAME), driving=NAME),
    "Finding": _object(level={"enum": ["good", "note", "bad"]}, kind=TEXT, text=TEXT),
    "Simulator": _object(
        simulator=COUNT,
        answered=COUNT,
        rate_hz=NUMBER,
        speed_mph=NUMBER,
        manual=FLAG,
        silent_s=NUMBER,
        faults={"type": "object", "additionalProperties": COUNT},
    ),
    "Model": _object(
        name=NAME,
        model_sha256=_or_null(TEXT),
        engine=_or_null(TEXT),
        device=_or_null(TEXT),
        engine_ms=_or_null(NUMBER),
        notes=_or_null(_list(TEXT)),
        card=_or_null({"type": "object"}),
        loading=_or_null(TEXT),
        error=_or_null(TEXT),
    ),
    "Recording": _object(
        on=FLAG,
        folder=_or_null(TEXT),
        frames=COUNT,
        left_out=COUNT,
        waiting=COUNT,
        error=_or_null(TEXT),
        seconds_kept=NUMBER,
        saved=_or_null(TEXT),
    ),
    "Shadow": _object(
        model=NAME,
        compared=COUNT,
        left_out=COUNT,
        error=_or_null(TEXT),
        mean=_or_null(NUMBER),
        p95=_or_null(NUMBER),
        max=_or_null(NUMBER),
        worst=_list(
            _object(difference=NUMBER, steering=NUMBER, shadow_steering=NUMBER, time_s=NUMBER, simulator=COUNT)
        ),
    ),
    "Status": _object(
        model=_ref("Model"),
        latency_ms={"type": "object", "additionalProperties": NUMBER},
        paused=FLAG,
        target_speed_mph=_or_null(SPEED_MPH),
        constant_throttle=_or_null(NUMBER),
        recording=_ref("Recording"),
        shadow=_or_null(_ref("Shadow")),
        simulators=_list(_ref("Simulator")),
        doctor=_list(_ref("Finding")),
    ),
}

ERRORS = {
    "400": "The body or the query does not match this document",
    "404": "There is no such model",
    "409": "This is impossible now; the error says why",
    "413": "The body is too large",
    "415": "The body is not JSON",
    "507": "The disk is full or cannot be written",
}
ACCESS_ERRORS = {"401": "The token is missing", "403": "Another origin or host", "429": "Too many requests"}


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


def _operation(summary: str, answer: str, *errors: str, code: str = "200", body: str | None = None) -> Schema:
    refusals = {error: {"description": ERRORS[error], "content": _json(_ref("Error"))} for error in errors}
    refusals |= {error: {"description": why, "content": _json(_ref("Error"))} for error, why in ACCESS_ERRORS.items()}
    operation: Schema = {
        "summary": summary,
        "responses": {code: {"description": "Done", "content": _json(_ref(answer))}, **refusals},
    }
    if body:
        operation["requestBody"] = {"required": True, "content": _json(_ref(body))}
    return operation


BODY_ERRORS = ("400", "413", "415")

SIMULATOR: Schema = {
    "name": "simulator",
    "in": "query",
    "schema": {"type": "integer", "minimum": 1, "maximum": 9999},
    "description": "The simulator's number; by default the lowest that is connected",
}

DOCUMENT: Schema = {
    "openapi": "3.1.0",
    "info": {
        "title": "Steering server",
        "version": "1",
        "description": "Watch and operate a server that drives the Udacity simulator. Every change returns the new "
        "status. Where the server needs a token, send it as `Authorization: Bearer TOKEN`.",
    },
    "components": {"schemas": SCHEMAS, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    "security": [{}, {"token": []}],
    "paths": {
        "/api/status": {"get": _operation("Get the server's state", "Status")},
        "/api/pause": {"post": _operation("Brake every car and keep it standing", "Status")},
        "/api/resume": {"post": _operation("Let the model drive again", "Status")},
        "/api/speed": {"put": _operation("Set the target speed", "Status", *BODY_ERRORS, body="Speed")},
        "/api/recording/start": {"post": _operation("Start a recording in a new folder", "Status", "409", "507")},
        "/api/recording/stop": {"post": _operation("Finish the recording", "Status", "409", "507")},
        "/api/recording/save": {"post": _operation("Save the last 30 s as a recording", "Status", "409", "507")},
        "/api/models": {"get": _operation("List the model files beside the one that drives", "Models")},
        "/api/model": {
            "post": _operation(
                "Load another of these models; it takes over once it is warm and checked (see the status)",
                "Status",
                *BODY_ERRORS,
                "404",
                "409",
                code="202",
                body="ModelName",
            )
        },
        "/api/saliency": {
            "get": {
                "summary": "Get the newest camera image, with what the model looks at marked in pink (VisualBackProp)",
                "parameters": [SIMULATOR],
                "responses": {
                    "200": {"description": "The picture", "content": {"image/jpeg": {}}},
                    "202": {
                        "description": "The model is being prepared, once, for some ten seconds; repeat the request",
                        "content": _json(_object(preparing=TEXT)),
                    },
                    "400": {"description": ERRORS["400"], "content": _json(_ref("Error"))},
                    "404": {"description": "There is no such simulator", "content": _json(_ref("Error"))},
                    "409": {
                        "description": "This model allows no such picture",
                        "content": _json(_ref("Error")),
                    },
                },
            }
        },
        "/api/shadow/{rank}": {
            "get": {
                "summary": "Get the camera image of a disagreement with the shadow; 0 is the worst",
                "parameters": [
                    {
                        "name": "rank",
                        "in": "path",
                        "required": True,
                        "schema": {"type": "integer", "minimum": 0, "maximum": 7},
                    }
                ],
                "responses": {
                    "200": {"description": "The picture", "content": {"image/jpeg": {}, "image/png": {}}},
                    "404": {"description": "There is no such picture", "content": _json(_ref("Error"))},
                },
            }
        },
        "/api/events": {
            "get": {
                "summary": "Get server-sent events: `status` twice a second, `frame` with the camera up to 15 times",
                "parameters": [SIMULATOR],
                "responses": {
                    "200": {"description": "Until the client leaves", "content": {"text/event-stream": {}}},
                    "400": {"description": ERRORS["400"], "content": _json(_ref("Error"))},
                    "409": {"description": "Too many pages are watching", "content": _json(_ref("Error"))},
                },
            }
        },
        "/api/openapi.json": {
            "get": {
                "summary": "Get this document",
                "responses": {"200": {"description": "OpenAPI 3.1", "content": _json({"type": "object"})}},
            }
        },
    },
}
