"""The warp as geometry: points of the road and of the far scene land where a projection puts them."""

import math

import numpy as np
import pytest

from simulator.render.camera import AUTONOMOUS, FOCAL_PX, RECORDING, Camera, homographies


def project(camera: Camera, car: tuple[float, float, float], point: tuple[float, float, float]) -> tuple[float, float]:
    """Pixel of a point (x, y, height) seen by a camera of a car at (x, y, heading), by trigonometry alone."""
    x, y, heading = car
    ahead = (point[0] - x) * math.cos(heading) + (point[1] - y) * math.sin(heading)
    left = -(point[0] - x) * math.sin(heading) + (point[1] - y) * math.cos(heading) - camera.lateral_offset_m
    ahead, left = (
        ahead * math.cos(camera.yaw_rad) + left * math.sin(camera.yaw_rad),
        left * math.cos(camera.yaw_rad) - ahead * math.sin(camera.yaw_rad),
    )
    down_rad = math.atan2(camera.height_m - point[2], ahead) - camera.pitch_rad
    depth = math.hypot(camera.height_m - point[2], ahead) * math.cos(down_rad)
    right, down = -left / depth, math.tan(down_rad)
    cos, sin = math.cos(camera.roll_rad), math.sin(camera.roll_rad)
    return 160 + FOCAL_PX * (right * cos - down * sin), 80 + FOCAL_PX * (right * sin + down * cos)


def moved(matrix: np.ndarray, pixel: tuple[float, float]) -> np.ndarray:
    x, y, w = matrix @ (*pixel, 1.0)
    return np.array([x / w, y / w])


@pytest.mark.parametrize("view", [RECORDING.center, AUTONOMOUS.center])
@pytest.mark.parametrize("source", RECORDING)
@pytest.mark.parametrize("pose", [(0.0, 0.0, 0.0), (0.4, 0.1, 1.2), (-0.9, -0.05, 0.0)])
def test_road_and_far_scene_land_where_a_projection_puts_them(view, source, pose):
    aside, turned, ahead = pose
    road, far = homographies(view, source, aside, turned, ahead)
    for point in [(6.0, 1.5, 0.0), (14.0, -3.0, 0.0), (40.0, 2.0, 0.0)]:
        pixel = project(view, (ahead, aside, turned), point)
        assert moved(road, pixel) == pytest.approx(project(source, (0, 0, 0), point), abs=1e-6)
    mountain = (1e7, 2e6, 1e6)
    pixel = project(view, (ahead, aside, turned), mountain)
    assert moved(far, pixel) == pytest.approx(project(source, (0, 0, 0), mountain), abs=1e-3)


def test_the_same_place_is_the_same_picture():
    for matrix in homographies(RECORDING.center, RECORDING.center):
        assert matrix / matrix[2, 2] == pytest.approx(np.eye(3), abs=1e-9)


@pytest.mark.parametrize("camera", [RECORDING.center, AUTONOMOUS.center, Camera(0.0, 1.2, 50.0, 0.0, 0.1)])
def test_the_horizon_is_the_horizon(camera):
    for far_left in (-0.5e9, 0.0, 0.8e9):
        column, row = project(camera, (0, 0, 0), (1e9, far_left, 0))
        rows = camera.horizon_rows()
        assert row == pytest.approx(np.interp(column - 0.5, np.arange(320), rows), abs=1e-4)
