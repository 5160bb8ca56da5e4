"""Each client is answered in its own way: locales, improved builds, fragments, attachments, modern libraries."""

import struct

import numpy as np
import pytest

from protocol.wire import TEST_FIELDS, encode_telemetry
from tests.modern_client import answers_to_a_modern_client
from tests.raw_client import MASK, packet, telemetry_packet
from tests.raw_messages import answer, event, grey, nothing_more


def test_a_decimal_comma_simulator_is_answered_with_commas(simulator):
    simulator.send(event("telemetry", encode_telemetry(grey(191), -1.5, 0.25, 9.1234, decimal_comma=True)))
    assert answer(simulator)[1] == {"steering_angle": "0,4980", "throttle": "0,3000"}
    simulator.send(event("telemetry", {"speed": "9,0000"}))
    assert answer(simulator)[1] == {"steering_angle": "0,4980", "throttle": "0,0000"}, "also when a frame is bad"


def test_the_first_frame_is_answered_in_the_simulators_locale_though_it_is_broken(simulator):
    german = encode_telemetry(grey(191), -1.5, 0.25, 9.1234, decimal_comma=True)
    simulator.send(event("telemetry", {**german, "image": "@@@"}))
    assert answer(simulator)[1] == {"steering_angle": "0,0000", "throttle": "0,0000"}


@pytest.mark.parametrize(("mark", "minus"), [("/", "{}-"), (".", "{}-"), (",", "- {}")])
def test_persian_arabic_and_croatian_computers_drive(simulator, mark, minus):
    payload = {name: text.replace(".", mark) for name, text in encode_telemetry(b"", 0.0, 0.2, 9.1234).items()}
    payload["steering_angle"] = minus.format(f"6{mark}0125")
    simulator.send(event("telemetry", {**payload, "image": encode_telemetry(grey(0), 0, 0, 0)["image"]}))
    assert answer(simulator)[1] == {"steering_angle": f"-1{mark}0000", "throttle": f"0{mark}3000"}


def test_a_test_labs_simulator_drives(simulator):
    payload = {**encode_telemetry(grey(191), 0.0, 0.2, 9.0), "lapNumber": "1", "currentWayPoint": "3", "crash": "0"}
    simulator.send(event("telemetry", payload))
    assert answer(simulator)[1] == {"steering_angle": "0.4980", "throttle": "0.3000", **TEST_FIELDS}
    simulator.send(event("telemetry", {"speed": "x"}))
    assert answer(simulator)[1].keys() >= TEST_FIELDS.keys(), "also when a frame is broken, lest it run away"


def test_a_pid_simulator_drives(simulator):
    """The first answer stands in the queue behind the handshake, the second goes out at once: both without a point."""
    for _ in range(2):
        simulator.send(event("telemetry", {**encode_telemetry(grey(191), 0.0, 0.2, 9.0), "cte": "0.7598"}))
        text = simulator.receive_until(b"42")
        assert text == b'42["steer",{"steering_angle":4980e-4,"throttle":3000e-4}]'


def test_a_telemetry_in_fragments_with_a_ping_between_is_whole(simulator):
    whole = telemetry_packet(grey(255), cut=False)
    head = 2 if whole[1] & 127 < 126 else 4
    payload = np.frombuffer(whole[head + 4 :], np.uint8)
    cut = 4 * (len(payload) // 8)

    def frame(first: int, part: np.ndarray) -> bytes:
        return bytes([first, 0x80 | 126]) + struct.pack("!H", len(part)) + MASK + part.tobytes()

    simulator.send(frame(0x01, payload[:cut]) + bytes([0x89, 0x80]) + MASK + frame(0x80, payload[cut:]))
    assert answer(simulator)[1]["steering_angle"] == "1.0000"


def test_a_binary_telemetry_without_its_picture_is_answered_too(simulator):
    head = '451-["telemetry",{"speed":"1","throttle":"0","steering_angle":"0","image":{"_placeholder":true,"num":%s}}]'
    simulator.send(packet(head % 0))
    simulator.send(telemetry_packet(grey(255)))
    answers = [answer(simulator)[1] for _ in range(2)]
    assert [command["throttle"] for command in answers] == ["0.0000", "0.3000"]
    assert answers[1]["steering_angle"] == "1.0000"
    for wrong in (7, '"x"'):
        simulator.send(packet(head % wrong) + b"\x82\x83" + MASK + b"abc")
        assert answer(simulator)[1] == {"steering_angle": "1.0000", "throttle": "0.0000"}
    assert nothing_more(simulator)


@pytest.mark.parametrize("transports", [["websocket"], ["polling"], ["polling", "websocket"]])
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_modern_client_drives_on_the_same_port(server, transports):
    answers = answers_to_a_modern_client(server.port, transports)
    assert [a["steering_angle"] for a in answers] == ["-1.0000", "1.0000", "1.0000"]
