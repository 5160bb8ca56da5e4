"""Loads the model that drives, as the options say, and checks it."""

from __future__ import annotations

import gc
import logging
import sys
from dataclasses import replace

from inference.batches import Batches
from inference.caution import require_confidence
from inference.engine import open_engine
from inference.golden_frame import check_golden_frame
from inference.speed_control import SpeedTarget
from models.adapter.text import ModelSource
from server.config.arguments import MODELS_THROTTLE
from server.config.options import Options
from server.model.facts import run_facts
from server.model.slot import LoadedModel

log = logging.getLogger(__name__)

SWITCH_INTERVAL_S = 0.0005
"""An answer waits at most this long while the recorder's or the film's thread holds Python's lock; default 5 ms."""


def load(source: ModelSource, options: Options, threads: int | None = None) -> LoadedModel:
    """A warm and checked model. threads: for LiteRT, else as in options. Raises ValueError or OSError with one line."""
    path = source.path
    engine = open_engine(path, options.engine, source.preprocess, threads or options.threads)
    for note in engine.notes:
        log.info("%s: %s", path.name, note)
    check_golden_frame(path, engine)
    facts = run_facts(path, engine)
    if engine.together:
        engine = replace(engine, run=Batches(engine.run, engine.together, options.batch_ms / 1000).predict)
    return LoadedModel(path, engine, facts, source.preprocess)


def load_driving(source: ModelSource, options: Options) -> LoadedModel:
    """As `load`, for a model that drives: it must answer with what --throttle and --careful want. Raises as it does."""
    model = load(source, options)
    if options.throttle == MODELS_THROTTLE and not model.engine.throttles:
        raise ValueError(
            f"{model.path.name} answers with steering alone, so --throttle {MODELS_THROTTLE} cannot drive; if one of "
            'its outputs is the throttle, name it: --preprocess "throttle=NAME"'
        )
    if options.careful:
        require_confidence([model.engine], [model.path.name])
    return model


def speed_target(options: Options) -> SpeedTarget:
    """The speed or throttle of the command line."""
    throttle = options.throttle
    constant = throttle if isinstance(throttle, float) else None
    return SpeedTarget(options.speed_mph, constant, models_throttle=throttle == MODELS_THROTTLE)


def settle() -> None:
    """Prepare a process that has loaded all for answering: without pauses for garbage, and with short turns."""
    gc.collect()
    gc.freeze()  # loaded objects stay, so no later collection visits them between two frames
    sys.setswitchinterval(SWITCH_INTERVAL_S)
