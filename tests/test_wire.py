"""The simulator's messages are read in every locale, answered in kind, and distrusted."""

import base64
import json
import math

import numpy as np
import pytest

from protocol import wire
from protocol.errors import ProtocolError
from protocol.messages import Control
from protocol.wire import STOCK, TEST_FIELDS, Dialect, read_dialect
from tests.conftest import jpeg_of, road_frame


def telemetry(**changes):
    data = {"steering_angle": "-5.2500", "throttle": "0.2000", "speed": "9.1234"}
    data["image"] = base64.b64encode(jpeg_of(road_frame())).decode()
    data.update(changes)
    return {k: v for k, v in data.items() if v is not ...}


def test_telemetry_of_the_stock_simulator():
    reading = wire.decode_telemetry(telemetry())
    assert (reading.steering_angle_deg, reading.throttle, reading.speed_mph) == (-5.25, 0.2, 9.1234)
    assert reading.extras == {}
    assert reading.frame.shape == (160, 320, 3)
    assert reading.frame.dtype == np.uint8
    assert np.abs(reading.frame.astype(int) - road_frame()).mean() < 3, "RGB order and values survive"
    assert reading.image == jpeg_of(road_frame())


def encoded(control, dialect=STOCK):
    return json.loads(wire.encode_control(control, dialect))


def dialect(*payloads):
    variant = STOCK
    for payload in payloads:
        variant = read_dialect(payload, variant)
    return variant


@pytest.mark.parametrize(("mark", "minus_behind"), [(".", False), (",", False), ("/", True), (".", True)])
def test_a_simulator_is_answered_in_the_numbers_of_its_computer(mark, minus_behind):
    spelt = {name: text.replace(".", mark) for name, text in telemetry().items() if name != "image"}
    if minus_behind:
        spelt["steering_angle"] = f"{spelt['steering_angle'][1:]}-"
    payload = telemetry(**spelt)
    reading = wire.decode_telemetry(payload)
    assert (reading.steering_angle_deg, reading.throttle, reading.speed_mph) == (-5.25, 0.2, 9.1234)
    assert encoded(Control(0.1, -0.25), dialect(payload)) == {
        "steering_angle": f"0{mark}1000",
        "throttle": f"-0{mark}2500",
    }


def test_the_decimal_mark_is_read_whatever_else_is_wrong():
    german = {"steering_angle": "0", "throttle": "0,2000", "speed": "9,1234"}
    assert dialect(telemetry(**german, image="@@@")).mark == ","
    assert dialect({"speed": "9,1234"}).mark == ","
    assert dialect(telemetry(**german), {"speed": "7"}, [], None, {}).mark == ",", "what tells nothing changes nothing"
    assert dialect(telemetry(**german), telemetry()).mark == "."
    assert dialect(telemetry(steering_angle="0", throttle="0", speed="9")).mark is None


TEST_LAB = {"lapNumber": "1", "currentWayPoint": "0", "crash": "0", "tot_obes": "0", "tot_crashes": "0"}


@pytest.mark.parametrize("extras", [TEST_LAB, {**TEST_LAB, "brake": "0.0000", "cte": "0.1"}, {"sim_time": "3"}])
def test_a_test_labs_simulator_gets_the_fields_without_which_it_runs_away(extras):
    variant = dialect(telemetry(**extras))
    answer = encoded(Control(0.1, 0.2), variant)
    assert answer == {"steering_angle": "0.1000", "throttle": "0.2000", **TEST_FIELDS}
    assert int(answer["confidence"]) == 1
    assert int(answer["max_laps"]) >= 1000
    assert float(answer["loss"]) == float(answer["uncertainty"]) == 0.0
    assert read_dialect({"speed": "broken"}, variant) == variant, "also when a frame is broken"
    assert read_dialect(telemetry(cte="0.1"), variant) == variant


@pytest.mark.parametrize(("confidence", "light"), [(1.0, 1), (0.3, 1), (0.29, 0), (0.02, 0), (0.019, -1), (0.0, -1)])
def test_a_test_labs_simulator_shows_the_confidence_as_a_light(confidence: float, light: int):
    answer = encoded(Control(0.1, 0.2, confidence), dialect(telemetry(**TEST_LAB)))
    assert int(answer["confidence"]) == light
    assert float(answer["uncertainty"]) == pytest.approx(1 - confidence)
    assert answer["loss"] == "0"
    german = dialect(telemetry(**TEST_LAB))._replace(mark=",")
    assert encoded(Control(0.1, 0.2, 0.75), german)["uncertainty"] == "0,2500"


def test_nobody_else_gets_a_confidence():
    assert encoded(Control(0.1, 0.2, 0.5), dialect(telemetry())).keys() == {"steering_angle", "throttle"}


def test_a_confidence_is_clamped():
    assert [Control(0, 0, value).confidence for value in (None, 0.5, 1.5, -1.0, math.nan)] == [None, 0.5, 1.0, 0.0, 0.0]


def test_a_pid_simulator_gets_json_numbers():
    variant = dialect(telemetry(cte="0.7598"))
    text = wire.encode_control(Control(-0.04214, 0.3), variant)
    assert text == '{"steering_angle":-421e-4,"throttle":3000e-4}', "no decimal mark: it is read with the locale's"
    assert json.loads(text) == {"steering_angle": -0.0421, "throttle": 0.3}
    for steering in (-1.0, -0.00004, 0.0, 0.9999, 1.0):
        assert encoded(Control(steering, 0.0), variant)["steering_angle"] == pytest.approx(steering, abs=5e-5)
    assert read_dialect({"speed": "broken"}, variant) == variant


def test_the_stock_simulator_gets_what_it_reads_and_no_more():
    assert encoded(Control(0.1, 0.2), dialect(telemetry())) == {
        "steering_angle": "0.1000",
        "throttle": "0.2000",
    }


def test_extra_fields_are_kept():
    reading = wire.decode_telemetry(telemetry(cte="-1.25", lapNumber=2))
    assert reading.extras == {"cte": "-1.25", "lapNumber": 2}


def test_both_ways_agree():
    payload = wire.encode_telemetry(jpeg_of(road_frame()), 12.5, 0.25, 30.125, decimal_comma=True)
    assert payload["speed"] == "30,1250"
    reading = wire.decode_telemetry(payload)
    assert (reading.steering_angle_deg, reading.throttle, reading.speed_mph) == (12.5, 0.25, 30.125)
    control = Control(-0.5, 0.75)
    for mark in (".", ","):
        assert wire.decode_control(encoded(control, Dialect(mark))) == control


@pytest.mark.parametrize("bad", [{}, [], None, {"steering_angle": 0.1, "throttle": "0"}, {"steering_angle": "0"}])
def test_a_steer_that_the_stock_client_would_choke_on_is_refused(bad):
    with pytest.raises(ProtocolError):
        wire.decode_control(bad)


def test_manual_driving():
    assert wire.is_manual({})
    assert wire.is_manual(None)
    assert not wire.is_manual(telemetry())
    assert not wire.is_manual([])


def test_a_data_url_is_read():
    url = "data:image/jpeg;base64," + telemetry()["image"]
    assert wire.decode_telemetry(telemetry(image=url)).frame.shape == (160, 320, 3)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"image": "@@@"}, "image"),
        ({"image": base64.b64encode(b"GIF89a" + bytes(50)).decode()}, "image"),
        ({"image": base64.b64encode(jpeg_of(road_frame())[:2000]).decode()}, "image"),
        ({"image": base64.b64encode(jpeg_of(road_frame()[:, :100])).decode()}, "image"),
        ({"image": "A" * 3_000_000}, "image"),
        ({"image": 5}, "image"),
        ({"image": ...}, "image"),
        ({"speed": ...}, "missing"),
        ({"speed": "fast"}, "speed"),
        ({"throttle": "NaN"}, "throttle"),
        ({"steering_angle": []}, "steering_angle"),
    ],
)
def test_bad_telemetry_is_named(changes, kind):
    with pytest.raises(ProtocolError) as error:
        wire.decode_telemetry(telemetry(**changes))
    assert error.value.kind == kind
    assert len(str(error.value)) < 200


@pytest.mark.parametrize("bad", [[], "x", 7, True, b"\x00"])
def test_a_payload_that_is_no_object_is_named(bad):
    with pytest.raises(ProtocolError, match="must be an object"):
        wire.decode_telemetry(bad)
