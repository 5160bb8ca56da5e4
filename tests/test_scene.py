"""The picture: what is road, sky and hood, where the horizon and the edge lines lie, and that a turn moves them."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from simulator.render.camera import AUTONOMOUS, CAMERA_AHEAD_M, RECORDING, Camera, homographies
from simulator.render.eye import CarPose, pose_on
from simulator.render.ground import BESIDE_ROAD_M, Ground
from simulator.render.palette import LOOKS
from simulator.render.plants import SORTS
from simulator.render.scene import Scene, hood
from simulator.world.track import open_track

LAKE = open_track("lake")
STRAIGHT = round(640 / LAKE.spacing_m)
LEVEL = replace(RECORDING.center, roll_rad=0.0)


def view(scene: Scene, camera: Camera = LEVEL, turned: float = 0.0, index: int = STRAIGHT) -> np.ndarray:
    place = pose_on(LAKE, index)
    return scene.render(place._replace(heading_rad=place.heading_rad + turned), camera).astype(int)


def line_column(frame: np.ndarray, row: int, side: slice) -> float:
    """Where the inner yellow edge line crosses a row: much more red and green than blue, and nearest to the middle."""
    columns = side.start + np.flatnonzero((frame[row, side, :2].min(1) - frame[row, side, 2]) > 60)
    nearest = columns[np.abs(columns - 160).argmin()]
    return columns[np.abs(columns - nearest) < 6].mean() + 0.5


def test_sky_road_and_hood_are_where_they_are_in_real_frames(scene):
    frame = view(scene)
    assert frame.shape == (160, 320, 3)
    sky, road = frame[5, 160], frame[100, 140:180].mean(0)
    assert sky[2] > sky[0] + 40, "blue above"
    assert np.ptp(road) < 40, "grey below"
    assert road == pytest.approx((139, 138, 121), abs=20), "as the mean of real frames"
    assert np.array_equal(frame[140, 160], (168, 158, 134)), "the hood"


def test_the_edge_lines_lie_where_the_geometry_puts_them(scene):
    """A line 3.35 m aside: column = 160 -+ f X / depth, for the row's depth on the road."""
    frame = view(scene)
    left, right = line_column(frame, 100, slice(0, 150)), line_column(frame, 100, slice(170, 320))
    below = (100.5 - LEVEL.horizon_row) / LEVEL.height_m  # f / depth times cos of the pitch, nearly
    assert right - left == pytest.approx(2 * 3.35 * below, rel=0.03)
    assert (left + right) / 2 == pytest.approx(160, abs=8)


def test_cameras_and_turns_move_the_road_the_right_way(scene):
    cameras = (replace(LEVEL, lateral_offset_m=aside_m) for aside_m in (0.0, 1.0, -1.0))
    centre, left, right = (line_column(view(scene, camera), 100, slice(170, 320)) for camera in cameras)
    assert right < centre < left or left > centre, "from further left, the right line lies further right"
    assert line_column(view(scene, turned=0.05), 100, slice(170, 320)) > centre, "turned left, it moves right"


@pytest.mark.parametrize("camera", [*RECORDING, *AUTONOMOUS, replace(LEVEL, yaw_rad=0.05)])
def test_the_renderer_sees_what_the_cameras_numbers_say(scene, camera):
    """Two cameras at one place see the same but for a projective map, so a level one's picture can be warped."""
    level = replace(camera, horizon_row=61.7, yaw_rad=0.0, roll_rad=0.0)

    def warped(view_of: Camera) -> np.ndarray:
        _, to_level = homographies(view_of, level)
        picture = Image.fromarray(view(scene, level).astype(np.uint8))
        numbers = (to_level / to_level[2, 2]).ravel()[:8].tolist()
        bilinear = Image.Resampling.BILINEAR
        return np.asarray(picture.transform((320, 160), Image.Transform.PERSPECTIVE, numbers, bilinear))

    seen = view(scene, camera)
    wrong = replace(camera, yaw_rad=-camera.yaw_rad, roll_rad=-camera.roll_rad)
    right, mirrored = (np.abs(warped(c).astype(int) - seen)[12:130, 20:300].mean() for c in (camera, wrong))
    assert right < 0.6 * mirrored


def test_on_a_slope_the_cameras_stand_above_the_road(scene):
    """The road below the camera, 2.6 m ahead of the rear axle, has risen by then."""
    scene.render(CarPose(0.0, 0.0, 5.0, 0.0, 0.3), LEVEL)
    above_m = LEVEL.height_m + 0.3 * CAMERA_AHEAD_M
    assert tuple(scene._camera.get_pos()) == pytest.approx((CAMERA_AHEAD_M, 0, 5 + above_m), abs=1e-5)


def test_the_bridge_is_cobbled_between_dark_walls(scene):
    frame = view(scene, index=round(700 / LAKE.spacing_m))
    assert frame[75, 2].max() < 60
    assert frame[75, 317].max() < 60
    road = frame[100, 120:200].mean(0)
    assert road[0] > road[2] + 20, "pinkish"


def test_the_hood_is_as_high_as_in_real_frames():
    rows, columns, colors = hood()
    assert rows.min() in range(135, 140)
    assert abs(columns.mean() - 160) < 1
    assert colors.dtype == np.uint8


@pytest.mark.slow
def test_a_scene_shows_another_track_as_a_new_one_would(scene):
    mountain = open_track("mountain")
    changed = Scene(mountain)
    changed.show(LAKE)
    assert np.array_equal(view(changed), view(scene))
    changed.show(mountain)
    place = pose_on(mountain, 0)
    drawn_anew = Scene(mountain)
    assert np.array_equal(changed.render(place), drawn_anew.render(place))
    changed.close()
    drawn_anew.close()


@pytest.mark.parametrize("name", ["jungle", "mountain", "random:2"])
def test_other_tracks_draw(name):
    track = open_track(name)
    scene = Scene(track)
    frame = scene.render(pose_on(track, 0))
    scene.close()
    assert frame[:60].std() > 5
    assert frame[90:130, 100:220].std() > 3


@pytest.mark.slow
def test_no_bank_covers_the_jungles_road():
    """The road climbs beside steep banks, comes near itself, and crosses itself: ahead is always asphalt."""
    track = open_track("jungle")
    scene = Scene(track)
    for index in range(0, len(track.points), 8):
        ahead = scene.render(pose_on(track, index))[115:130, 80:190].astype(int)
        green = ahead[..., 1] - ahead[..., 2] > 30
        assert green.mean() < 0.25, f"at {index * track.spacing_m:.0f} m"  # a hairpin shows the grass inside it
    scene.close()


@pytest.mark.parametrize("name", ["lake", "mountain"])
def test_trees_stand_on_the_land_that_is_drawn(name):
    """A tree beyond the land's mesh, or on a ridge that the mesh cuts off, would float in the sky."""
    track = open_track(name)
    look, generator = LOOKS[track.look], np.random.default_rng(0)
    ground = Ground(track, look, generator)
    cells = ground.quads().position
    low, high = cells[..., :2].min((0, 1)), cells[..., :2].max((0, 1))
    size = cells[0, 2, 0] - cells[0, 0, 0]
    across = round((high[0] - low[0]) / size)
    feet = ground.grow(SORTS[look.flora][0], generator).position[:, :2].mean(1)
    assert ((low <= feet[:, :2]) & (feet[:, :2] <= high)).all()
    column, row = np.floor((feet[:, :2] - low) / size).astype(int).T
    below = cells[row * across + column][..., 2]
    _, offset = ground._nearest(feet[:, :2])
    on_mesh = np.abs(offset) > BESIDE_ROAD_M + 2
    assert on_mesh.sum() > 500
    assert ((feet[:, 2] > below.min(1) - 0.3) & (feet[:, 2] < below.max(1)))[on_mesh].all()


def test_udacitys_own_scenery_is_not_drawn_without_it():
    with pytest.raises(ValueError, match="drive lake, the same road"):
        Scene(open_track("udacity-lake"))


def test_a_larger_picture_shows_the_same(scene):
    small, large = (scene.render(pose_on(LAKE, STRAIGHT), LEVEL, scale) for scale in (1, 2))
    assert large.shape == (320, 640, 3)
    halved = large.reshape(160, 2, 320, 2, 3).mean((1, 3))
    assert np.abs(halved - small).mean() < 10
    assert np.array_equal(view(scene), small), "and the small one is as before"


def test_from_behind_the_car_is_seen_and_its_wheels_turn(scene):
    def behind(wheels_deg):
        return scene.render_behind(pose_on(LAKE, STRAIGHT), wheels_deg).astype(int)

    before = view(scene)
    frame = behind(0.0)
    red = (frame[..., 0] > frame[..., 1] + 60) & (frame[..., 0] > frame[..., 2] + 60)
    rows, columns = np.nonzero(red)
    assert columns.mean() == pytest.approx(160, abs=2)
    assert 80 < rows.mean() < 140
    assert not np.array_equal(behind(25.0), frame)
    assert np.array_equal(view(scene), before), "the car's own cameras do not see it"
