"""Control is clamped and finite by construction."""

import math

import pytest

from protocol.messages import Control


def test_control_is_clamped():
    assert Control(1.7, -3.0) == Control(1.0, -1.0)
    assert Control(-0.25, 0.5) == Control(-0.25, 0.5)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_control_refuses_what_is_not_finite(bad):
    with pytest.raises(ValueError, match="steering must be a finite number"):
        Control(bad, 0.0)
    with pytest.raises(ValueError, match="throttle must be a finite number"):
        Control(0.0, bad)
