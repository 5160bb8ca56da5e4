"""Every bad input costs one frame or its own connection, with a real server and raw clients."""

import json
import logging
import random
import socket
import struct

import pytest

from protocol.wire import encode_telemetry
from tests.raw_client import MASK, RawClient, packet, telemetry_packet
from tests.raw_messages import answer, event, grey, nothing_more


def bad_payloads():
    good = encode_telemetry(grey(200), 0.0, 0.2, 10.0)
    yield from ([], "x", 7, True, [1, 2], {"speed": "1"}, {"image": None})
    for field in good:
        yield {key: value for key, value in good.items() if key != field}
        for value in ("NaN", "1e999", "", "x" * 5000, None, [], {"a": 1}, 10**300, "\ud800", "\0"):
            yield {**good, field: value}


def test_every_bad_telemetry_costs_one_frame_and_gets_one_answer(simulator):
    simulator.send(telemetry_packet(grey(191)))
    steering = answer(simulator)[1]["steering_angle"]
    for payload in bad_payloads():
        simulator.send(event("telemetry", payload))
        assert answer(simulator) == ("steer", {"steering_angle": steering, "throttle": "0.0000"}), payload
    simulator.send(event("telemetry", encode_telemetry(grey(0), 0, 0, 5), "more", 2))
    assert answer(simulator)[1]["steering_angle"] == "-1.0000"
    assert nothing_more(simulator)


def test_broken_json_of_a_telemetry_is_answered_too(simulator):
    for text in ('42["telemetry",{"speed":', '42["telemetry"', '42["telemetry",' + "[" * 100_000):
        simulator.send(packet(text))
        assert answer(simulator)[1]["throttle"] == "0.0000"
    assert nothing_more(simulator)


def test_a_message_of_30_mb_costs_its_own_connection_only(server, simulator):
    with RawClient(server.port) as greedy, pytest.raises(ConnectionError):
        for _ in range(30):
            greedy.send(packet("42" + "x" * 30_000_000))
            greedy.receive()
    simulator.send(telemetry_packet(grey(100)))
    assert answer(simulator)[0] == "steer"


def test_fragments_without_end_are_cut_off(server):
    with RawClient(server.port) as greedy:
        start = bytes([0x01, 0x80 | 127]) + struct.pack("!Q", 1_000_000) + MASK + bytes(1_000_000)
        more = bytes([0x00]) + start[1:]
        with pytest.raises(ConnectionError):
            for i in range(10):
                greedy.send(more if i else start)
            greedy.receive()


@pytest.mark.parametrize(
    "bad",
    [b"\xc1\x80" + MASK, b"\x83\x80" + MASK, b"\x81\x05hello", b"\x09\x80" + MASK, b"\x80\x80" + MASK],
    ids=["reserved bit", "unknown opcode", "unmasked", "control in fragments", "continuation of nothing"],
)
def test_what_breaks_the_websocket_protocol_is_closed(server, bad):
    with RawClient(server.port) as client, pytest.raises(ConnectionError):
        client.send(bad)
        client.receive()


def mutated(rng: random.Random, good: bytes) -> bytes:
    """A telemetry message with random bytes changed, cut, doubled, replaced by noise, or of wrong types."""
    text = bytearray(good)
    match rng.randrange(6):
        case 0:
            for _ in range(rng.randint(1, 30)):
                text[rng.randrange(len(text))] = rng.randrange(256)
        case 1:
            del text[rng.randrange(len(text)) :]
        case 2:
            text[rng.randrange(20) : rng.randrange(20, 60)] = rng.randbytes(rng.randrange(50))
        case 3:
            text = bytearray(rng.randbytes(rng.randrange(300)))
        case 4:
            huge = rng.choice(["9" * 400, "-1e308", "[[[[", '{"a":' * 50, "null", "true", '"\\u0000"'])
            text = bytearray(f'42["telemetry",{{"speed":{huge},"throttle":{huge}}}]'.encode())
        case 5:
            head = rng.choice(["2", "3", "4", "5", "6", "7", "40", "43", "44", "45", "451-", "42[]", "42{}", "42[1]"])
            text = bytearray(head.encode() + rng.randbytes(rng.randrange(8)))
    return bytes(text)


def masked(data: bytes) -> bytes:
    """Any bytes as a client's text frame, valid UTF-8 or not."""
    key = (MASK * (len(data) // 4 + 1))[: len(data)]
    return b"\x81\xfe" + struct.pack("!H", len(data)) + MASK + bytes(a ^ b for a, b in zip(data, key, strict=True))


def test_a_thousand_mutated_packets_leave_it_driving(server):
    rng = random.Random(11)
    good = ("42" + json.dumps(["telemetry", encode_telemetry(grey(77), 0.0, 0.2, 10.0)])).encode()
    client, reconnects = RawClient(server.port), 0
    for i in range(1000):
        message = mutated(rng, good)
        if message[:1] == b"1" or message[:2] == b"41":
            continue  # asks to be closed
        client.send(masked(message))
        if i % 25 == 0:
            client.send(packet(f"2check{i}"))
            try:
                client.receive_until(f"3check{i}".encode())
            except ConnectionError:
                client, reconnects = RawClient(server.port), reconnects + 1
    client.send(telemetry_packet(grey(255)))
    while answer(client)[1].get("steering_angle") != "1.0000":
        pass
    assert reconnects == 0
    client.close()
    server.wait_until(lambda: not server.app.sessions)


def test_what_is_no_http_is_told_as_the_rest_of_the_log_is(server, caplog, capsys):
    caplog.set_level(logging.DEBUG, "server.net.serving")
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as stranger:
        stranger.sendall(b"\x16\x03\x01 no HTTP at all\r\n\r\n")
        while stranger.recv(4096):
            pass
    assert "a client does not speak HTTP" in caplog.text
    assert capsys.readouterr().err == ""
