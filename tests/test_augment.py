"""Augmentation: what it does to pixels, to the steering, and that a seed decides all of it."""

from dataclasses import replace

import numpy as np
import pytest
from keras import ops

from tests.conftest import road_frame
from training.data.augment import as_image, augment, light, noise, noise_pictures, shadow
from training.data.variations import DRAWS, NOISES, PIVOT_LEVELS, Variations, draw_variations
from training.data.viewpoint import CameraMotion, draw_motions, rows_to_read
from training.data.warp import view_from
from training.run.recipe import Recipe

ROWS = (80, 140)
STILL = Recipe(shift_m=0.0, turn_deg=0.0, horizon_rows=None, roll_deg=None)
DULL = {
    "shadow_share": 0.0,
    "brightness_low": 1.0,
    "brightness_high": 1.0,
    "tint": 0.0,
    "contrast_share": 0.0,
    "noise_share": 0.0,
}
BARE = replace(STILL, **DULL)
HOODS = np.random.default_rng(1).integers(0, 256, (5, 6, 320, 3), np.uint8)
NO_HOODS = HOODS[:, :0]


def crop() -> np.ndarray:
    """A crop whose left half is darker than its right."""
    image = np.full((60, 320, 3), 100, np.uint8)
    image[:, 160:] = 200
    return image


def drawn(recipe: Recipe, count: int = 100, steering: float = 0.3, seed: int = 7) -> tuple[Variations, np.ndarray]:
    return draw_variations(np.full(count, steering), recipe, ROWS, len(HOODS), seed, 0)


def augmented(image: np.ndarray, variations: Variations, hoods: np.ndarray = NO_HOODS) -> np.ndarray:
    """The image once for each of the variations."""
    crops = np.repeat(image[None], len(variations.light), axis=0)
    return ops.convert_to_numpy(augment(ops.convert_to_tensor(crops), variations, hoods, 60))


def test_half_of_the_images_are_mirrored_with_their_steering():
    variations, steering = drawn(BARE)
    images = augmented(crop(), variations)
    is_mirrored = steering < 0
    assert 30 < is_mirrored.sum() < 70
    np.testing.assert_allclose(np.abs(steering), 0.3, atol=1e-6)
    np.testing.assert_array_equal(
        images[is_mirrored], np.broadcast_to(crop()[:, ::-1], (is_mirrored.sum(), 60, 320, 3))
    )
    np.testing.assert_array_equal(images[~is_mirrored], np.broadcast_to(crop(), ((~is_mirrored).sum(), 60, 320, 3)))


def test_brightness_is_one_factor_in_its_range_for_all_colours():
    lights = drawn(replace(Recipe(), tint=0.0, contrast_share=0.0))[0].light
    assert 0.3 <= lights[:, :3].min() < 0.4
    assert 1.2 < lights[:, :3].max() <= 1.3
    np.testing.assert_array_equal(lights[:, 0], lights[:, 2])
    assert not lights[:, 3].any()


def test_a_tint_changes_each_colour_by_itself():
    factors = drawn(replace(Recipe(), **{**DULL, "tint": 0.2}))[0].light[:, :3]
    assert 0.8 <= factors.min() < 0.83
    assert 1.17 < factors.max() <= 1.2
    assert np.abs(np.corrcoef(factors.T) - np.eye(3)).max() < 0.35


def test_less_contrast_leaves_one_grey_level_as_it_is():
    lights = drawn(replace(Recipe(), **{**DULL, "contrast_share": 1.0, "contrast_low": 0.2}))[0].light
    assert 0.2 <= lights[:, 0].min() < 0.25
    assert 0.95 < lights[:, 0].max() <= 1.0
    pivots = lights[:, 3] / (1 - lights[:, 0])
    assert PIVOT_LEVELS[0] - 1e-3 <= pivots.min() < 60
    assert 200 < pivots.max() <= PIVOT_LEVELS[1] + 1e-3
    dull = drawn(replace(Recipe(), **{**DULL, "brightness_low": 0.3, "contrast_share": 0.3}))[0].light
    assert 15 < (dull[:, 3] > 0).sum() < 45, "the share of the recipe; the others are darkened"
    assert dull[dull[:, 3] == 0, 0].min() < 0.4


def test_light_multiplies_each_colour_and_adds_one_number():
    pixels = np.float32([crop()] * 2)
    lights = np.float32([[0.5, 1.0, 2.0, 0.0], [0.1, 0.1, 0.1, 90.0]])
    lit = ops.convert_to_numpy(light(ops.convert_to_tensor(pixels), ops.convert_to_tensor(lights)))
    assert lit[0, 0, 0].tolist() == [50, 100, 200]
    assert lit[1, 0, [0, -1]].tolist() == [[100] * 3, [110] * 3]


def test_noise_has_its_deviation_in_its_share_of_images_and_no_mean():
    variations, _ = drawn(replace(Recipe(), noise_share=0.3, noise_levels=40.0), 200)
    noisy = variations.noise[variations.noise > 0]
    assert 40 < noisy.size < 80
    assert 30 < noisy.max() <= 40
    assert set(variations.noises) == set(range(NOISES))
    pixels = ops.convert_to_tensor(np.full((2, 60, 320, 3), 100, np.float32))
    plain, varied = ops.convert_to_numpy(noise(pixels, np.float32([0, 20]), np.int32([3, 3])))
    np.testing.assert_array_equal(plain, 100)
    assert (varied.mean(), varied.std()) == pytest.approx((100, 20), abs=0.3)
    assert np.abs(np.corrcoef(noise_pictures(60).reshape(NOISES, -1)) - np.eye(NOISES)).max() < 0.02


def test_shadow_darkens_one_side_of_a_line_in_its_share_of_images():
    shadows = drawn(Recipe(shadow_share=0.3))[0].shadows
    pixels = np.full((100, 60, 320, 3), 100, np.float32)
    images = ops.convert_to_numpy(shadow(ops.convert_to_tensor(pixels), ops.convert_to_tensor(shadows)))
    darkened = [image for image in images if image.min() < 100]
    assert 12 < len(darkened) < 48
    for image in darkened:
        assert len(np.unique(image)) <= 2
        assert 40 <= image.min() <= 90
        assert (np.diff(image[:, :, 0], axis=1) >= 0).all()
    assert (drawn(Recipe(shadow_share=0.0))[0].shadows[:, 2] == 1).all()
    (one,) = ops.convert_to_numpy(shadow(ops.convert_to_tensor(pixels[:1]), np.float32([[0.25, 0.75, 0.5]])))
    edges = (one[:, :, 0] == 50).sum(axis=1)
    assert edges[[0, -1]] == pytest.approx([80, 240], abs=1), "from its first row's place to its last row's"


def test_what_a_recipe_leaves_off_changes_nothing():
    image = road_frame(0.3)[80:140]
    assert rows_to_read(ROWS, STILL) == ROWS
    variations, steering = drawn(BARE, 20, 0.2)
    for varied, angle in zip(augmented(image, variations), steering, strict=True):
        np.testing.assert_array_equal(varied, image if angle > 0 else image[:, ::-1])


def test_all_augmentations_are_applied_in_turn():
    image = road_frame(0.3)[80:140]
    variations, steering = drawn(STILL, 20, 0.2)
    own = np.float32([image if angle > 0 else image[:, ::-1] for angle in steering])
    own[:, 54:] = HOODS[variations.hoods]
    darker = shadow(ops.convert_to_tensor(own), ops.convert_to_tensor(variations.shadows))
    lit = light(darker, ops.convert_to_tensor(variations.light))
    expected = as_image(noise(lit, variations.noise, variations.noises))
    np.testing.assert_array_equal(augmented(image, variations, HOODS), ops.convert_to_numpy(expected))


def test_a_mirrored_image_is_moved_as_the_mirrored_frame():
    recipe = replace(Recipe(), **DULL)
    first, end = rows_to_read(ROWS, recipe)
    frame = road_frame(0.3)[first:end]
    variations, steering = drawn(recipe, 20, 0.9)
    motions = draw_motions(np.random.default_rng((7, 0, 1)).random((20, DRAWS)).T[1:5], steering < 0, recipe)
    assert 5 < (steering < 0).sum() < 15
    for number, image in enumerate(augmented(frame, variations)):
        motion = CameraMotion(*(value[number] for value in motions))
        own = frame if steering[number] > 0 else frame[:, ::-1]
        expected = ops.convert_to_numpy(as_image(view_from(own[None], motion, (first, end), ROWS)))[0]
        np.testing.assert_allclose(image.astype(int), expected, atol=1)
        assert (image == expected).mean() > 0.99


@pytest.mark.parametrize("recipe", [STILL, Recipe()])
def test_augmented_image_is_uint8_and_its_seed_and_number_decide_it(recipe):
    first, end = rows_to_read(ROWS, recipe)
    image = road_frame(0.3)[first:end]
    few, many, other = (drawn(recipe, count, 0.2, seed) for count, seed in ((2, 7), (5, 7), (2, 8)))
    images = augmented(image, few[0], HOODS)
    assert images.dtype == np.uint8
    assert images.shape == (2, 60, 320, 3)
    np.testing.assert_array_equal(images, augmented(image, many[0], HOODS)[:2])
    np.testing.assert_array_equal(few[1], many[1][:2])
    assert not np.array_equal(images[0], images[1])
    assert not np.array_equal(images, augmented(image, other[0], HOODS))
    moved = recipe.shift_m > 0
    assert (abs(few[1][0]) == pytest.approx(0.2)) is not moved
