"""Keys steer as Udacity's do, and the page's messages are read or refused."""

import json
import math

import pytest

from protocol.errors import ProtocolError
from simulator.by_hand.keys import STEP_S, KeyResponse
from simulator.by_hand.messages import ButtonPress, DriverInput, PageReport, decode_message, encode_picture
from tests.driver_inputs import NOTHING, holding
from tests.raw_messages import HAND_REPORT, decode_picture


def steering(response: KeyResponse, steps: int, *keys: str) -> list[float]:
    return [response.step(holding(*keys)).steering for _ in range(steps)]


def test_a_held_key_steers_a_twentieth_a_step_up_to_full_lock():
    response = KeyResponse()
    assert steering(response, 3, "left") == pytest.approx([-0.05, -0.10, -0.15])
    assert steering(response, 40, "left")[-1] == -1
    assert steering(response, 2, "right") == pytest.approx([-0.95, -0.90]), "from where it is, without a jump"
    assert steering(KeyResponse(), 1, "left", "right") == [-0.05], "the left one wins, as in Steering.cs"


def test_a_released_key_falls_back_with_unitys_axis():
    response = KeyResponse()
    steering(response, 5, "right")  # the axis has risen to 5 * 0.06
    assert steering(response, 6) == pytest.approx([0.24, 0.18, 0.12, 0.06, 0, 0])


def test_the_pedal_rises_as_unitys_axis_snaps_and_space_brakes_at_once():
    response = KeyResponse()
    assert [response.step(holding("faster")).throttle for _ in range(3)] == pytest.approx([0.06, 0.12, 0.18])
    assert response.step(holding("slower")).throttle == pytest.approx(-0.06), "snap: from 0"
    assert response.step(holding("faster", "brake")).throttle == -1
    seconds = sum(1 for _ in iter(lambda: response.step(holding("faster")).throttle, 1.0)) * STEP_S
    assert seconds == pytest.approx(1 / 3, abs=0.05)


def test_a_stick_or_a_mouse_steers_at_once_and_keys_go_before_it():
    response = KeyResponse()
    assert response.step(DriverInput(steering=0.7, pedal=-0.4)).steering == 0.7
    assert response.step(DriverInput(steering=0.7, pedal=-0.4)).throttle == -0.4
    assert response.step(DriverInput(frozenset({"left"}), 0.7)).steering == pytest.approx(0.65)
    assert response.step(NOTHING).steering == pytest.approx(0, abs=0.07)


def test_the_pages_messages_are_read():
    expected = PageReport(3, 2, DriverInput(frozenset({"left"}), None, 0.5), True, 2)
    assert decode_message(json.dumps(HAND_REPORT)) == expected
    assert decode_message('{"press": "record"}') == ButtonPress("record")
    assert decode_picture(encode_picture({"a": 1}, b"\xff\xd8")) == ({"a": 1}, b"\xff\xd8")


@pytest.mark.parametrize(
    "change",
    [
        {"number": -1},
        {"number": 2**60},
        {"number": True},
        {"picture": 1.5},
        {"keys": "left"},
        {"keys": ["left", "up"]},
        {"keys": [["left"]]},
        {"keys": ["left"] * 6},
        {"steering": 1.01},
        {"steering": math.nan},
        {"steering": "0"},
        {"pedal": math.inf},
        {"pedal": False},
        {"visible": 1},
        {"scale": 3},
        {"scale": True},
        {"scale": []},
        {"more": 1},
    ],
)
def test_a_hostile_report_is_refused(change):
    with pytest.raises(ProtocolError):
        decode_message(json.dumps({**HAND_REPORT, **change}))


@pytest.mark.parametrize(
    "message",
    [
        b"\x00",
        "",
        "[",
        "[" * 900,
        "{}",
        "null",
        "[1]",
        '{"press": "quit"}',
        '{"press": ["record"]}',
        '{"press": "record", "more": 1}',
        json.dumps({**HAND_REPORT, "keys": ["x" * 2000]}),
    ],
)
def test_a_hostile_message_is_refused(message):
    with pytest.raises(ProtocolError):
        decode_message(message)
