"""The JSON schemas of what the API takes and gives; openapi.py describes the requests."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def object_of(**properties: Schema) -> Schema:
    """An object that has all of these properties and no others."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def list_of(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}
SPEED_MPH: Schema = {"type": "number", "minimum": 0, "maximum": 100}
NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 255}

POSITION = object_of(
    lap=or_null(COUNT),
    lap_time_s=or_null(NUMBER),
    last_lap_s=or_null(NUMBER),
    best_lap_s=or_null(NUMBER),
    offset_m=or_null(NUMBER),
    off_road=or_null(COUNT),
    x_m=or_null(NUMBER),
    y_m=or_null(NUMBER),
)

SCHEMAS: dict[str, Schema] = {
    "Position": {
        **POSITION,
        "description": "Where the car is, as far as its simulator reports it. `offset_m` is the distance from the "
        "middle of the road, positive to the right; `x_m` and `y_m` lie on a map whose y points up.",
    },
    "Frame": {
        **object_of(
            simulator=COUNT,
            time_s=NUMBER,
            steering=NUMBER,
            command_deg=NUMBER,
            wheel_deg=NUMBER,
            throttle=NUMBER,
            speed_mph=NUMBER,
            latency_ms=NUMBER,
            rate_hz=NUMBER,
            confidence=or_null(NUMBER),
            position=or_null(ref("Position")),
            image=or_null(TEXT),
        ),
        "description": "The newest answer, and the camera's image as a data URL. Angles are positive to the right. "
        "`confidence` is how well the model knows the view, 0 to 1, or null from a model that does not say.",
    },
    "History": {
        **object_of(
            simulator=COUNT,
            time_s=list_of(NUMBER),
            speed_mph=list_of(NUMBER),
            command_deg=list_of(NUMBER),
            throttle=list_of(NUMBER),
            latency_ms=list_of(NUMBER),
            rate_hz=list_of(NUMBER),
            confidence=list_of(or_null(NUMBER)),
            offset_m=list_of(or_null(NUMBER)),
        ),
        "description": "The last two minutes of the drive, four moments a second, oldest first.",
    },
    "Line": {
        **object_of(simulator=COUNT, anew=FLAG, points=list_of({"type": "array", "minItems": 5, "maxItems": 5})),
        "description": "What is new of the driven line: x and y in metres, the lap or null, the distance from the "
        "middle in metres or null, and whether the line leads here from the point before. With `anew` it replaces "
        "the line.",
    },
    "Error": object_of(error=TEXT),
    "Speed": object_of(mph=SPEED_MPH),
    "ModelName": object_of(name=NAME),
    "PageByHand": object_of(page=TEXT),
    "Models": object_of(models=list_of(NAME), driving=NAME),
    "Finding": object_of(level={"enum": ["good", "note", "bad"]}, kind=TEXT, text=TEXT),
    "Simulator": object_of(
        simulator=COUNT,
        answered=COUNT,
        rate_hz=NUMBER,
        speed_mph=NUMBER,
        position=or_null(ref("Position")),
        manual=FLAG,
        waits=FLAG,
        silent_s=NUMBER,
        faults={"type": "object", "additionalProperties": COUNT},
    ),
    "Model": object_of(
        name=NAME,
        model_sha256=or_null(TEXT),
        engine=or_null(TEXT),
        device=or_null(TEXT),
        engine_ms=or_null(NUMBER),
        notes=or_null(list_of(TEXT)),
        card=or_null({"type": "object"}),
        loading=or_null(TEXT),
        error=or_null(TEXT),
    ),
    "Recording": object_of(
        on=FLAG,
        folder=or_null(TEXT),
        frames=COUNT,
        left_out=COUNT,
        waiting=COUNT,
        error=or_null(TEXT),
        seconds_kept=NUMBER,
        finished=list_of(object_of(name=TEXT, path=TEXT, frames=COUNT)),
    ),
    "Shadow": object_of(
        model=NAME,
        compared=COUNT,
        left_out=COUNT,
        error=or_null(TEXT),
        mean=or_null(NUMBER),
        p95=or_null(NUMBER),
        max=or_null(NUMBER),
        worst=list_of(
            object_of(difference=NUMBER, steering=NUMBER, shadow_steering=NUMBER, time_s=NUMBER, simulator=COUNT)
        ),
    ),
    "Status": object_of(
        model=ref("Model"),
        latency_ms={"type": "object", "additionalProperties": NUMBER},
        paused=FLAG,
        target_speed_mph=or_null(SPEED_MPH),
        constant_throttle=or_null(NUMBER),
        recording=ref("Recording"),
        shadow=or_null(ref("Shadow")),
        simulators=list_of(ref("Simulator")),
        doctor=list_of(ref("Finding")),
    ),
}
