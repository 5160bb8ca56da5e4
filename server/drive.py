"""Drive the Udacity simulator with a trained model: load, warm up, listen, answer, stop cleanly.

This module only connects the parts; each part is a module of its own.

    python server/drive.py models/eff.h5
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: import from the repository, not from server/
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from protocol.start import begin_command

    begin_command()

import logging
import secrets
from typing import TYPE_CHECKING, Any

from inference.compiled.network import SIZES
from inference.conversion import saliency_file
from inference.driver import Driver
from inference.engine import cpu_threads
from inference.speed_control import SpeedTarget, TargetSpeedControl
from models.adapter.text import ModelSource
from protocol.command_line import plain, run
from protocol.web.addresses import is_loopback, network_url, own_url
from server.built_in_simulator import DriveByHand, start_simulator
from server.config.log_format import announce, fail, set_up_logging
from server.config.options import Options, parse_options
from server.config.qr_code import qr_code
from server.core.app import DrivingApp
from server.core.drives import Drives
from server.core.observer import Observer
from server.model.loading import load, load_driving, settle, speed_target
from server.model.slot import LoadedModel, ModelSlot
from server.model.watch import ModelWatch
from server.net.serving import NotListening, bind, limited_end, listen, serve
from server.observers.shadow import Shadow
from server.operator_controls import OperatorControls
from server.web.access import Access
from server.web.routes import wsgi_app

if TYPE_CHECKING:
    from server.observers.drive_film import DriveFilm

log = logging.getLogger("server.drive")


def main(arguments: list[str] | None = None) -> int:
    """Run the server until Ctrl-C, SIGTERM or the end of the simulator it started. Returns the exit code."""
    return run(lambda: _drive(parse_options(arguments)), "drive.py", ())


def _drive(options: Options) -> int:
    """Start, serve, and close what was opened; returns the exit code."""
    set_up_logging(options.log, options.verbose)
    try:
        listener = bind(options.host, options.port)
        models = ModelSlot(
            load_driving(ModelSource(options.model, options.preprocess), options),
            lambda source: load_driving(source, options),
        )
        pace = speed_target(options)
        film = open_film(options, models)
        app = open_drives(options, models, pace, film)
        controls = OperatorControls(app, models, pace, options.record or Path("recordings"), open_shadow(options))
        if options.record:
            controls.start_recording()
        access = access_rules(options)
        wsgi = wsgi_app(controls, access)
        app.start()
        address = listen(listener)
    except (OSError, ValueError) as error:
        log.debug("the server could not start:", exc_info=True)  # --verbose: for a library's own ValueError
        fail(options.log, plain(error))
        return 2
    settle()
    engine, milliseconds = models.model.engine, models.model.facts["engine_ms"]
    description = f"{options.model} on {engine.name} ({engine.device}), {milliseconds} ms a frame"
    if options.workers > 1:
        description += f", {options.workers} workers"
    url = own_url(*address)
    announce(options.log, f"listening on {url}: {description}")
    announce_page(options, access.token, url, network_url(*address))
    if is_loopback(options.host):
        controls.by_hand = DriveByHand(f"{url}?token={access.token}" if access.token else url)
    watch = ModelWatch(models) if options.watch else None
    simulator = None
    if options.simulator:
        app.own_simulator = True
        query = f"?token={access.token}" if access.token else ""
        simulator = start_simulator(options.simulator, url + query, plain=options.log == "human")
    try:
        interrupted = serve(
            app,
            wsgi,
            listener,
            finished=lambda: simulator is not None and simulator.poll() is not None,
            at_once=SIZES[-1] if engine.together else cpu_threads(),
            drain_s=options.drain,
        )
    except NotListening as error:
        log.exception("%s", error)
        return 1
    finally:
        with limited_end():
            if watch is not None:
                watch.close()
            for observer in film:
                observer.close()
            controls.close()
    if simulator is None or interrupted:
        return 0
    return simulator.returncode


def open_drives(options: Options, models: ModelSlot, pace: SpeedTarget, film: list[Observer]) -> Drives[Any]:
    """The drives, which this process answers, or with --workers others do."""
    if options.workers == 1:
        return DrivingApp(lambda: Driver(models, lambda: TargetSpeedControl(pace), careful=options.careful), film)
    from server.workers.fleet import Fleet  # noqa: PLC0415  # it needs Unix sockets

    return Fleet(options, models, pace, film)


def announce_page(options: Options, token: str | None, url: str, elsewhere: str | None) -> None:
    """Print where the page is, if it needs a token or can be opened elsewhere: as a QR code, too, on a terminal.

    elsewhere: the URL for other computers, or None. A token that the user has chosen is printed nowhere.
    """
    query = "" if token is None or options.token else f"?token={token}"
    if token is not None:
        announce(options.log, f"open {url}/{query or '?token=TOKEN'} for the page")
        announce(options.log, "programs send `Authorization: Bearer TOKEN`")
    if elsewhere is not None and elsewhere != url:
        announce(options.log, f"open {elsewhere}/{query} on a phone or another computer of this network")
    if elsewhere is not None and options.log == "human" and sys.stdout.isatty():
        announce(options.log, qr_code(f"{elsewhere}/{query}", sys.stdout))


def access_rules(options: Options) -> Access:
    """The access rules. A server on loopback needs no token unless the user asks for one; any other always has one."""
    token = options.token or (
        None if is_loopback(options.host) and not options.protect_simulators else secrets.token_urlsafe(24)
    )
    hosts = frozenset(name.lower() for name in (*options.allow_host, options.host))
    return Access(token, options.protect_simulators, hosts)


def open_film(options: Options, models: ModelSlot) -> list[Observer]:
    """The film of this drive; nothing without --video. Raises OSError when its file cannot be written, ValueError."""
    if not options.video:
        return []
    from server.observers.drive_film import DriveFilm  # noqa: PLC0415  # it loads fonts, which only a film needs

    model = models.model
    saliency = saliency_file(model.path, model.preprocess) if options.saliency else None
    method = ", marked by VisualBackProp" if saliency else ""
    film = DriveFilm(options.video, f"{model.path.name} on {model.engine.name}{method}")
    if saliency:
        film.mark(saliency)
        models.follow(lambda model: mark_film(film, model))
    return [film]


def mark_film(film: DriveFilm, model: LoadedModel) -> None:
    """Mark in the film what a new model looks at. Where that is impossible, log a warning and film without marks."""
    film.mark(None)
    try:
        film.mark(saliency_file(model.path, model.preprocess))
    except (ValueError, OSError) as error:
        log.warning("the film goes on without marks: %s", error)


def open_shadow(options: Options) -> Shadow | None:
    """The second model on one thread, or None without --shadow. Raises as `load` does."""
    if not options.shadow:
        return None
    model = load(options.shadow, options, threads=1)
    return Shadow(model.path.name, model.engine)


if __name__ == "__main__":
    sys.exit(main())
