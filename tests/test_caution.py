"""Caution: one odd frame does not brake, half a second of them stops, and the car creeps before it drives again."""

from __future__ import annotations

import math

import pytest

from inference.caution import Caution, require_confidence
from inference.driver import Driver
from inference.engine import Engine
from inference.observations import Observations
from inference.policy import Answer
from inference.speed_control import SpeedTarget, TargetSpeedControl
from protocol.messages import Telemetry
from tests.conftest import road_frame

FRAME_S = 0.05


def shares(confidences: list[float | None], caution: Caution | None = None) -> list[float]:
    """What a car's caution leaves of the speed at frames 0.05 s apart."""
    caution = caution or Caution()
    return [caution.speed_share(confidence, 7.0 + FRAME_S * n) for n, confidence in enumerate(confidences)]


def test_one_odd_frame_does_not_brake():
    assert shares([0.99] * 20 + [0.0] + [0.99] * 20) == [1.0] * 41


def test_half_a_second_of_strange_frames_stops():
    falling = shares([0.99] * 20 + [0.0] * 10)[20:]
    assert falling == sorted(falling, reverse=True)
    assert falling[4] > 0.0
    assert falling[-1] == 0.0


def test_it_goes_on_slowly():
    rising = shares([0.0] * 5 + [0.99] * 60)[5:]
    assert rising[0] == 0.0
    assert 0.0 < rising[10] < 0.5
    assert rising[-1] == 1.0


def test_it_is_slow_where_the_model_is_unsure_for_long():
    assert shares([0.16] * 60)[-1] == pytest.approx(0.5)


def test_a_car_that_begins_before_a_wall_does_not_begin():
    assert shares([0.0])[0] == 0.0


def test_a_pause_counts_as_a_tenth_of_a_second():
    caution = Caution()
    caution.speed_share(0.99, 0.0)
    assert caution.speed_share(0.0, 3600.0) > 0.9


def test_a_model_that_says_nothing_knows_no_caution():
    assert shares([None] * 3) == [1.0] * 3


@pytest.mark.parametrize("nonsense", [math.nan, math.inf, -0.5, 7.0])
def test_a_confidence_out_of_range_is_none(nonsense: float):
    assert shares([0.99] + [nonsense] * 12)[-1] == 0.0


class Doubts:
    """A policy with these confidences, one after the other."""

    def __init__(self, *confidences: float) -> None:
        self._confidences = list(confidences)

    def answer(self, observations: Observations) -> Answer:
        """Straight on."""
        return Answer(0.1, None, self._confidences.pop(0))


def careful_driver(target: SpeedTarget, *confidences: float, careful: bool = True) -> Driver:
    now_s = iter(FRAME_S * n for n in range(1000))
    return Driver(Doubts(*confidences), lambda: TargetSpeedControl(target), lambda: next(now_s), careful)


def telemetry(speed_mph: float) -> Telemetry:
    return Telemetry(road_frame(), b"", 0.0, 0.0, speed_mph)


def test_a_careful_car_brakes_stands_and_goes_on():
    car = careful_driver(SpeedTarget(15.0), *[0.99] * 10, *[0.0] * 12, *[0.99] * 40)
    for _ in range(10):
        assert car.drive(telemetry(15.0)).confidence == 0.99
        assert not car.waits
    throttles = [car.drive(telemetry(12.0)).throttle for _ in range(11)]
    assert car.waits
    assert throttles[-1] == -1.0, "it brakes hard"
    assert car.fallback(12.0).throttle == -1.0, "also at a frame that fails meanwhile"
    assert car.drive(telemetry(0.0)).throttle == 0.0, "it does not reverse"
    throttles = [car.drive(telemetry(0.0)).throttle for _ in range(40)]
    assert not car.waits
    assert throttles[0] == 0.0
    assert throttles[-1] > 0.5


def test_a_car_without_caution_drives_on():
    car = careful_driver(SpeedTarget(15.0), *[0.0] * 20, careful=False)
    assert min(car.drive(telemetry(10.0)).throttle for _ in range(20)) > 0.0
    assert not car.waits


def test_a_reset_forgets_the_doubt():
    car = careful_driver(SpeedTarget(15.0), 0.0, 0.99)
    car.drive(telemetry(5.0))
    assert car.waits
    car.reset()
    assert not car.waits
    assert car.drive(telemetry(5.0)).throttle > 0.0


def test_a_constant_throttle_has_its_share_too():
    target = SpeedTarget(15.0, constant_throttle=0.8)
    car = careful_driver(target, *[0.16] * 60)
    throttles = [car.drive(telemetry(10.0)).throttle for _ in range(60)]
    assert throttles[-1] == pytest.approx(0.4, abs=0.01)


def test_the_models_own_brake_is_not_weakened():
    control = TargetSpeedControl(SpeedTarget(15.0, models_throttle=True))
    assert control.throttle(10.0, Answer(0.0, 0.8), 0.0, 0.5) == pytest.approx(0.4)
    assert control.throttle(10.0, Answer(0.0, -0.8), 0.0, 0.5) == pytest.approx(-0.8)


def test_a_model_without_a_confidence_is_named():
    def engine(*answers: str) -> Engine:
        return Engine("test", "CPU", (), lambda frames: frames, answers=answers)

    require_confidence([engine("steering", "confidence")], ["a.h5"])
    with pytest.raises(ValueError, match=r"b\.h5 does not say how sure it is.*training\.confidence"):
        require_confidence([engine("steering", "confidence"), engine("steering")], ["a.h5", "b.h5"])
