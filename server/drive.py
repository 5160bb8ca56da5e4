"""Drive the Udacity simulator with a trained model: load, warm up, listen, answer, stop cleanly.

It is the wiring and nothing else; each part is a module of its own.

    python server/drive.py models/eff.h5
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: import from the repository, not from server/
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import gc
import ipaddress
import logging
import secrets

from server.app import DrivingApp
from server.driver import Driver
from server.engine import Engine, open_engine
from server.gate import Access
from server.golden import check_golden_frame
from server.log_format import announce, set_up_logging
from server.observers import Observer
from server.options import Options, parse_options
from server.run_facts import run_facts
from server.run_recorder import RunRecorder, new_run_folder
from server.serving import bind, listen, serve
from server.simulator_process import start_simulator
from server.speed import ConstantThrottle, PIController, SpeedControl
from server.web import wsgi_app

log = logging.getLogger("server.drive")

SWITCH_INTERVAL_S = 0.0005
"""How long the recorder's or the film's thread may hold Python's lock while an answer waits: not Python's 5 ms."""


def main(arguments: list[str] | None = None) -> int:
    """Run the server until Ctrl-C, SIGTERM or the end of its own simulator; the process's exit code."""
    options = parse_options(arguments)
    set_up_logging(options.log, options.verbose)
    try:
        listener = bind(options.host, options.port)
        engine = load(options)
        facts = run_facts(options, engine)
        observers = open_observers(options, facts)
        app = DrivingApp(lambda: Driver(engine, lambda: speed_control(options)), observers)
        app.metrics.tell_model(facts)
        access = who_may_enter(options)
        wsgi = wsgi_app(app, facts, access)
        url = listen(listener)
    except (OSError, ValueError) as error:
        print(f"drive.py: {error}", file=sys.stderr)
        return 2
    gc.collect()
    gc.freeze()  # what is loaded stays: no later collection has to walk through it between two frames
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    about = f"{options.model} on {engine.name} ({engine.device}), {facts['engine_ms']} ms a frame"
    announce(options.log, f"listening on {url}: {about}")
    query = f"?token={access.token}" if access.token else ""
    if query:
        announce(options.log, f"open {url}/{query} for the page; programs send `Authorization: Bearer TOKEN`")
    simulator = start_simulator(options.simulator, url + query) if options.simulator else None
    try:
        asked = serve(app, wsgi, listener, finished=lambda: simulator is not None and simulator.poll() is not None)
    finally:
        for observer in observers:
            observer.close()
    if simulator is None or asked:
        return 0
    return simulator.returncode


def who_may_enter(options: Options) -> Access:
    """No token on this computer unless one is wanted; elsewhere always one, made up if need be."""
    try:
        local = ipaddress.ip_address(options.host).is_loopback
    except ValueError:
        local = options.host == "localhost"
    token = options.token or (None if local and not options.protect_simulators else secrets.token_urlsafe(24))
    hosts = frozenset(name.lower() for name in (*options.allow_host, options.host))
    return Access(token, options.protect_simulators, hosts)


def load(options: Options) -> Engine:
    """The engine, warm and checked. Raises ValueError or OSError, with a line for the user."""
    if not options.model.is_file():
        raise FileNotFoundError(f"no such model: {options.model}")
    engine = open_engine(options.model, options.engine, options.preprocess)
    for note in engine.notes:
        log.info("%s: %s", options.model.name, note)
    check_golden_frame(options.model, engine)
    return engine


def open_observers(options: Options, facts: dict[str, object]) -> list[Observer]:
    """What records this drive. Raises OSError when a place cannot be written."""
    observers: list[Observer] = []
    if options.record:
        observers.append(RunRecorder(new_run_folder(options.record), facts))
    if options.video:
        from server.film import DriveFilm  # noqa: PLC0415  # loads the encoder's libraries, for those who film

        observers.append(DriveFilm(options.video, f"{options.model.name} on {facts['engine']}"))
    return observers


def speed_control(options: Options) -> SpeedControl:
    """A controller for one car."""
    if options.throttle is not None:
        return ConstantThrottle(options.throttle)
    return PIController(options.speed_mph)


if __name__ == "__main__":
    sys.exit(main())
