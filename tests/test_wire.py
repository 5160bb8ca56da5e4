"""The simulator's strings are read in every locale, answered in kind, and distrusted."""

import base64
import io
import random

import numpy as np
import pytest
from PIL import Image

from protocol import wire
from protocol.messages import Control
from protocol.wire import ProtocolError
from tests.conftest import jpeg_of, road_frame


def telemetry(**changes):
    data = {"steering_angle": "-5.2500", "throttle": "0.2000", "speed": "9.1234"}
    data["image"] = base64.b64encode(jpeg_of(road_frame())).decode()
    data.update(changes)
    return {k: v for k, v in data.items() if v is not ...}


@pytest.mark.parametrize(
    ("text", "value", "comma"),
    [
        ("9.1234", 9.1234, False),
        ("9,1234", 9.1234, True),
        ("-0,0500", -0.05, True),
        ("1,234.5678", 1234.5678, False),
        ("1.234,5678", 1234.5678, True),
        ("1\u202f234,5", 1234.5, True),
        ("1\u00a0234,5", 1234.5, True),
        ("12\u2019345.6", 12345.6, False),
        ("\u22123,5", -3.5, True),
        ("123.456.789,0", 123456789.0, True),
        ("0", 0.0, None),
        ("1E-05", 1e-5, None),
        (3, 3.0, None),
        (2.5, 2.5, None),
    ],
)
def test_numbers_of_every_locale(text, value, comma, monkeypatch):
    monkeypatch.setattr(wire, "MAX_MAGNITUDE", 1e9)
    assert wire.parse_number(text) == (pytest.approx(value), comma)


@pytest.mark.parametrize(
    "bad",
    ["", "nan", "NaN", "Infinity", "\u221e", "1e999", "1e7", "--1", "1.2.3,4,5", "0x10", "\u096f", "1" * 60]
    + [True, None, [], {}, b"1", float("nan"), float("inf"), 10**400, -(10**400)],
)
def test_what_is_no_number_is_refused(bad):
    with pytest.raises(ProtocolError):
        wire.parse_number(bad)


def test_telemetry_of_the_stock_simulator():
    seen = wire.decode_telemetry(telemetry())
    assert (seen.steering_angle_deg, seen.throttle, seen.speed_mph) == (-5.25, 0.2, 9.1234)
    assert seen.decimal_comma is False
    assert seen.extras == {}
    assert seen.frame.shape == (160, 320, 3)
    assert seen.frame.dtype == np.uint8
    assert np.abs(seen.frame.astype(int) - road_frame()).mean() < 3, "RGB order and values survive"
    assert seen.image == jpeg_of(road_frame())


def test_telemetry_of_a_decimal_comma_computer_is_answered_in_kind():
    seen = wire.decode_telemetry(telemetry(steering_angle="0", throttle="0,2000", speed="9,1234"))
    assert (seen.throttle, seen.speed_mph, seen.decimal_comma) == (0.2, 9.1234, True)
    assert wire.encode_control(Control(0.1, -0.25), True) == {
        "steering_angle": "0,1000",
        "throttle": "-0,2500",
    }
    assert wire.encode_control(Control(0.1, -0.25)) == {"steering_angle": "0.1000", "throttle": "-0.2500"}


def test_whole_numbers_do_not_tell_the_locale():
    assert wire.decode_telemetry(telemetry(steering_angle="0", throttle="0", speed="9")).decimal_comma is None


def test_extra_fields_are_kept():
    seen = wire.decode_telemetry(telemetry(cte="-1.25", lapNumber=2))
    assert seen.extras == {"cte": "-1.25", "lapNumber": 2}


def test_both_ways_agree():
    sent = wire.encode_telemetry(jpeg_of(road_frame()), 12.5, 0.25, 30.125, decimal_comma=True)
    assert sent["speed"] == "30,1250"
    seen = wire.decode_telemetry(sent)
    assert (seen.steering_angle_deg, seen.throttle, seen.speed_mph) == (12.5, 0.25, 30.125)
    control = Control(-0.5, 0.75)
    for comma in (False, True):
        assert wire.decode_control(wire.encode_control(control, comma)) == control


@pytest.mark.parametrize("bad", [{}, [], None, {"steering_angle": 0.1, "throttle": "0"}, {"steering_angle": "0"}])
def test_a_steer_that_the_stock_client_would_choke_on_is_refused(bad):
    with pytest.raises(ProtocolError):
        wire.decode_control(bad)


def test_manual_driving():
    assert wire.is_manual({})
    assert wire.is_manual(None)
    assert not wire.is_manual(telemetry())
    assert not wire.is_manual([])


def test_png_grey_and_double_size_frames_are_read():
    for image in (jpeg_of(road_frame(), "PNG"), jpeg_of(road_frame().repeat(2, 0).repeat(2, 1), "PNG")):
        frame = wire.decode_image(image)
        np.testing.assert_array_equal(frame, road_frame())
    file = io.BytesIO()
    Image.fromarray(road_frame()).convert("L").save(file, "JPEG")
    assert wire.decode_image(file.getvalue()).shape == (160, 320, 3)


def test_a_data_url_is_read():
    url = "data:image/jpeg;base64," + telemetry()["image"]
    assert wire.decode_telemetry(telemetry(image=url)).frame.shape == (160, 320, 3)


def test_a_picture_bomb_is_refused_before_it_is_decoded():
    file = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(file, "PNG")
    with pytest.raises(ProtocolError, match="20000 x 20000"):
        wire.decode_image(file.getvalue())


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


def test_broken_pictures_raise_nothing_but_protocol_errors():
    rng = random.Random(4)
    originals = [jpeg_of(road_frame()), jpeg_of(road_frame(), "PNG")]
    refused = 0
    for i in range(600):
        image = bytearray(originals[i % 2])
        for _ in range(rng.randint(1, 20)):
            image[rng.randrange(8, len(image) if i % 3 else 300)] = rng.randrange(256)
        try:
            assert wire.decode_image(bytes(image[: rng.choice([None, rng.randrange(8, len(image))])])).shape
        except ProtocolError:
            refused += 1
    assert refused > 100
