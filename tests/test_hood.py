"""The hood in a training image says nothing of the camera that took it."""

import numpy as np
from keras import ops
from PIL import Image

from simulator.render.camera import HOOD_ROW
from tests.conftest import road_frame
from training.data.augment import augment
from training.data.crops import decode_crops
from training.data.hood import draw_hoods, hood_rows, replace_hood
from training.data.variations import draw_variations
from training.data.viewpoint import rows_to_read
from training.run.recipe import Recipe

ROWS = (80, 140)


def test_the_last_rows_are_one_of_the_given_hoods_and_the_others_stay():
    hoods = np.stack([np.full((6, 320, 3), 10 * n, np.uint8) for n in range(1, 6)])
    pixels = np.repeat(road_frame()[None, 80:140], 60, axis=0).astype(np.float32)
    variations, _ = draw_variations(np.zeros(60), Recipe(), ROWS, len(hoods), 3, 0)
    changed = ops.convert_to_numpy(replace_hood(ops.convert_to_tensor(pixels), hoods, variations.hoods))
    np.testing.assert_array_equal(changed[:, :54], pixels[:, :54])
    assert (changed[:, 54:] == changed[:, 54:55, :1, :1]).all()
    assert set(changed[:, 54, 0, 0]) == {10, 20, 30, 40, 50}


def test_a_crop_that_ends_above_the_hood_has_none():
    assert hood_rows(ROWS) == (HOOD_ROW, 140)
    assert hood_rows((60, 120)) == (120, 120)
    pixels = ops.convert_to_tensor(road_frame()[None, 60:120].astype(np.float32))
    none = np.zeros((4, 0, 320, 3), np.uint8)
    np.testing.assert_array_equal(replace_hood(pixels, none, np.array([2], np.int32)), pixels)


def test_training_images_of_any_camera_end_in_hoods_of_the_centre_camera(tmp_path):
    """The side camera's own last rows are white here, the centre's dark: no image of a batch may end in white."""
    centre, side = road_frame(), road_frame(0.4)
    centre[HOOD_ROW:], side[HOOD_ROW:] = 40, 255
    centre[HOOD_ROW:, :160] = 20
    for name, frame in (("centre", centre), ("side", side)):
        Image.fromarray(frame).save(tmp_path / f"{name}.png")
    paths = [str(tmp_path / "centre.png"), str(tmp_path / "side.png")] * 16
    recipe = Recipe(
        brightness_low=1.0, brightness_high=1.0, shadow_share=0.0, tint=0.0, contrast_share=0.0, noise_share=0.0
    )
    hoods = draw_hoods(paths[::2], ROWS, seed=1)
    assert hoods.shape == (32, ROWS[1] - HOOD_ROW, 320, 3)
    np.testing.assert_array_equal(hoods[16:], hoods[:16, :, ::-1], "each is also there mirrored")
    variations, _ = draw_variations(np.zeros(32), recipe, ROWS, len(hoods), 1, 0)
    crops = augment(ops.convert_to_tensor(decode_crops(paths, rows_to_read(ROWS, recipe))), variations, hoods, 60)
    last = ops.convert_to_numpy(crops)[:, HOOD_ROW - ROWS[0] :]
    assert last.max() == 40
    assert 0 < (last[:, 0, 0, 0] == 20).sum() < 32
