"""What a raw client says to a live server that steers by brightness, and how it reads the answers."""

import json

import numpy as np

from tests.conftest import jpeg_of
from tests.raw_client import RawClient, packet


def grey(level: int) -> bytes:
    return jpeg_of(np.full((160, 320, 3), level, np.uint8))


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
