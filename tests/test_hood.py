"""The hood in a training image says nothing of the camera that took it."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from simulator.render.camera import HOOD_ROW
from tests.conftest import road_frame
from training.data.hood import hood_rows, replace_hood
from training.data.pipeline import hoods, training_batches
from training.run.recipe import Recipe

ROWS = (80, 140)


def test_the_last_rows_are_one_of_the_given_hoods_and_the_others_stay():
    hoods = np.stack([np.full((6, 320, 3), 10 * n, np.uint8) for n in range(1, 6)])
    hoods[:, :, :160] += 5
    pixels = tf.constant(road_frame()[80:140], tf.float32)
    drawn = set()
    for i in range(60):
        changed = np.asarray(replace_hood(pixels, hoods, np.array([3, i], np.int32)))
        np.testing.assert_array_equal(changed[:54], pixels[:54])
        left, right = changed[54:, :160], changed[54:, 160:]
        assert left.min() == left.max()
        assert abs(left[0, 0, 0] - right[0, 0, 0]) == 5
        drawn.add((left[0, 0, 0], right[0, 0, 0]))
    assert len(drawn) == 10, "five hoods, and each mirrored"


def test_a_crop_that_ends_above_the_hood_has_none():
    assert hood_rows(ROWS) == (HOOD_ROW, 140)
    assert hood_rows((60, 120)) == (120, 120)
    pixels = tf.constant(road_frame()[60:120], tf.float32)
    none = np.zeros((4, 0, 320, 3), np.uint8)
    np.testing.assert_array_equal(replace_hood(pixels, none, np.array([0, 0], np.int32)), pixels)


@pytest.mark.slow
def test_training_images_of_any_camera_end_in_hoods_of_the_centre_camera(tmp_path):
    """The side camera's own last rows are white here, the centre's dark: no image of a batch may end in white."""
    centre, side = road_frame(), road_frame(0.4)
    centre[HOOD_ROW:], side[HOOD_ROW:] = 40, 255
    for name, frame in (("centre", centre), ("side", side)):
        Image.fromarray(frame).save(tmp_path / f"{name}.png")
    paths = np.array([str(tmp_path / "centre.png"), str(tmp_path / "side.png")] * 16)
    recipe = Recipe(brightness_low=1.0, brightness_high=1.0, shadow_share=0.0, batch=32)
    pool = hoods(paths[::2], ROWS, seed=1)
    assert pool.shape == (16, ROWS[1] - HOOD_ROW, 320, 3)
    ((crops, _),) = training_batches(paths, np.zeros(32), ROWS, recipe, (1, 0), pool)
    assert np.asarray(crops)[:, HOOD_ROW - ROWS[0] :].max() == 40
