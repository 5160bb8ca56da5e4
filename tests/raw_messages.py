"""What a raw client says to a live server that steers by brightness, and how it reads the answers."""

import json
from typing import Any

import numpy as np

from simulator.by_hand.messages import HEAD
from tests.conftest import jpeg_of
from tests.raw_client import RawClient, packet, telemetry_packet


def grey(level: int) -> bytes:
    return jpeg_of(np.full((160, 320, 3), level, np.uint8))


def steering_of(level: int) -> float:
    """What a server that steers by brightness answers to `grey(level)`."""
    return level / 127.5 - 1


def event(name: str, *data: object) -> bytes:
    return packet("42" + json.dumps([name, *data]))


def answer(client: RawClient) -> tuple[str, dict[str, str]]:
    """The next event: its name and payload."""
    name, payload = json.loads(client.receive_until(b"42")[2:])
    return name, payload


def nothing_more(client: RawClient) -> bool:
    """Whether the server has sent all it will: a ping's pong comes next."""
    client.send(packet("2last"))
    return client.receive() == b"3last"


def drive_past_views(port: int, count: int, speed_mph: float = 12.0) -> None:
    """Send `count` different views, each after the answer to the one before."""
    with RawClient(port, timeout_s=20) as client:
        for i in range(count):
            client.send(telemetry_packet(grey(i % 250), speed_mph))
            client.receive_until(b'42["steer"')


HAND_REPORT = {"number": 3, "picture": 2, "keys": ["left"], "steering": None, "pedal": 0.5, "visible": True, "scale": 2}
"""What the page for driving by hand sends."""


def decode_picture(message: bytes) -> tuple[dict[str, Any], bytes]:
    """The head and the JPEG of a picture, as the page reads them."""
    start = HEAD.size + HEAD.unpack_from(message)[0]
    return json.loads(message[HEAD.size : start]), message[start:]
