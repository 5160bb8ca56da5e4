"""Workers that cannot begin are named in one line, and leave nothing behind."""

import os
import socket
import time

import pytest

if not hasattr(socket, "send_fds"):
    pytest.skip("no workers on this system", allow_module_level=True)

from models.adapter.text import ModelSource
from server.config.options import parse_options
from server.net.green import sleep
from server.workers.crew import Crew
from server.workers.lanes import LaneHost
from server.workers.messages import Begin, Pace, Pause, UseModel


@pytest.mark.slow
def test_workers_that_cannot_begin_are_an_error_of_the_start(tmp_path, caplog):
    model = tmp_path / "gone.h5"
    options = parse_options([str(model), "--workers", "2"])

    def begin(place: int) -> Begin:
        lanes = LaneHost().open_lanes(1)
        use = UseModel(ModelSource(model, None), shared=False)
        return Begin(place, options, os.getcwd(), lanes, use, Pace(15.0, None, False), Pause(False))

    crew = Crew(2, begin, lambda worker, report: None, lambda worker: 0)
    with pytest.raises(ValueError, match="no such model"):
        crew.start()
    end_s = time.monotonic() + 10
    while crew.workers and time.monotonic() < end_s:
        sleep(0.02)  # its green threads go on
    assert crew.workers == {}
    assert "a new worker starts" not in caplog.text
