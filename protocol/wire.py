"""The simulator's messages, to and from Telemetry and Control, for every build and number locale.

Builds differ in how they want to be answered: with strings in their computer's locale, with JSON numbers, with fields
of their own. All of that spelling, and all distrust of it, lives here and in the modules of numbers and images. Each
function raises ProtocolError with what was received; nothing else.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import NamedTuple

from protocol.errors import ProtocolError, shown
from protocol.images import decode_base64, decode_image
from protocol.messages import Control, Telemetry
from protocol.numbers import COMMA, POINT, Number, parse_number, spell_number

CORE_FIELDS = ("steering_angle", "throttle", "speed")
STOCK_FIELDS = frozenset((*CORE_FIELDS, "image"))
PID_FIELDS = STOCK_FIELDS | {"cte"}
"""What Udacity's simulators of its PID controller project send (`term2_collection`, `controls2`)."""

TEST_FIELDS = {"confidence": "1", "loss": "0", "uncertainty": "0", "max_laps": "1000000"}
"""What simulators of test labs (SelfOracle, ICSE 2020, and later) read from each reply besides. Where one is missing
they steer no more and keep their throttle for ever. They are constants, for no uncertainty is measured here; beyond
`max_laps` such a simulator goes back to its menu. Whole numbers are read alike in every locale."""


class Dialect(NamedTuple):
    """How one simulator wants to be answered.

    mark: the decimal mark that its computer prints, None until one was seen; json_numbers: wants numbers, where the
    stock one wants strings and dies of numbers; test_fields: wants TEST_FIELDS too.
    """

    mark: str | None = None
    json_numbers: bool = False
    test_fields: bool = False


STOCK = Dialect()


def is_manual(data: object) -> bool:
    """Whether this telemetry payload says that a person is driving: null, in some builds `{}` or absent."""
    return data is None or data == {}


def read_dialect(data: object, known: Dialect) -> Dialect:
    """What a telemetry payload tells of its simulator, whether it can be understood otherwise or not.

    known: what was told before; it holds where this payload tells nothing.
    """
    if not isinstance(data, Mapping) or not data:
        return known
    mark = next((mark for name in CORE_FIELDS if (mark := _mark(data.get(name)))), known.mark)
    if not data.keys() >= STOCK_FIELDS or known.test_fields:  # once with a test lab's fields, always
        return known._replace(mark=mark)
    json_numbers = data.keys() == PID_FIELDS
    return Dialect(mark, json_numbers, not json_numbers and data.keys() > STOCK_FIELDS)


def read_speed(data: object) -> float | None:
    """The speed in miles an hour of a telemetry payload that cannot be understood otherwise; None where it has none."""
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
    """The simulator's telemetry payload -> Telemetry, its frame decoded. Raises ProtocolError."""
    if not isinstance(data, Mapping):
        raise ProtocolError("payload", f"telemetry must be an object, got {shown(data)}")
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
    """One of CORE_FIELDS. Raises ProtocolError, which names it."""
    if name not in data:
        raise ProtocolError("missing", f"telemetry has no {name}; it has {shown(sorted(map(str, data)))}")
    try:
        return parse_number(data[name])
    except ProtocolError as error:
        raise ProtocolError(name, f"{name}: {error}") from None


def encode_control(control: Control, dialect: Dialect = STOCK) -> str:
    """Control -> the payload of a `steer` event, as JSON: four decimals, as this simulator wants them.

    JSON numbers are written as whole ten-thousandths, `421e-4`: the PID simulators read them with their computer's
    locale, in which `0.0421` may be 421.
    """
    numbers = {"steering_angle": control.steering, "throttle": control.throttle}
    if dialect.json_numbers:
        written = (f'"{name}":{round(value * 10_000)}e-4' for name, value in numbers.items())
        return f"{{{','.join(written)}}}"
    spelt = {name: spell_number(value, dialect.mark or POINT) for name, value in numbers.items()}
    return json.dumps(
        {**spelt, **TEST_FIELDS} if dialect.test_fields else spelt, ensure_ascii=False, separators=(",", ":")
    )


def encode_telemetry(
    jpeg: bytes, steering_angle_deg: float, throttle: float, speed_mph: float, decimal_comma: bool = False
) -> dict[str, str]:
    """What a simulator sends: every number with four decimals in its locale, the JPEG as base64."""
    mark = COMMA if decimal_comma else POINT
    numbers = zip(CORE_FIELDS, (steering_angle_deg, throttle, speed_mph), strict=True)
    spelt = {name: spell_number(value, mark) for name, value in numbers}
    return {**spelt, "image": base64.b64encode(jpeg).decode("ascii")}


def decode_control(data: object) -> Control:
    """A `steer` payload -> Control, as the stock client reads it: both values must be strings. Raises ProtocolError."""
    if not isinstance(data, Mapping):
        raise ProtocolError("payload", f"steer must be an object, got {shown(data)}")
    for name in ("steering_angle", "throttle"):
        if not isinstance(data.get(name), str):
            raise ProtocolError(name, f"{name} must be a string, got {shown(data.get(name))}")
    return Control(parse_number(data["steering_angle"]).value, parse_number(data["throttle"]).value)
