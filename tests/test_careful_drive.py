"""A careful car in the built-in simulator: its lens is covered, it stops on the road; its lens is clean, it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

from inference.engine import Engine, open_engine
from inference.speed_control import STANDSTILL_MPH
from models.card import read_card
from models.confidence.classifier import FrameClassifier
from models.confidence.output import with_confidence
from models.confidence.statistics import statistics_of
from protocol.messages import FRAME_SHAPE, Frame
from simulator.render.opening import TrackScene, open_scene
from simulator.world.expert import Expert
from simulator.world.track import Track, open_track
from simulator.world.track_world import TrackWorld
from training.confidence.exposure import exposures
from training.confidence.fit import trained_model
from training.evaluate import FRAME_S, drive
from training.run.recipe import Recipe

MODEL = Path(__file__).parent.parent / "models" / "eff-small.h5"
COVERED_S = (5.0, 10.0)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lake() -> Track:
    return open_track("lake")


@pytest.fixture(scope="module")
def scene(lake: Track) -> Iterator[TrackScene]:
    opened = open_scene(lake)
    yield opened
    opened.close()


class CoveredLens(TrackWorld):
    """A track on which something brown covers the lens for a while. `speeds_mph`: of each frame, with its time."""

    def __init__(self, track: Track, scene: TrackScene) -> None:
        super().__init__(track, scene, 0.15, 0, 0.0, 60.0)
        self.speeds_mph: list[tuple[float, float]] = []

    def frame(self) -> Frame:
        """The picture that arrives."""
        self.speeds_mph.append((self.log.time_s, self.car.speed_mph))
        if COVERED_S[0] <= self.log.time_s < COVERED_S[1]:
            return np.full(FRAME_SHAPE, (92, 80, 62), np.uint8)
        return super().frame()

    def speed_mph(self, time_s: float) -> float:
        """The speed at a time."""
        return next(speed for time, speed in self.speeds_mph if time >= time_s)


@pytest.fixture(scope="module")
def engine(lake: Track, scene: TrackScene, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """A shipped network, confident on what an expert sees of the lake, who is pushed off the middle."""
    world, frames = TrackWorld(lake, scene, 1.0), []
    expert = Expert(world, 15.0, disturbed=True)
    while not world.finished:
        frames.append(world.frame())
        for _ in range(3):
            world.apply(expert.disturbed(expert.control()))
            world.step(FRAME_S)
    model = trained_model(MODEL, read_card(MODEL).model, Recipe()).whole
    statistics, views = keras.Model(model.inputs, statistics_of(model)), np.stack(frames)
    learned, unlike = (statistics.predict(x, verbose=0) for x in (views, exposures(views, len(views), 1)))
    file = tmp_path_factory.mktemp("careful") / "careful.h5"
    with_confidence(model, FrameClassifier.of(learned, unlike)).save(file)
    return open_engine(file, "tensorflow")


def test_it_stops_while_the_lens_is_covered_and_then_goes_on(engine: Engine, lake: Track, scene: TrackScene):
    world = CoveredLens(lake, scene)
    assert drive(engine, world, 15.0, careful=True) == 1
    assert world.speed_mph(COVERED_S[0]) > 10.0
    assert world.speed_mph(COVERED_S[1] - FRAME_S) <= STANDSTILL_MPH
    assert world.speed_mph(COVERED_S[1] + 5.0) > 8.0
    report = world.log.report()
    assert report.laps >= 0.14, "it arrives"
    assert report.off_road_events == 0


def test_a_car_without_caution_drives_on_blindly_and_leaves_the_road(engine: Engine, lake: Track, scene: TrackScene):
    world = CoveredLens(lake, scene)
    assert drive(engine, world, 15.0) == 0
    assert world.speed_mph(COVERED_S[0] + 1.0) > 10.0
    assert world.log.report().off_road_events > 0
