"""One simulator's conversation, telemetry by telemetry."""

from types import SimpleNamespace

from inference.driver import Driver
from inference.speed_control import ConstantThrottle
from protocol.wire import encode_telemetry
from server.core import session as session_module
from server.core.session import SAME_FRAME_S, SimulatorSession
from tests.live_server import Brightness
from tests.raw_messages import grey


def test_the_same_picture_again_at_once_is_no_further_view(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(session_module, "time", SimpleNamespace(perf_counter=lambda: now[0], monotonic=lambda: now[0]))
    session = SimulatorSession(1, Driver(Brightness(), lambda: ConstantThrottle(0.3)))
    for later_s, level, fresh in ((0.0, 10, True), (0.001, 10, False), (0.001, 60, True), (2 * SAME_FRAME_S, 60, True)):
        now[0] += later_s
        assert session.respond(encode_telemetry(grey(level), 0.0, 0.2, 10.0)).fresh is fresh
    session.respond({"speed": "broken"})
    assert session.views == 3
