"""A warped view beside the truth: the built-in simulator can show both."""

import math
from functools import partial

import numpy as np
import pytest

from simulator.render.camera import AUTONOMOUS, CAMERA_AHEAD_M, RECORDING, homographies
from simulator.render.eye import CarPose
from simulator.render.scene import hood
from simulator.replay.view import Viewer, nearest_camera
from simulator.world.track import open_track

LAKE = open_track("lake")
STRAIGHT = round(640 / LAKE.spacing_m)


def true_view(scene, lateral_offset_m=0.0, turned=0.0, ahead_m=0.0, camera=RECORDING.center):
    """What the car sees that stands there beside the straight's middle."""
    (x, y), heading = LAKE.points[STRAIGHT], float(LAKE.heading_rad[STRAIGHT])
    to_camera = CAMERA_AHEAD_M + ahead_m  # the pose is the camera's, and the scene is told the rear axle's
    x += to_camera * np.cos(heading) - lateral_offset_m * np.sin(heading) - CAMERA_AHEAD_M * np.cos(heading + turned)
    y += to_camera * np.sin(heading) + lateral_offset_m * np.cos(heading) - CAMERA_AHEAD_M * np.sin(heading + turned)
    return scene.render(CarPose(x, y, 0.0, heading + turned), camera)


def recorded(scene, *names):
    return {name: partial(np.asarray, true_view(scene, camera=getattr(RECORDING, name))) for name in names}


def road_difference(one, other) -> float:
    return float(np.abs(one[64:128].astype(int) - other[64:128]).mean())


@pytest.mark.parametrize("pose", [(0.5, 0.0, 0.0), (-0.5, 0.0, 0.0), (0.0, 0.08, 0.0), (0.9, -0.05, 0.0)])
def test_it_comes_much_closer_to_the_true_view_than_the_recorded_frame(scene, pose):
    truth = true_view(scene, *pose)
    frames = recorded(scene, "center", "left", "right")
    warped = Viewer(RECORDING.center).view(frames, *pose)
    assert road_difference(warped, truth) < 0.5 * road_difference(frames["center"](), truth)


def test_it_moves_ahead_too(scene):
    truth, frames = true_view(scene, ahead_m=1.2), recorded(scene, "center")
    warped = Viewer(RECORDING.center).view(frames, 0.0, 0.0, 1.2)
    assert road_difference(warped, truth) < 0.7 * road_difference(frames["center"](), truth)


def test_from_the_recorded_place_it_is_the_recorded_frame(scene):
    frames = recorded(scene, "center")
    assert np.abs(Viewer(RECORDING.center).view(frames, 0.0).astype(int) - frames["center"]()).max() <= 1


def test_the_far_scene_only_turns(scene):
    frames = recorded(scene, "center")
    viewer = Viewer(RECORDING.center)
    aside = viewer.view(frames, 0.3)
    far = np.arange(160)[:, None] + 1 < RECORDING.center.horizon_rows()
    assert np.abs(aside.astype(int) - frames["center"]())[far].max() <= 1
    assert np.abs(viewer.view(frames, 0.0, 0.05).astype(int) - frames["center"]())[far].mean() > 2


def test_road_and_far_scene_meet_at_the_tilted_horizon():
    """The picture is its own columns, so the view shows how far each pixel was moved: by the road, or not at all."""
    camera = RECORDING.center
    columns = np.arange(320)
    shades = np.minimum(250, 3 * np.minimum(columns, 319 - columns)).astype(np.uint8)
    frame = shades[None, :, None].repeat(160, 0).repeat(3, 2)
    view = Viewer(camera).view({"center": partial(np.asarray, frame)}, 0.8)[..., 0].astype(int)
    row = math.ceil(camera.horizon_row)
    to_road, _ = homographies(camera, camera, 0.8)
    x, _, depth = to_road @ (30.5, row + 0.5, 1.0)
    assert x / depth < 29, "on the left, this row is road"
    assert view[row, 30] == pytest.approx(3 * (x / depth - 0.5), abs=2)
    assert view[row, 290] == frame[row, 290, 0], "on the right it is far away"


def test_a_model_that_drives_sees_further_down_than_the_recording(scene):
    truth, frames = true_view(scene, camera=AUTONOMOUS.center), recorded(scene, "center", "left", "right")
    warped, unpitched = (Viewer(rig.center).view(frames, 0.0).astype(int) for rig in (AUTONOMOUS, RECORDING))
    for rows in (slice(5, 50), slice(66, 128)):
        differences = [np.abs(view[rows] - truth[rows]).mean() for view in (warped, unpitched)]
        assert differences[0] < 0.5 * differences[1]


def test_the_hood_stays_in_place(scene):
    frames = recorded(scene, "center", "left", "right")
    rows, columns, colors = hood()
    high = rows > 147  # the drawn nose's lower part, which is inside the measured one
    for pose in [(0.0, 0.1), (0.7, 0.0)]:
        view = Viewer(RECORDING.center).view(frames, *pose)[rows[high], columns[high]]
        assert np.median(np.abs(view.astype(int) - colors[high]), axis=0).max() <= 1


def test_only_the_cameras_that_are_needed_are_read():
    read = []
    frames = {n: (lambda n=n: read.append(n) or np.zeros((160, 320, 3), np.uint8)) for n in ("center", "left", "right")}
    Viewer(RECORDING.center).view(frames, 0.1)
    assert read == ["center"]
    Viewer(RECORDING.center).view(frames, -0.6)
    assert read == ["center", "right", "center"]


def test_with_one_camera_the_centre_is_the_nearest():
    assert nearest_camera(0.9, {"center": 0}) == "center"
    assert nearest_camera(0.9, {"center": 0, "left": 0, "right": 0}) == "left"


def test_no_view_has_black_borders():
    frames = {"center": partial(np.full, (160, 320, 3), 200, np.uint8)}
    for pose in [(0.3, 0.15), (-0.3, -0.15), (0.4, -0.1)]:
        assert Viewer(RECORDING.center).view(frames, *pose).min() > 190


def test_a_viewer_shows_each_picture_as_one_that_saw_no_other():
    """It keeps the last picture that it widened; neither the next one nor the same as another camera's may be that."""
    first, second = np.random.default_rng(1).integers(0, 256, (2, 160, 320, 3), np.uint8)
    viewer = Viewer(RECORDING.center)
    for frame, lateral_offset_m in (
        (first, 0.0),
        (first, 0.2),
        (second, 0.2),
        (second, 0.7),
        (second, -0.7),
        (first, -0.7),
    ):
        frames = dict.fromkeys(("center", "left", "right"), partial(np.asarray, frame))
        fresh = Viewer(RECORDING.center).view(frames, lateral_offset_m)
        np.testing.assert_array_equal(viewer.view(frames, lateral_offset_m), fresh)
