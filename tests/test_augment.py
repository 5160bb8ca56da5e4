"""Augmentation: what it does to pixels, to the steering, and that a seed decides all of it."""

import numpy as np
import pytest
import tensorflow as tf

from tests.conftest import road_frame
from training.data.augment import as_image, augment, brightness, flip, shadow
from training.data.hood import replace_hood
from training.data.viewpoint import rows_to_read
from training.run.recipe import Recipe

ROWS = (80, 140)
STILL = Recipe(shift_m=0.0, turn_deg=0.0, horizon_rows=None, roll_deg=None)
HOODS = np.random.default_rng(1).integers(0, 256, (5, 6, 320, 3), np.uint8)


def crop() -> np.ndarray:
    """A crop whose left half is darker than its right."""
    image = np.full((60, 320, 3), 100, np.uint8)
    image[:, 160:] = 200
    return image


def seeds(count: int) -> list[np.ndarray]:
    return [np.array([7, i], np.int32) for i in range(count)]


def test_flip_mirrors_the_image_and_negates_the_steering():
    image, steering = flip(tf.constant(crop()), tf.constant(0.3), tf.constant(True))
    assert float(steering) == pytest.approx(-0.3)
    np.testing.assert_array_equal(image, crop()[:, ::-1])
    image, steering = flip(tf.constant(crop()), tf.constant(0.3), tf.constant(False))
    assert float(steering) == pytest.approx(0.3)
    np.testing.assert_array_equal(image, crop())
    mirrored = sum(float(augment(tf.constant(crop()), 0.3, seed, STILL, ROWS, HOODS)[1]) < 0 for seed in seeds(100))
    assert 30 < mirrored < 70


def test_brightness_is_one_factor_in_its_range():
    pixels = tf.constant(crop(), tf.float32)
    factors = [float(brightness(pixels, seed, 0.3, 1.3)[0, 0, 0]) / 100 for seed in seeds(100)]
    assert 0.3 <= min(factors) < 0.4
    assert 1.2 < max(factors) <= 1.3
    changed = np.asarray(brightness(pixels, seeds(1)[0], 0.3, 1.3))
    np.testing.assert_allclose(changed / crop(), changed[0, 0, 0] / 100, rtol=1e-5)


def test_shadow_darkens_one_side_of_a_line_in_its_share_of_images():
    pixels = tf.constant(np.full((60, 320, 3), 100, np.float32))
    shadows = [np.asarray(shadow(pixels, seed, 0.3)) for seed in seeds(100)]
    darkened = [image for image in shadows if image.min() < 100]
    assert 12 < len(darkened) < 48
    for image in darkened:
        assert len(np.unique(image)) <= 2
        assert 40 <= image.min() <= 90
        assert (np.diff(image[:, :, 0], axis=1) >= 0).all()
    assert not np.asarray(shadow(pixels, seeds(1)[0], 0.0) - pixels).any()


def test_what_a_recipe_leaves_off_changes_nothing():
    image, recipe = tf.constant(road_frame(0.3)[80:140]), STILL
    assert rows_to_read(ROWS, recipe) == ROWS
    for seed in seeds(20):
        own = tf.unstack(tf.random.split(seed, 5))
        mirrored, steering = flip(image, tf.constant(0.2), tf.random.stateless_uniform([], own[0]) < 0.5)
        pixels = replace_hood(tf.cast(mirrored, tf.float32), HOODS, own[4])
        pixels = shadow(pixels, own[1], recipe.shadow_share)
        pixels = brightness(pixels, own[2], recipe.brightness_low, recipe.brightness_high)
        result = augment(image, tf.constant(0.2), seed, recipe, ROWS, HOODS)
        np.testing.assert_array_equal(result[0], as_image(pixels))
        assert float(result[1]) == float(steering)


@pytest.mark.parametrize("recipe", [STILL, Recipe()])
def test_augmented_image_is_uint8_and_its_seed_decides_it(recipe):
    first, end = rows_to_read(ROWS, recipe)
    image = tf.constant(road_frame(0.3)[first:end])
    results = [augment(image, tf.constant(0.2), seed, recipe, ROWS, HOODS) for seed in (*seeds(2), seeds(1)[0])]
    pixels = [np.asarray(result[0]) for result in results]
    assert pixels[0].dtype == np.uint8
    assert pixels[0].shape == (60, 320, 3)
    np.testing.assert_array_equal(pixels[0], pixels[2])
    assert float(results[0][1]) == float(results[2][1])
    assert not np.array_equal(pixels[0], pixels[1])
    moved = recipe.shift_m > 0
    assert (abs(float(results[0][1])) == pytest.approx(0.2)) is not moved
