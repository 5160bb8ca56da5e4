"""Rows, targets and parts: smoothing, side cameras, thinning, and that no held-out road is trained on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from protocol.messages import MPS_PER_MPH
from protocol.recording import SESSION_GAP_S, Recording, Sample
from training.data import samples as samples_module
from training.data.road import legs, places_m
from training.data.samples import (
    GUARD,
    HELD_OUT,
    PARTS,
    SIDE_CAMERA_M,
    TRAIN,
    centred_mean,
    correct_steering,
    draw_epoch,
    load_drives,
    load_whole,
)
from training.run.recipe import Recipe

LAP_M = 800.0
SPEED_MPH = 22.0


def road_steering(place: np.ndarray, direction: int) -> np.ndarray:
    """A closed road: a steady left, one sharp right bend at 300 m, one left bend at 500 m, as driven either way."""
    bends = [(300.0, 0.4), (500.0, -0.25)]
    away = [np.abs((place - at + LAP_M / 2) % LAP_M - LAP_M / 2) for at, _ in bends]
    ahead = -0.05 + sum(size * np.exp(-((d / 25) ** 2)) for (_, size), d in zip(bends, away, strict=True))
    return direction * ahead


def drive_round(start: float, direction: int, laps: float, session: int = 0, speed: float = SPEED_MPH):
    """Samples of a car driving round that road, and its true places."""
    step = speed * MPS_PER_MPH * 0.1
    place = (start + direction * np.arange(0, laps * LAP_M, step)) % LAP_M
    steering = road_steering(place, direction)
    times = 10_000.0 * session + 0.1 * np.arange(place.size)
    blank = Path("none.jpg")
    samples = [
        Sample(blank, None, None, float(s), 0.2, 0.0, speed, float(t), session, i + 1)
        for i, (s, t) in enumerate(zip(steering, times, strict=True))
    ]
    return samples, place


def legs_of(recording, samples):
    return legs(recording, samples, np.array([s.time_s for s in samples]))


def apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.abs((a - b + LAP_M / 2) % LAP_M - LAP_M / 2)


def test_places_agree_between_drives_from_other_starts_and_in_the_other_direction():
    there, true_there = drive_round(50, 1, 2.3)
    back, true_back = drive_round(420, -1, 1.2)
    legs = [*legs_of(0, there), *legs_of(1, back)]
    place_there, place_back = places_m(legs, LAP_M)
    shift = 300.0  # place 0 is the sharpest bend
    assert apart(place_there, true_there - shift).max() < 8
    assert apart(place_back, true_back - shift).max() < 8


def test_a_drive_on_another_road_has_no_place():
    there, _ = drive_round(0, 1, 2)
    noise = np.random.default_rng(1).normal(0, 0.3, 800).repeat(3)
    other = [replace(s, steering=float(np.clip(n, -1, 1))) for s, n in zip(there, noise, strict=False)]
    assert places_m([*legs_of(0, there), *legs_of(1, other)], LAP_M)[1] is None


def test_a_drive_that_never_steers_has_no_place():
    there, _ = drive_round(0, 1, 2)
    straight = [replace(s, steering=0.0) for s in there]
    assert places_m(legs_of(0, straight), LAP_M) == [None]
    assert places_m(legs_of(0, straight[:3]), LAP_M) == [None]
    assert places_m([], LAP_M) == []


def test_legs_end_at_standstills_without_the_manoeuvre_beside_them():
    samples, _ = drive_round(0, 1, 1)
    half = len(samples) // 2
    samples = [replace(s, speed_mph=0.0) if half <= i < half + 5 else s for i, s in enumerate(samples)]
    samples = [replace(s, speed_mph=3.0) if half - 3 <= i < half else s for i, s in enumerate(samples)]
    before, after = legs_of(0, samples)
    assert before.rows[-1] < half - 3
    assert after.rows[0] == half + 5


def test_legs_end_where_rows_are_left_out_since_the_car_may_have_turned_there():
    """As a drive that left the road, whose rows the doctor excluded, and came back the other way round."""
    there, true_there = drive_round(50, 1, 2.3)
    back, true_back = drive_round(420, -1, 1.2)
    started_s = there[-1].time_s + SESSION_GAP_S + 0.1
    back = [replace(sample, time_s=started_s + sample.time_s) for sample in back]
    legs = legs_of(0, [*there, *back])
    assert [leg.rows.size for leg in legs] == [len(there), len(back)]
    for place, true in zip(places_m(legs, LAP_M), (true_there, true_back), strict=True):
        assert place is not None
        assert apart(place, true - 300.0).max() < 8


def test_the_centred_mean_keeps_a_constant_and_spreads_a_spike_over_its_window():
    time_s = np.arange(80) * 0.1
    np.testing.assert_allclose(centred_mean(np.full(80, 0.3), time_s, 0.5), 0.3)
    spike = np.zeros(80)
    spike[40] = 1
    result = centred_mean(spike, time_s, 0.4)
    np.testing.assert_allclose(result[37:44], [0, 0.2, 0.2, 0.2, 0.2, 0.2, 0], atol=1e-9)
    np.testing.assert_array_equal(centred_mean(spike, time_s, 0), spike)


@pytest.mark.parametrize("gap_s", [20.0, -20.0])
def test_the_centred_mean_does_not_reach_across_a_gap(gap_s):
    time_s = np.concatenate([np.arange(30) * 0.1, np.arange(30) * 0.1 + 2.9 + gap_s])
    values = np.repeat([-0.5, 0.5], 30)
    np.testing.assert_allclose(centred_mean(values, time_s, 1.0), values)


def test_the_left_camera_asks_for_more_right_by_the_origins_formula():
    center, left, right = correct_steering(np.full(3, 0.1), np.array([0.0, SIDE_CAMERA_M, -SIDE_CAMERA_M]), 0.25)
    assert center == pytest.approx(0.1)
    assert left == pytest.approx(np.arctan(np.tan(0.1) + 0.25))
    assert right == pytest.approx(np.arctan(np.tan(0.1) - 0.25))
    assert right < center < left


def test_corrected_steering_stays_in_range():
    assert np.abs(correct_steering(np.array([1.0, -1.0]), np.array([SIDE_CAMERA_M, -SIDE_CAMERA_M]), 0.25)).max() <= 1


@pytest.fixture
def lap_recording(tmp_path, monkeypatch):
    """Two laps there and one back as `Recording`s, without image files."""

    there, _ = drive_round(0, 1, 2)
    back, _ = drive_round(600, -1, 1.1)
    recordings = {
        "there": Recording(tmp_path / "there", tuple(there), ()),
        "back": Recording(tmp_path / "back", tuple(back), ()),
    }
    monkeypatch.setattr("training.data.samples.read_recording", lambda folder: recordings[folder.name])
    return [Path("there"), Path("back")]


@pytest.fixture
def weaving(monkeypatch):
    """weaving(rows) -> a recording's folder, as `make_recording` makes it but without image files."""

    def make(rows: int) -> Path:
        samples = []
        for i in range(rows):
            images = (Path(f"{camera}_{i}.jpg") for camera in ("center", "left", "right"))
            samples.append(Sample(*images, round(0.5 * np.sin(i / 5), 4), 0.3, 0.0, 15.0, 0.1 * i, 0, i + 1))
        recording = Recording(Path("weaving"), tuple(samples), ())
        monkeypatch.setattr(samples_module, "read_recording", lambda folder: recording)
        return recording.folder

    return make


def test_no_place_is_both_trained_on_and_held_out(lap_recording):
    recipe = replace(Recipe(), held_out_starts_m=(150.0, 420.0), held_out_length_m=60.0, guard_m=20.0)
    drives = load_drives(lap_recording, recipe, LAP_M, 1)
    trained = np.concatenate([d.place_m[d.part == TRAIN] for d in drives])
    held_out = np.concatenate([d.place_m[d.part == HELD_OUT] for d in drives])
    assert held_out.size > 50
    assert trained.size > 300
    assert min(apart(place, trained).min() for place in held_out) >= 20 - 1e-6
    assert all({TRAIN, GUARD, HELD_OUT} == set(d.part) for d in drives)


def test_rows_without_times_are_placed_as_if_evenly_apart(lap_recording, monkeypatch):
    timed = load_drives(lap_recording, Recipe(), LAP_M, 1)
    read = samples_module.read_recording

    def without_times(folder):
        recording = read(folder)
        return replace(recording, samples=tuple(replace(s, time_s=float("nan")) for s in recording.samples))

    monkeypatch.setattr(samples_module, "read_recording", without_times)
    untimed = load_drives(lap_recording, Recipe(), LAP_M, 1)
    for a, b in zip(timed, untimed, strict=True):
        assert apart(a.place_m, b.place_m).max() < 1


def test_without_a_lap_blocks_of_time_are_held_out_with_gaps(weaving):
    (drive,) = load_drives([weaving(700)], Recipe(), None, 1)
    part = drive.part
    assert set(part) == {TRAIN, GUARD, HELD_OUT}
    trained, held_out = np.flatnonzero(part == TRAIN), np.flatnonzero(part == HELD_OUT)
    assert min(np.abs(trained - row).min() for row in held_out) >= 15
    assert 0.1 < held_out.size / part.size < 0.3


def test_a_short_recording_still_has_every_part(make_recording):
    (drive,) = load_drives([make_recording(rows=80)], Recipe(), None, 1)
    assert {TRAIN, HELD_OUT} <= set(drive.part)


def test_an_epoch_thins_straight_rows_and_is_drawn_by_its_number(weaving):
    drives = load_drives([weaving(300)], Recipe(), None, 1)
    recipe = replace(Recipe(), straight_below=0.2, straight_share=0.1, side_camera=0.0)
    paths, targets = draw_epoch(drives, recipe, 1, 0)
    train = drives[0].target[drives[0].part == TRAIN]
    bends = int((np.abs(train) >= 0.2).sum())
    assert (np.abs(targets) >= 0.2).sum() == bends
    assert (np.abs(targets) < 0.2).sum() == round(bends / 9), "a tenth of the epoch"
    again, other = draw_epoch(drives, recipe, 1, 0), draw_epoch(drives, recipe, 1, 1)
    np.testing.assert_array_equal(paths, again[0])
    assert not np.array_equal(paths, other[0])
    assert len(other[0]) == len(paths)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_the_expert_gets_its_share_of_an_epoch_and_people_the_rest(weaving, share):
    (people,) = load_drives([weaving(300)], Recipe(), None, 1)
    expert = replace(people, images=np.char.add("expert/", people.images), by_expert=True)
    recipe = replace(Recipe(), expert_share=share, straight_share=0.9)
    drawn = [set(draw_epoch([people, expert], recipe, 1, epoch)[0]) for epoch in (0, 1, 2)]
    rows = int((people.part == TRAIN).sum())
    for paths in drawn:
        experts = sum(path.startswith("expert/") for path in paths)
        assert experts / len(paths) == pytest.approx(share, abs=0.02)
        assert max(experts, len(paths) - experts) == pytest.approx(rows, abs=2), "as many rows as there can be"
    assert drawn[0] != drawn[1]
    assert len({len(paths) for paths in drawn}) == 1, "each epoch has as many steps"


def test_rows_too_near_in_time_are_not_learned_but_all_are_tested(weaving):
    folder = weaving(300)
    (every,), (few,) = (
        load_drives([folder], replace(Recipe(), rows_apart_s=seconds), None, 1) for seconds in (0.0, 0.25)
    )
    assert np.diff(every.time_s).min() == pytest.approx(0.1)
    assert np.diff(few.time_s[few.part == TRAIN]).min() == pytest.approx(0.3)
    assert (few.part == HELD_OUT).sum() == (every.part == HELD_OUT).sum()
    assert few.unplaced == every.unplaced
    kept = np.isin(every.time_s, few.time_s)
    np.testing.assert_array_equal(every.target[kept], few.target, "labels are smoothed over all rows")


def test_an_epoch_draws_every_camera_with_its_own_target(weaving):
    drives = load_drives([weaving(300)], Recipe(), None, 1)
    paths, targets = draw_epoch(drives, replace(Recipe(), straight_share=0.99, side_camera=0.25), 1, 0)
    by_image = {str(row[c]): (i, c) for i, row in enumerate(drives[0].images) for c in range(3)}
    for path, target in zip(paths, targets, strict=True):
        row, camera = by_image[str(path)]
        assert drives[0].part[row] == TRAIN
        expected = np.arctan(np.tan(drives[0].target[row]) + (0, 0.25, -0.25)[camera])
        assert target == pytest.approx(expected)
    assert {by_image[str(p)][1] for p in paths} == {0, 1, 2}


def test_the_last_epochs_draw_from_all_the_road_but_never_from_a_test(weaving):
    (drive,) = load_drives([weaving(300)], Recipe(), None, 1)
    every = replace(Recipe(), straight_share=0.99)
    centre = {str(path) for path in drive.images[:, 0]}
    for parts in ((TRAIN,), (HELD_OUT,), PARTS):
        drawn = {p for seed in range(12) for p in draw_epoch([drive], every, seed, 0, parts)[0]} & centre
        seen = {int(part) for part, path in zip(drive.part, drive.images[:, 0], strict=True) if path in drawn}
        assert seen == set(parts)


def test_a_recording_can_be_for_one_purpose_whole(make_recording):
    folder = make_recording(rows=40)
    for part in (TRAIN, HELD_OUT):
        (drive,) = load_whole([folder], Recipe(), part)
        assert drive.part.tolist() == [part] * 40


def test_a_recording_of_one_camera_trains_on_it(make_recording):
    drives = load_drives([make_recording(rows=60, cameras=1)], Recipe(), None, 1)
    paths, _ = draw_epoch(drives, Recipe(), 1, 0)
    assert all("center" in path for path in paths)
