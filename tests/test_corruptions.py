"""Corruptions: each changes what its name says, as far as its amount says, and nothing else."""

import math
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from protocol.messages import Control
from simulator.render.camera import AUTONOMOUS, FOCAL_PX
from simulator.world.track import open_track
from simulator.world.track_world import TrackWorld
from training.robustness.catalogue import CLEAN, CORRUPTIONS, corruption
from training.robustness.corrupted_world import CorruptedWorld
from training.robustness.corruption import STRENGTHS, Moment, side
from training.robustness.pictures.weather import FOG
from training.robustness.stretches import RoadStretch

LAKE = open_track("lake")
CAMERA = AUTONOMOUS.center
COMMANDS = [Control(steering, 0.4) for steering in (0.0, 0.3, -0.2, 0.1, 1.0)]
PICTURES = [c for c in CORRUPTIONS if c.group not in ("camera", "timing", "steering")]
NEUTRAL = {
    "gaussian-noise": 0, "impulse-noise": 0, "defocus-blur": 0, "motion-blur": 0, "zoom-blur": 1, "snow": 0,
    "lens-dirt": 0, "sun-glare": 0, "brightness": 0, "darkness": 0, "contrast": 1, "colour-temperature": 6500,
    "pixelation": 1, "camera-turned": 0, "camera-pitched": 0, "camera-rolled": 0, "camera-moved": 0, "other-lens": 0,
    "latency": 0, "dropped-frames": 0, "wheel-play": 0, "wheel-offset": 0,
}  # fmt: skip
"""Amounts that change nothing; the others have none."""


@pytest.fixture(scope="module")
def frame(scene):
    return CorruptedWorld(LAKE, scene, RoadStretch(820.0, 10.0), CLEAN.start(0, 0)).frame()


def corrupted(name, frame, amount=None, seed=0):
    """The first picture of a drive; amount: None for strength 3."""
    cause = corruption(name)
    return cause.start(cause.amount(3) if amount is None else amount, seed).picture(frame)


def effects(disturbance, frames):
    """What it does to cameras, latency, pictures and commands, in a form that can be compared."""
    pictures = tuple(disturbance.picture(frame).tobytes() for frame in frames)
    return {
        "camera": disturbance.camera(CAMERA),
        "latency": disturbance.latency_s,
        "pictures": pictures,
        "commands": tuple(map(disturbance.control, COMMANDS)),
    }


def test_there_are_25_with_names_of_their_own_and_rising_harm():
    assert len({c.name for c in CORRUPTIONS}) == 25
    for cause in CORRUPTIONS:
        amounts = list(cause.amounts)
        assert len(set(amounts)) == 5
        assert amounts in (sorted(amounts), sorted(amounts, reverse=True)), cause.name
        assert cause.source
        assert f"{amounts[2]:g}" in cause.described(3)


@pytest.mark.parametrize("cause", CORRUPTIONS, ids=lambda c: c.name)
def test_the_document_lists_its_amounts(cause):
    text = (Path(__file__).parent.parent / "docs" / "robustness.md").read_text(encoding="utf-8")
    assert f"\n| `{cause.name}` | {', '.join(f'{amount:g}' for amount in cause.amounts)} | " in text


@pytest.mark.parametrize("cause", CORRUPTIONS, ids=lambda c: c.name)
def test_each_changes_one_thing_and_leaves_the_others(cause, frame):
    frames = [np.roll(frame, shift, 1) for shift in range(30)]
    clean, disturbed = (effects(c.start(c.amount(3), 0), frames) for c in (CLEAN, cause))
    changes = [name for name, effect in disturbed.items() if effect != clean[name]]
    groups = {"camera": ["camera"], "timing": ["latency"], "steering": ["commands"]}
    assert changes == (["pictures"] if cause.name == "dropped-frames" else groups.get(cause.group, ["pictures"]))
    assert all(after.throttle == 0.4 for after in disturbed["commands"])


@pytest.mark.parametrize("name", NEUTRAL)
def test_the_neutral_amount_changes_nothing(name, frame):
    frames = [frame, frame[::-1], frame[:, ::-1]]
    neutral, clean = corruption(name).start(NEUTRAL[name], 1), CLEAN.start(0, 1)
    neutral_effects, clean_effects = effects(neutral, frames), effects(clean, frames)
    cameras = [effect.pop("camera") for effect in (neutral_effects, clean_effects)]
    assert cameras[0].projection() == pytest.approx(cameras[1].projection(), abs=1e-9)
    assert neutral_effects == clean_effects


@pytest.mark.parametrize("cause", PICTURES, ids=lambda c: c.name)
def test_pictures_stay_pictures_and_lose_more_at_each_strength(cause, frame):
    before, losses = frame.copy(), []
    for strength in STRENGTHS:
        picture = cause.start(cause.amount(strength), 0).picture(frame)
        assert (picture.shape, picture.dtype) == (frame.shape, np.uint8)
        losses.append(np.abs(picture.astype(int) - frame).mean())
    assert np.array_equal(frame, before), "the world's own picture"
    assert losses == sorted(losses)
    assert losses[0] > 0.5


@pytest.mark.parametrize("cause", PICTURES, ids=lambda c: c.name)
def test_the_same_seed_gives_the_same_pictures(cause, frame):
    first, again, other = (cause.start(cause.amount(3), seed) for seed in (4, 4, 5))
    drives = [[disturbance.picture(frame).tobytes() for _ in range(3)] for disturbance in (first, again, other)]
    assert drives[0] == drives[1]
    random_each_frame = cause.group == "noise" or cause.name in ("snow", "motion-blur")
    random_each_drive = random_each_frame or cause.name in ("lens-dirt", "sun-glare")
    assert (drives[0] != drives[2]) == random_each_drive
    assert len(set(drives[0])) == (3 if random_each_frame else 1)


def test_noise_has_the_moments_that_its_amount_says():
    grey = np.full((160, 320, 3), 128, np.uint8)
    normal = corrupted("gaussian-noise", grey, 0.1).astype(float)
    assert normal.mean() == pytest.approx(128, abs=0.5)
    assert normal.std() == pytest.approx(25.5, rel=0.02)
    shot = corrupted("shot-noise", grey, 60.0).astype(float)
    assert shot.mean() == pytest.approx(128, abs=0.5)
    assert shot.std() == pytest.approx(255 * math.sqrt(128 / 255 / 60), rel=0.02), "a Poisson variable's"
    impulse = corrupted("impulse-noise", grey, 0.2)
    assert [(impulse == value).mean() for value in (0, 128, 255)] == pytest.approx([0.1, 0.8, 0.1], abs=0.005)


def test_defocus_is_a_disk(frame):
    rows, columns = np.mgrid[-6:7, -6:7]
    disk = (rows**2 + columns**2 <= 36).astype(np.float64)
    reference = cv2.filter2D(frame.astype(np.float64), -1, disk / disk.sum(), borderType=cv2.BORDER_REPLICATE)
    assert np.abs(corrupted("defocus-blur", frame, 6) - reference).max() <= 0.5 + 1e-6


def test_motion_blur_stays_where_it_was_and_draws_out_along_a_flat_line():
    point = np.zeros((160, 320, 3), np.uint8)
    point[80, 160] = 255
    spread = corrupted("motion-blur", point, 8.0)[..., 0].astype(float)
    rows, columns = np.nonzero(spread)
    assert np.average(columns, weights=spread[rows, columns]) == pytest.approx(160, abs=1)
    assert np.ptp(columns) > np.ptp(rows) > 0
    assert np.ptp(columns) > 10


def test_zoom_blur_leaves_the_place_that_the_car_drives_to():
    right, down, depth = CAMERA.projection()[:, 2]
    row, column = int(down / depth), int(right / depth)
    spot, beside = np.zeros((2, 160, 320, 3), np.uint8)
    spot[row - 2 : row + 3, column - 2 : column + 3] = 255
    beside[row, column + 60] = 255
    assert corrupted("zoom-blur", spot, 1.3)[row, column].min() == 255
    columns = np.flatnonzero(corrupted("zoom-blur", beside, 1.3).any((0, 2)))
    assert columns.min() >= column + 58
    assert columns.max() == pytest.approx(column + 60 * 1.3, abs=2)


def test_fog_leaves_5_percent_of_the_contrast_at_its_visibility():
    black = np.zeros((160, 320, 3), np.uint8)
    picture = corrupted("fog", black, 20.0)
    assert (picture[:50] == FOG).all(), "above the horizon"
    below = (CAMERA.height_m, 0.0, 20.0)
    right, down, depth = CAMERA.projection() @ (below[1], below[0], below[2])
    left = 1 - picture[round(down / depth - 0.5), round(right / depth - 0.5)] / np.array(FOG)
    assert left == pytest.approx(0.05, abs=0.02)
    assert (1 - picture[125, 160] / np.array(FOG) > 0.5).all(), "near"


def test_light_changes_as_the_formulas_say():
    frame = np.full((160, 320, 3), (200, 100, 50), np.uint8)
    assert corrupted("brightness", frame, 0.1)[0, 0].tolist() == [226, 113, 56], "the same hue and saturation"
    black = np.zeros_like(frame)
    assert corrupted("brightness", black, 0.1)[0, 0].tolist() == [26, 26, 26]
    darker = ((corrupted("darkness", frame, 1.0)[0, 0] / 255 + 0.055) / 1.055) ** 2.4
    assert darker == pytest.approx(((np.array([200, 100, 50]) / 255 + 0.055) / 1.055) ** 2.4 / 2, rel=0.03)
    warm = corrupted("colour-temperature", np.full_like(frame, 128), 3300.0)[0, 0].astype(int)
    assert warm[0] > warm[1] + 20 > warm[2] + 60
    halves = np.zeros_like(frame)
    halves[:80] = 200
    assert np.unique(corrupted("contrast", halves, 0.25)).tolist() == [75, 125]


def test_compression_keeps_what_its_amount_says(frame):
    coarse = corrupted("pixelation", frame, 0.25)
    assert (coarse.reshape(40, 4, 80, 4, 3) == coarse[::4, ::4].reshape(40, 1, 80, 1, 3)).all()
    errors = [np.abs(corrupted("jpeg", frame, quality).astype(int) - frame).mean() for quality in (7, 95)]
    assert errors[0] > 3 * errors[1]


def test_the_camera_moves_by_the_amount_and_to_both_sides():
    def image_of(camera, right_m, down_m, ahead_m):
        column, row, depth = camera.projection() @ (right_m, down_m, ahead_m)
        return column / depth, row / depth

    def mounted(name, amount, seed=0):
        return corruption(name).start(amount, seed).camera(CAMERA)

    straight = image_of(CAMERA, 0, 0, 1e6)
    for seed in (0, 1):
        column, _ = image_of(mounted("camera-turned", 2, seed), 0, 0, 1e6)
        assert column - straight[0] == pytest.approx(side(seed) * FOCAL_PX * math.tan(math.radians(2)), abs=0.3)
        aside = mounted("camera-moved", 0.2, seed)
        assert aside.lateral_offset_m - CAMERA.lateral_offset_m == pytest.approx(side(seed) * 0.2)
        assert mounted("camera-pitched", 2, seed).pitch_rad - CAMERA.pitch_rad == pytest.approx(
            side(seed) * math.radians(2)
        )
        tilted = mounted("camera-rolled", 4, seed)
        assert tilted.roll_rad - CAMERA.roll_rad == pytest.approx(side(seed) * math.radians(4))
        assert tilted.pitch_rad == pytest.approx(CAMERA.pitch_rad)
    longer, shorter = (mounted("other-lens", 25, seed) for seed in (0, 1))
    assert [lens.focal_px / FOCAL_PX for lens in (longer, shorter)] == pytest.approx([1.25, 0.8])
    assert longer.pitch_rad == pytest.approx(CAMERA.pitch_rad)


def test_a_longer_lens_shows_the_middle_larger(scene):
    def view(amount, scale=1):
        world = CorruptedWorld(LAKE, scene, RoadStretch(820.0, 10.0), corruption("other-lens").start(amount, 0))
        return Image.fromarray(TrackWorld.frame(world, scale=scale))

    large, zoomed = view(0, scale=4), np.asarray(view(60)).astype(int)
    width, height = 1280 / 1.6, 640 / 1.6
    box = (640 - width / 2, 320 - height / 2, 640 + width / 2, 320 + height / 2)
    middle = np.asarray(large.resize((320, 160), Image.Resampling.BOX, box)).astype(int)
    rows = slice(0, 120)  # above the hood, which is drawn over all pictures alike
    assert np.abs(zoomed - middle)[rows].mean() < 0.5 * np.abs(np.asarray(view(0)) - middle)[rows].mean()


def test_a_latency_of_250_ms_really_delays():
    world = CorruptedWorld(LAKE, None, RoadStretch(0.0, 50.0), corruption("latency").start(250, 0))
    world.apply(Control(0.5, 1.0))
    world.step(0.24)
    assert (world.car.steering, world.car.speed_mph) == (0.0, 0.0)
    world.step(0.04)
    assert world.car.steering == 0.5
    assert world.car.speed_mph > 0


def test_lost_pictures_are_the_last_one_again():
    disturbance = corruption("dropped-frames").start(0.4, 0)
    seen = [int(disturbance.picture(np.full((160, 320, 3), number, np.uint8))[0, 0, 0]) for number in range(250)]
    assert all(now in (before, number) for number, (before, now) in enumerate(pairwise(seen), 1))
    assert sum(now != number for number, now in enumerate(seen)) / 250 == pytest.approx(0.4, abs=0.08)
    all_lost = corruption("dropped-frames").start(1.0, 0)
    pictures = [all_lost.picture(np.full((160, 320, 3), number, np.uint8)) for number in range(3)]
    assert [int(picture[0, 0, 0]) for picture in pictures] == [0, 0, 0], "the first one arrives"


def test_the_wheel_has_play():
    disturbance = corruption("wheel-play").start(5.0, 0)  # 0.2 of the 25 degrees

    def wheels(steering):
        return disturbance.control(Control(steering, 0.0)).steering

    assert wheels(0.1) == 0.0, "half of the play on the way to the right"
    assert wheels(0.5) == pytest.approx(0.4)
    assert wheels(0.35) == pytest.approx(0.4), "back inside the play"
    assert wheels(0.3) == pytest.approx(0.4)
    assert wheels(0.2) == pytest.approx(0.3), "all of the play on the way back"


def test_the_wheels_stand_askew_to_either_side():
    right, left = (corruption("wheel-offset").start(5.0, seed) for seed in (0, 1))
    assert right.control(Control(0.1, 0.0)).steering == pytest.approx(0.3)
    assert left.control(Control(0.1, 0.0)).steering == pytest.approx(-0.1)
    assert right.control(Control(0.9, 0.0)).steering == 1.0


def test_the_car_does_what_reaches_its_wheels():
    world = CorruptedWorld(LAKE, None, RoadStretch(0.0, 50.0), corruption("wheel-offset").start(5.0, 0))
    world.apply(Control(0.1, 1.0))
    world.step(0.02)
    assert (world.car.steering, world.car.throttle) == (pytest.approx(0.3), 1.0)


def test_a_wrong_name_gets_the_closest_one():
    with pytest.raises(ValueError, match="did you mean latency"):
        corruption("latncy")
    with pytest.raises(ValueError, match=r"the corruptions are gaussian-noise, .*wheel-offset"):
        corruption("qqqqq")


def test_a_moment_is_a_seed_and_a_number():
    draws = {Moment(*pair).generator().random() for pair in [(0, 0), (0, 1), (1, 0), (1, 1)]}
    assert len(draws) == 4
    assert Moment(3, 7).generator().random() == Moment(3, 7).generator().random()
