"""A worker's first order, and waiting while green threads go on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from models.adapter.text import ModelSource
from server.config.options import parse_options
from server.net.green import sleep
from server.workers.lanes import LaneHost
from server.workers.messages import Begin, Pace, Pause, UseModel


def first_order(place: int, model: Path) -> Begin:
    """Let the worker of this place drive with a model of its own."""
    options = parse_options([str(model), "--workers", "2"])
    lanes = LaneHost().open_lanes(1)
    use = UseModel(ModelSource(model, None), shared=False, answers=("steering",))
    return Begin(place, options, os.getcwd(), lanes, use, Pace(15.0, None, False), Pause(False))


def wait_until(condition: Callable[[], object]) -> None:
    """Until it holds, for at most a minute; the green threads go on meanwhile."""
    end_s = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end_s
        sleep(0.02)
