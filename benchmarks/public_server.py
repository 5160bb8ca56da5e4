"""A server as every public drive.py builds it: stock python-socketio and eventlet, and `model.predict` for each frame.

The round-trip benchmark compares with it, on the same versions of the libraries and the same model file. It answers
only clients that send CONNECT, so the stock simulator's car would stand still.

    python -m benchmarks.public_server models/eff.h5
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import base64
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import eventlet
import eventlet.wsgi
import flask
import keras
import numpy as np
import socketio
from PIL import Image

from benchmarks.command import run_benchmark
from protocol.command_line import command_parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C; returns the exit code."""
    parser = command_parser("python -m benchmarks.public_server", __doc__)
    parser.add_argument("model", type=Path, help="a .h5 or .keras file of whole frames")
    return run_benchmark(lambda: serve(parser.parse_args(arguments).model))


def serve(path: Path) -> None:
    """Serve the model at `path` on a free port."""
    model = keras.models.load_model(path, compile=False)
    model.predict(np.zeros((1, 160, 320, 3), np.uint8), verbose=0)
    sio = socketio.Server(async_mode="eventlet")

    def telemetry(sid: str, data: dict[str, Any]) -> None:
        image = np.asarray(Image.open(io.BytesIO(base64.b64decode(data["image"]))))
        answers = model.predict(image[None], verbose=0)  # a list where the model also gives a confidence
        steering = float((answers[0] if isinstance(answers, list) else answers)[0, 0])
        throttle = 0.1 * (15 - float(data["speed"]))
        sio.emit("steer", data={"steering_angle": str(steering), "throttle": str(throttle)}, skip_sid=True)

    sio.on("telemetry", telemetry)
    listener = eventlet.listen(("127.0.0.1", 0))
    print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    eventlet.wsgi.server(listener, socketio.Middleware(sio, flask.Flask(__name__)), log_output=False)


if __name__ == "__main__":
    sys.exit(main())
