"""Real frames on Udacity's own lake: STEERING_DATA names recordings, UDACITY_SIMULATOR a checkout of the simulator."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin

from inference.engine import open_engine
from protocol.recording import read_recording
from simulator.render.jpeg import jpeg_of
from simulator.render.opening import open_scene
from simulator.world.track import open_track
from training.likeness.answers import as_sent, compare_answers
from training.likeness.edges import edge_errors
from training.likeness.frames import read_frame, stretches
from training.likeness.location import LEAST_FIT, locate
from training.likeness.view import DrawnTrack, Pose


@pytest.fixture(scope="module")
def road():
    if not os.environ.get("UDACITY_SIMULATOR"):
        pytest.skip("set UDACITY_SIMULATOR to a checkout of Udacity's simulator to run this test")
    track = open_track("udacity-lake")
    scene = open_scene(track)
    yield DrawnTrack(track, scene, "recording")
    scene.close()


def test_drawn_frames_are_encoded_as_recorded_ones(steering_data):
    file = next((steering_data / "lake-recording" / "IMG").glob("*.jpg"))
    recorded = Image.open(io.BytesIO(file.read_bytes()))
    drawn = Image.open(io.BytesIO(jpeg_of(np.zeros((160, 320, 3), np.uint8))))
    assert drawn.quantization == recorded.quantization
    assert JpegImagePlugin.get_sampling(drawn) == JpegImagePlugin.get_sampling(recorded)


@pytest.mark.slow
def test_frames_of_a_recorded_lap_are_located_and_answered_as_real_ones(road, steering_data):
    """Two seconds in the bend before the start; the odometer and the networks do not know where frames are located."""
    first, *_ = stretches(read_recording(steering_data / "lake-recording"))
    frames = [read_frame(first, row) for row in (1226, 1254)]
    near = [Pose(False, distance_m, 0.0, 0.0) for distance_m in (8.0, 35.0)]
    located = [locate(road, frame.pixels, pose) for frame, pose in zip(frames, near, strict=True)]
    assert min(place.fit for place in located) > LEAST_FIT
    way_m = located[1].pose.distance_m - located[0].pose.distance_m
    assert way_m == pytest.approx(frames[1].odometer_m - frames[0].odometer_m, abs=1.5)
    drawn = [as_sent(road.frame(place.pose)) for place in located]
    engine = open_engine(Path("models/baseline.h5"))
    answers = compare_answers(engine, [frame.pixels for frame in frames], drawn, ["lap", "lap"])
    assert answers.errors.mae < 0.06
    errors = [edge_errors(road, place.pose, frame.pixels).columns for place, frame in zip(located, frames, strict=True)]
    assert np.median(np.abs(np.concatenate(errors))) < 4.0
