"""Workers that cannot begin, or not again: named in one line, tried again, and nothing stays behind."""

import os
import signal
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
from tests.server_process import ROOT


def wait_until(condition) -> None:
    """Until it holds, for at most a minute; the green threads go on meanwhile."""
    end_s = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end_s
        sleep(0.02)


@pytest.mark.slow
def test_a_worker_that_cannot_start_again_is_tried_again(caplog):
    model = ROOT / "models" / "eff-small.tflite"
    options = parse_options([str(model), "--workers", "2"])
    starts = []

    def begin(place: int) -> Begin:
        starts.append(place)
        if len(starts) == 2:
            raise OSError("too many open files")
        use = UseModel(ModelSource(model, None), shared=False, answers=("steering",))
        return Begin(place, options, os.getcwd(), LaneHost().open_lanes(1), use, Pace(15.0, None, False), Pause(False))

    crew = Crew(1, begin, lambda worker, report: None, lambda worker: 0)
    crew.start()
    os.kill(crew.workers[0].pid, signal.SIGKILL)
    wait_until(lambda: len(starts) == 3 and crew.workers[0].ready)
    assert "worker 1 has ended (signal 9); its 0 simulators" in caplog.text
    assert "worker 1 cannot start, which is tried again: too many open files" in caplog.text
    crew.stop()
    assert crew.workers == {}


@pytest.mark.slow
def test_workers_that_cannot_begin_are_an_error_of_the_start(tmp_path, caplog):
    model = tmp_path / "gone.h5"
    options = parse_options([str(model), "--workers", "2"])

    def begin(place: int) -> Begin:
        lanes = LaneHost().open_lanes(1)
        use = UseModel(ModelSource(model, None), shared=False, answers=("steering",))
        return Begin(place, options, os.getcwd(), lanes, use, Pace(15.0, None, False), Pause(False))

    crew = Crew(2, begin, lambda worker, report: None, lambda worker: 0)
    with pytest.raises(ValueError, match="no such model"):
        crew.start()
    wait_until(lambda: crew.workers == {})
    assert "a new worker starts" not in caplog.text
