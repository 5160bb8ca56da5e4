"""Converts the simulator's messages to Telemetry and from Control, for every build and number locale.

Builds expect different answers: strings in their computer's locale, JSON numbers, or additional fields. This module,
`protocol.numbers` and `protocol.images` do all encoding, decoding and validation. Every function raises only
ProtocolError, whose message quotes the received value.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import NamedTuple

from protocol.errors import ProtocolError, abbreviate
from protocol.images import decode_base64, decode_image
from protocol.messages import LOST, SURE, Control, Telemetry
from protocol.numbers import COMMA, POINT, Number, parse_number, spell_number

CORE_FIELDS = ("steering_angle", "throttle", "speed")
STOCK_FIELDS = frozenset((*CORE_FIELDS, "image"))
PID_FIELDS = STOCK_FIELDS | {"cte"}
"""The fields that the simulators of Udacity's PID controller project send (`term2_collection`, `controls2`)."""

TEST_FIELDS = {"confidence": "1", "loss": "0", "uncertainty": "0", "max_laps": "1000000"}
"""Further reply fields that the simulators of test labs require (SelfOracle, ICSE 2020, and later).

Without one of them, such a simulator stops steering and keeps its throttle. These are the values with a model that does
not say how sure it is. After `max_laps` such a simulator returns to its menu. They are whole numbers, which every
locale parses alike.
"""


class Dialect(NamedTuple):
    """The answer format of one simulator.

    mark: decimal mark of its computer, None until a message contained one; json_numbers: it expects JSON numbers (the
    stock simulator expects strings and crashes on numbers); test_fields: it also expects TEST_FIELDS.
    """

    mark: str | None = None
    json_numbers: bool = False
    test_fields: bool = False


STOCK = Dialect()


def is_manual(data: object) -> bool:
    """Whether a telemetry payload means that a person drives: null, in some builds `{}` or no payload."""
    return data is None or data == {}


def read_dialect(data: object, previous: Dialect) -> Dialect:
    """Infer a simulator's dialect from a telemetry payload, valid or not.

    previous: the dialect so far; its values remain where this payload gives none.
    """
    if not isinstance(data, Mapping) or not data:
        return previous
    mark = next((mark for name in CORE_FIELDS if (mark := _mark(data.get(name)))), previous.mark)
    if not data.keys() >= STOCK_FIELDS or previous.test_fields:  # a test lab's simulator remains one
        return previous._replace(mark=mark)
    json_numbers = data.keys() == PID_FIELDS
    return Dialect(mark, json_numbers, not json_numbers and data.keys() > STOCK_FIELDS)


def read_speed(data: object) -> float | None:
    """The speed in miles an hour from an otherwise invalid telemetry payload; None if it has no valid speed."""
    try:
        return core_number(data, "speed").value if isinstance(data, Mapping) else None
    except ProtocolError:
        return None


def _mark(value: object) -> str | None:
    try:
        return parse_number(value).mark
    except ProtocolError:
        return None


def decode_telemetry(data: object) -> Telemetry:
    """Telemetry payload -> Telemetry with a decoded frame. Raises ProtocolError."""
    if not isinstance(data, Mapping):
        raise ProtocolError("payload", f"telemetry must be an object, got {abbreviate(data)}")
    steering_angle_deg, throttle, speed_mph = (core_number(data, name).value for name in CORE_FIELDS)
    image = decode_base64(data.get("image"))
    return Telemetry(
        frame=decode_image(image),
        image=image,
        steering_angle_deg=steering_angle_deg,
        throttle=throttle,
        speed_mph=speed_mph,
        extras={k: v for k, v in data.items() if k not in STOCK_FIELDS},
    )


def core_number(data: Mapping[str, object], name: str) -> Number:
    """Parse one of CORE_FIELDS. Raises ProtocolError, which names the field."""
    if name not in data:
        raise ProtocolError("missing", f"telemetry has no {name}; it has {abbreviate(sorted(map(str, data)))}")
    try:
        return parse_number(data[name])
    except ProtocolError as error:
        raise ProtocolError(name, f"{name}: {error}") from None


def encode_control(control: Control, dialect: Dialect = STOCK) -> str:
    """Control -> JSON payload of a `steer` event, with four decimals in the simulator's dialect.

    JSON numbers are written as whole ten-thousandths, `421e-4`, because the PID simulators parse them in their
    computer's locale, where `0.0421` may mean 421.
    """
    numbers = {"steering_angle": control.steering, "throttle": control.throttle}
    if dialect.json_numbers:
        fields = (f'"{name}":{round(value * 10_000)}e-4' for name, value in numbers.items())
        return f"{{{','.join(fields)}}}"
    mark = dialect.mark or POINT
    texts = {name: spell_number(value, mark) for name, value in numbers.items()}
    if dialect.test_fields:
        texts |= TEST_FIELDS | _doubt(control.confidence, mark)
    return json.dumps(texts, ensure_ascii=False, separators=(",", ":"))


def _doubt(confidence: float | None, mark: str) -> dict[str, str]:
    """The test labs' fields on a confidence: the colour of a light, 1 green, 0 yellow, -1 red, and what is missing."""
    if confidence is None:
        return {}
    light = 1 if confidence >= SURE else 0 if confidence >= LOST else -1
    return {"confidence": str(light), "uncertainty": spell_number(1.0 - confidence, mark)}


def encode_telemetry(
    jpeg: bytes, steering_angle_deg: float, throttle: float, speed_mph: float, decimal_comma: bool = False
) -> dict[str, str]:
    """A simulator's telemetry payload: every number with four decimals in its locale, the JPEG as base64."""
    mark = COMMA if decimal_comma else POINT
    numbers = zip(CORE_FIELDS, (steering_angle_deg, throttle, speed_mph), strict=True)
    texts = {name: spell_number(value, mark) for name, value in numbers}
    return {**texts, "image": base64.b64encode(jpeg).decode("ascii")}


def decode_control(data: object) -> Control:
    """`steer` payload -> Control, as the stock client parses it: both must be strings. Raises ProtocolError."""
    if not isinstance(data, Mapping):
        raise ProtocolError("payload", f"steer must be an object, got {abbreviate(data)}")
    for name in ("steering_angle", "throttle"):
        if not isinstance(data.get(name), str):
            raise ProtocolError(name, f"{name} must be a string, got {abbreviate(data.get(name))}")
    return Control(parse_number(data["steering_angle"]).value, parse_number(data["throttle"]).value)
