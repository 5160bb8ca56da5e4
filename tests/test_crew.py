"""Workers that cannot begin, or not again: named in one line, tried again, and nothing stays behind."""

import os
import signal
import socket

import pytest

if not hasattr(socket, "send_fds"):
    pytest.skip("no workers on this system", allow_module_level=True)

from server.workers.crew import Crew
from server.workers.messages import Begin
from tests.server_process import ROOT
from tests.worker_orders import first_order, wait_until


@pytest.mark.slow
def test_a_worker_that_cannot_start_again_is_tried_again(caplog):
    starts = []

    def begin(place: int) -> Begin:
        starts.append(place)
        if len(starts) == 2:
            raise OSError("too many open files")
        return first_order(place, ROOT / "models" / "eff-small.tflite")

    crew = Crew(1, begin, lambda worker, report: None, lambda worker: 0)
    crew.start()
    os.kill(crew.workers[0].pid, signal.SIGKILL)
    wait_until(lambda: len(starts) == 3 and crew.workers[0].ready)
    assert crew.restarts == {"signal": 1}
    assert "worker 1 has ended (signal 9); its 0 simulators" in caplog.text
    assert "worker 1 cannot start, which is tried again: too many open files" in caplog.text
    crew.stop()
    assert crew.workers == {}


@pytest.mark.slow
def test_workers_that_cannot_begin_are_an_error_of_the_start(tmp_path, caplog):
    crew = Crew(
        2, lambda place: first_order(place, tmp_path / "gone.h5"), lambda worker, report: None, lambda worker: 0
    )
    with pytest.raises(ValueError, match="no such model"):
        crew.start()
    wait_until(lambda: crew.workers == {})
    assert "a new worker starts" not in caplog.text
