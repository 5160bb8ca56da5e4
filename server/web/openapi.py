"""The OpenAPI document of the JSON API. The server serves it, and a test fuzzes the server against it."""

from __future__ import annotations

from server.web.schemas import NAME, NUMBER, SCHEMAS, TEXT, Schema, object_of, ref

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
    refusals = {error: {"description": ERRORS[error], "content": _json(ref("Error"))} for error in errors}
    refusals |= {error: {"description": why, "content": _json(ref("Error"))} for error, why in ACCESS_ERRORS.items()}
    operation: Schema = {
        "summary": summary,
        "responses": {code: {"description": "Done", "content": _json(ref(answer))}, **refusals},
    }
    if body:
        operation["requestBody"] = {"required": True, "content": _json(ref(body))}
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
        "/api/recordings/{name}.zip": {
            "get": {
                "summary": "Get a finished recording, one of those that the status lists, as a ZIP file",
                "parameters": [{"name": "name", "in": "path", "required": True, "schema": NAME}],
                "responses": {
                    "200": {"description": "The folders of the recording", "content": {"application/zip": {}}},
                    "404": {"description": "There is no such recording", "content": _json(ref("Error"))},
                },
            }
        },
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
        "/api/by-hand": {
            "post": _operation(
                "Open the page on which a person drives the built-in car, on the server's own computer",
                "PageByHand",
                "409",
                "507",
            )
        },
        "/api/saliency": {
            "get": {
                "summary": "Get the newest camera image, with what the model looks at marked in pink (VisualBackProp)",
                "parameters": [SIMULATOR],
                "responses": {
                    "200": {"description": "The picture", "content": {"image/jpeg": {}}},
                    "202": {
                        "description": "The model is being prepared, once, for 10 to 30 seconds; repeat the request",
                        "content": _json(object_of(preparing=TEXT, seconds=NUMBER)),
                    },
                    "400": {"description": ERRORS["400"], "content": _json(ref("Error"))},
                    "404": {"description": "There is no such simulator", "content": _json(ref("Error"))},
                    "409": {
                        "description": "This model allows no such picture",
                        "content": _json(ref("Error")),
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
                    "404": {"description": "There is no such picture", "content": _json(ref("Error"))},
                },
            }
        },
        "/api/events": {
            "get": {
                "summary": "Get server-sent events of one simulator: Status, History, Frame and Line",
                "description": "`status` comes twice a second. Of one simulator come `history`, the last two minutes, "
                "once, then `frame`, up to 15 times a second, and `line`, what is new of the driven line. The schemas "
                "of these names describe the data.",
                "parameters": [SIMULATOR],
                "responses": {
                    "200": {"description": "Until the client leaves", "content": {"text/event-stream": {}}},
                    "400": {"description": ERRORS["400"], "content": _json(ref("Error"))},
                    "409": {"description": "Too many pages are watching", "content": _json(ref("Error"))},
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
