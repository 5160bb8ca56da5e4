"""A shifted or turned view is what a camera there would see, by ray tracing and by rendering; and it steers back."""

import math
from dataclasses import replace

import numpy as np
import pytest
from keras import ops

from protocol.messages import EFFECTIVE_WHEELBASE_M, MAX_STEERING_ANGLE_DEG, MPS_PER_MPH
from protocol.pedals import throttle_for
from simulator.render.camera import CAMERA_AHEAD_M, FOCAL_PX, RECORDING, Camera
from simulator.render.eye import CarPose
from simulator.world.car import Car
from simulator.world.track import open_track
from training.data.samples import SIDE_CAMERA_M
from training.data.variations import draw_variations
from training.data.viewpoint import CameraMotion, path_columns, rows_to_read, steer_back
from training.data.warp import view_from, warp
from training.run.recipe import Recipe

CENTER = RECORDING.center
ROWS = (80, 140)
RECIPE = Recipe(shift_m=0.5, turn_deg=4.0, horizon_rows=None, roll_deg=None)
READ = rows_to_read(ROWS, RECIPE)
READ_FOR_ALL = rows_to_read(ROWS, Recipe())
MOTIONS = [(0.5, 0.0), (-0.5, 0.0), (0.0, 4.0), (0.0, -4.0), (0.3, -2.0)]


def moved_view(image: np.ndarray, motion: CameraMotion, read: tuple[int, int]) -> np.ndarray:
    """What a moved camera sees of the rows `read` of a frame."""
    return ops.convert_to_numpy(view_from(image[None], motion, read, ROWS))[0]


def ray_traced(
    shift_m: float, turn_deg: float, view: Camera = CENTER, source: Camera = CENTER
) -> tuple[np.ndarray, np.ndarray]:
    """Column and row, as indices into the source's frame, of what each pixel of the moved view shows on a flat road."""
    turn = math.radians(turn_deg) - view.yaw_rad
    row, column = np.mgrid[ROWS[0] : ROWS[1], 0:320].astype(float) + 0.5
    right, down = rotated((column - 160) / FOCAL_PX, (row - 80) / FOCAL_PX, -view.roll_rad)
    sin, cos = math.sin(view.pitch_rad), math.cos(view.pitch_rad)
    below, ahead = down * cos + sin, cos - down * sin
    distance = view.height_m / below
    x = distance * (right * math.cos(turn) + ahead * math.sin(turn)) + shift_m
    z = distance * (ahead * math.cos(turn) - right * math.sin(turn))
    x, z = rotated(x, z, -source.yaw_rad)
    sin, cos = math.sin(source.pitch_rad), math.cos(source.pitch_rad)
    depth = source.height_m * sin + z * cos
    height = source.height_m * cos - z * sin
    right, down = rotated(x / depth, height / depth, source.roll_rad)
    return 160 + FOCAL_PX * right - 0.5, 80 + FOCAL_PX * down - 0.5


def rotated(right: np.ndarray, down: np.ndarray, clockwise_rad: float) -> tuple[np.ndarray, np.ndarray]:
    cos, sin = math.cos(clockwise_rad), math.sin(clockwise_rad)
    return right * cos - down * sin, right * sin + down * cos


def test_the_horizon_and_a_point_ahead_are_where_the_geometry_puts_them():
    column, row, depth = CENTER.projection() @ (0.0, 0.0, 1.0)
    assert (column / depth, row / depth) == pytest.approx((158.7, CENTER.horizon_row), abs=0.1), "it looks right"
    column, row, depth = CENTER.projection() @ (1.0, 0.0, 1.0)
    assert row / depth > CENTER.horizon_row + 2, "the horizon falls to the right"


@pytest.mark.parametrize(("shift_m", "turn_deg"), MOTIONS)
def test_every_pixel_comes_from_where_its_ray_meets_the_road(shift_m, turn_deg):
    """The image is its own coordinates, so that interpolating it gives the place a pixel was taken from."""
    row, column = np.mgrid[READ[0] : READ[1], 0:320].astype(np.float32)
    image = np.stack([column, row, np.zeros_like(row)], axis=-1)
    moved = moved_view(image, CameraMotion(shift_m, math.radians(turn_deg)), READ)
    true_column, true_row = ray_traced(shift_m, turn_deg)
    inside = (true_column >= 0) & (true_column <= 319)
    assert inside.mean() > 0.85
    np.testing.assert_allclose(moved[..., 0][inside], true_column[inside], atol=0.01)
    np.testing.assert_allclose(moved[..., 1][inside], true_row[inside], atol=0.01)
    assert READ[0] <= true_row.min()
    assert true_row.max() <= READ[1] - 1


@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize(
    ("shift_m", "turn_deg", "horizon_row", "roll_deg"), [(0.0, 0.0, 58.7, 1.17), (0.4, -3.0, 57.0, 0.0)]
)
def test_a_view_may_have_another_cameras_pitch_and_roll(side, shift_m, turn_deg, horizon_row, roll_deg):
    """A mirrored frame's camera is turned and rolled the other way; the view's own is not."""
    row, column = np.mgrid[READ_FOR_ALL[0] : READ_FOR_ALL[1], 0:320].astype(np.float32)
    image = np.stack([column, row, np.zeros_like(row)], axis=-1)
    motion = CameraMotion(shift_m, math.radians(turn_deg), horizon_row, math.radians(roll_deg), side)
    moved = moved_view(image, motion, READ_FOR_ALL)
    source = replace(CENTER, yaw_rad=side * CENTER.yaw_rad, roll_rad=side * CENTER.roll_rad)
    camera = replace(CENTER, horizon_row=horizon_row, roll_rad=math.radians(roll_deg))
    true_column, true_row = ray_traced(shift_m, turn_deg, camera, source)
    inside = (true_column >= 0) & (true_column <= 319) & (true_row <= READ_FOR_ALL[1] - 1)
    assert inside.mean() > 0.8
    np.testing.assert_allclose(moved[..., 0][inside], true_column[inside], atol=0.02)
    np.testing.assert_allclose(moved[..., 1][inside], true_row[inside], atol=0.02)
    assert READ_FOR_ALL[0] <= true_row.min()


def test_views_learn_both_cars_cameras():
    """A frame with one bright row, all along its horizon's slope, shows which pitch and roll each view has."""
    recipe = Recipe(shift_m=0.0, turn_deg=0.0)
    first, end = rows_to_read(ROWS, recipe)
    line = CENTER.horizon_rows() + 35.0
    frame = np.exp(-((np.arange(160)[:, None] + 0.5 - line) ** 2) / 4).astype(np.float32)[first:end, :, None]
    maps = draw_variations(np.zeros(120), recipe, ROWS, 1, 5, 0)[0].maps
    maps = maps[maps[:, 0] > 0]  # of frames that are not mirrored
    images = ops.convert_to_tensor(np.repeat(frame[None], len(maps), axis=0))
    views = ops.convert_to_numpy(warp(images, maps, 60))[..., 0]
    middles, slopes = [], []
    for pixels in views:
        peak = ROWS[0] + 0.5 + (pixels * np.arange(60)[:, None]).sum(0) / pixels.sum(0)
        slope, middle = np.polyfit(np.arange(320) - 159.5, peak, 1)
        middles.append(middle - 35.0)
        slopes.append(math.degrees(math.atan(slope)))
    assert min(middles) == pytest.approx(57, abs=0.7)
    assert max(middles) == pytest.approx(62, abs=0.7)
    assert min(slopes) == pytest.approx(0, abs=0.2)
    assert max(slopes) == pytest.approx(1.5, abs=0.2)


@pytest.mark.parametrize("size", [2, 7])
def test_beyond_its_border_an_image_is_mirrored(size):
    image = np.random.default_rng(1).normal(size=(size, size, 2)).astype(np.float32)
    for shift in (-3 * size - 1, -2, size - 1, 5 * size):
        (moved,) = ops.convert_to_numpy(
            warp(ops.convert_to_tensor(image[None]), np.float32([[1, 0, shift, 0, 1, shift, 0, 0]]), size)
        )
        padding = 6 * size
        around = np.pad(image, ((padding, padding), (padding, padding), (0, 0)), mode="symmetric")
        place = slice(padding + shift, padding + shift + size)
        np.testing.assert_allclose(moved, around[place, place], atol=1e-6)


def test_an_unmoved_view_is_the_crop_itself():
    image = np.random.default_rng(3).integers(0, 256, (READ[1] - READ[0], 320, 3)).astype(np.uint8)
    same = moved_view(image, CameraMotion(), READ)
    np.testing.assert_allclose(same, image[ROWS[0] - READ[0] : ROWS[1] - READ[0]], atol=0.01)
    first, end = rows_to_read(ROWS, replace(RECIPE, shift_m=1.0, turn_deg=0.0))
    assert ROWS[0] - 3 < first < ROWS[0], "a shift goes along the rolled camera's rows"
    assert ROWS[1] < end < ROWS[1] + 5
    assert rows_to_read((0, 160), Recipe(turn_deg=5.0)) == (0, 160)


@pytest.mark.parametrize(("shift_m", "turn_deg"), MOTIONS)
def test_it_is_what_a_camera_there_sees(scene, shift_m, turn_deg):
    """Beside the built-in simulator's own picture from there, both averaged over 4 x 4 pixels against aliasing."""
    track = open_track("lake")
    index = round(640 / track.spacing_m)
    (x, y), heading, turn = track.points[index], track.heading_rad[index], math.radians(turn_deg)

    def seen(lateral_offset_m: float, turned: float) -> np.ndarray:
        eye_x = x + CAMERA_AHEAD_M * math.cos(heading) + lateral_offset_m * math.sin(heading)
        eye_y = y + CAMERA_AHEAD_M * math.sin(heading) - lateral_offset_m * math.cos(heading)
        to = heading - turned
        rear = eye_x - CAMERA_AHEAD_M * math.cos(to), eye_y - CAMERA_AHEAD_M * math.sin(to)
        return scene.render(CarPose(*rear, 0.0, to), CENTER)

    here, there = seen(0.0, 0.0), seen(shift_m, turn)
    made = moved_view(here[READ[0] : READ[1]], CameraMotion(shift_m, turn), READ)
    road = (slice(0, 13), slice(12, 68))  # without the hood, and the ends of rows that no camera saw
    coarse = [
        np.asarray(p, float).reshape(15, 4, 80, 4, 3).mean((1, 3))[road] for p in (made, there[80:140], here[80:140])
    ]
    assert np.abs(coarse[0] - coarse[1]).mean() < 0.35 * np.abs(coarse[2] - coarse[1]).mean()


def test_a_shift_to_a_side_camera_is_corrected_as_that_camera():
    for steering in (-0.4, 0.0, 0.3):
        expected = np.arctan(np.tan(steering) + np.array([0.25, -0.25]))
        moved = [
            float(steer_back(steering, shift_m, 0.0, Recipe(side_camera=0.25)))
            for shift_m in (-SIDE_CAMERA_M, SIDE_CAMERA_M)
        ]
        np.testing.assert_allclose(moved, expected, atol=1e-6)


def test_a_turn_is_steered_back_and_steering_stays_in_range():
    recipe = Recipe(side_camera=0.25, turn_reach_m=7.0)

    def turned(steering: float, deg: float) -> float:
        return float(steer_back(steering, 0.0, math.radians(deg), recipe))

    aside = 7.0 * math.tan(math.radians(3)) / SIDE_CAMERA_M  # in side cameras
    assert turned(0.0, 3.0) == pytest.approx(-math.atan(0.25 * aside), abs=1e-6)
    assert turned(0.0, -3.0) == pytest.approx(-turned(0.0, 3.0))
    assert turned(-1.0, 10.0) == -1.0
    assert turned(1.0, -10.0) == 1.0


def test_corrected_steering_brings_a_displaced_car_back_to_its_line():
    """Frame by frame, a car that steers as a shifted and turned view is taught ends on the line, without swinging."""
    car = Car(0.0, -0.8, math.radians(-4), speed_mph=15.0, throttle=throttle_for(1.5))
    away = []
    for _ in range(120):
        steering = float(steer_back(0.0, -car.y, -car.heading_rad, Recipe()))
        car.steering = steering
        for _ in range(2):
            car.step()
        away.append(car.y)
    assert abs(away[-1]) < 0.1
    assert max(away) < 0.25


def test_views_are_moved_within_their_recipe_and_steer_back():
    steering = draw_variations(np.zeros(200), RECIPE, ROWS, 1, 5, 0)[1]
    most = -float(steer_back(0.0, 0.5, math.radians(4), RECIPE))
    assert 0.7 * most < steering.max() <= most
    assert -most <= steering.min() < -0.7 * most
    assert steering.mean() == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize("steering", [-0.6, 0.0, 0.25])
def test_the_drawn_path_is_the_one_the_car_takes(steering):
    car = Car(0.0, 0.0, 0.0, speed_mph=10.0, steering=steering, throttle=throttle_for(1.0))
    car.yaw_rate = 10 * MPS_PER_MPH * math.tan(math.radians(steering * 25)) / EFFECTIVE_WHEELBASE_M
    places = []
    for _ in range(150):
        car.step()
        places.append((car.x, -car.y))
    ahead, right = np.array(places).T
    seen = ahead > CAMERA_AHEAD_M
    points = np.stack([right[seen], np.full(seen.sum(), CENTER.height_m), ahead[seen] - CAMERA_AHEAD_M])
    column, path_row, depth = CENTER.projection() @ points
    columns = path_columns(steering, ROWS)
    for row in (90, 100, 120):
        near = np.argmin(np.abs(path_row / depth - row - 0.5))
        assert columns[row - ROWS[0]] == pytest.approx(column[near] / depth[near], abs=1.5)
    assert abs(steering) * MAX_STEERING_ANGLE_DEG <= 25
