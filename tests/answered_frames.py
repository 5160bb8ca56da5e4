"""Frames that a simulator sent and the server answered, as observers receive them."""

from __future__ import annotations

from protocol.messages import Control, Telemetry
from server.core.observer import AnsweredFrame
from tests.conftest import jpeg_of, road_frame

FRAME = road_frame()
JPEG = jpeg_of(FRAME)


def answered_frame(
    i: int, simulator: int = 1, throttle: float = 0.5, extras: dict[str, str] | None = None
) -> AnsweredFrame:
    """The i-th of 20 frames a second, each one mph faster and answered one millisecond later than the one before."""
    telemetry = Telemetry(FRAME, JPEG, 0.0, 0.2, 12.0 + i, extras or {})
    return AnsweredFrame(simulator, telemetry, Control(-0.25, throttle), 1.7e9 + i / 20, 1.5 + i)
