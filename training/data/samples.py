"""Recordings become rows with a steering target, a place on the road and a part: train, held out, or guard.

A model must be tested on what it has not seen, but neighbouring rows look the same, and so do other laps. So whole
stretches of road are held out, with a guard on both sides, on every lap, in every direction and recording. Where the
lap is unknown, blocks of time are held out: other laps then show the same road, and the figures flatter. Stretches
share something with the rest, too: far scenery, drivers, the car and the road's look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from protocol.arrays import Float64Array
from protocol.recording import SESSION_GAP_S, Recording, read_recording, row_times_s
from protocol.unbroken import STANDSTILL_MPH
from simulator.render.camera import RECORDING
from simulator.replay.view import CAMERAS
from training.data.road import legs, places_m
from training.run.recipe import Recipe

TRAIN, GUARD, HELD_OUT = PARTS = 0, 1, 2
"""The parts of the rows; guards are neither learned nor tested."""

BLOCK_S, BLOCKS, GUARD_S = 12.0, 5, 1.5
"""Without places, the third of every five blocks of 12 s is held out, with guards of 1.5 s."""

MEAN_S = 1.0
"""Signals are also compared by means over this time, which show the intention of a driver who steers in bursts."""

SIDE_CAMERA_M = (RECORDING.left.lateral_offset_m - RECORDING.right.lateral_offset_m) / 2
"""A side camera's distance from the middle; both are corrected alike, though one is 2 cm further out."""

CAMERAS_LEFT_M = np.array([0.0, SIDE_CAMERA_M, -SIDE_CAMERA_M])


@dataclass(frozen=True, slots=True)
class Drive:
    """The usable rows of one recording, as columns of equal length.

    images: paths (n, 3) of the centre, left and right image, '' where there is none. time_s: by the recorder's clock.
    steering: as recorded, -1..1; target: the same, smoothed by the recipe.
    place_m: place on the lap, nan where unknown. stretch: number of the nearest held-out stretch or block.
    part: TRAIN, GUARD or HELD_OUT. unplaced: rows left out because they fit nowhere on the lap or stood still.
    by_expert: whether the built-in expert steers, not a person.
    """

    name: str
    images: npt.NDArray[np.str_]
    time_s: Float64Array
    steering: Float64Array
    target: Float64Array
    place_m: Float64Array
    stretch: npt.NDArray[np.intp]
    part: npt.NDArray[np.intp]
    unplaced: int
    by_expert: bool = False


def load_drives(folders: Sequence[Path], recipe: Recipe, lap_m: float | None, seed: int) -> list[Drive]:
    """Read recordings and split their rows. lap_m: length of the lap that all of them drive, None if unknown.

    seed: decides the recipe's random split, if it has one. Raises RecordingError for a folder that is no recording.
    """
    if recipe.held_out_share is not None:
        return _split_randomly(load_whole(folders, recipe, TRAIN), recipe.held_out_share, seed)
    recordings = [read_recording(folder) for folder in folders]
    if lap_m is None:
        return [_split_by_time(recording, recipe) for recording in recordings]
    return _split_by_place(recordings, recipe, lap_m)


def load_whole(folders: Sequence[Path], recipe: Recipe, part: int, by_expert: bool = False) -> list[Drive]:
    """Read recordings of which all rows have one part: TRAIN (other roads) or HELD_OUT (other drivers).

    by_expert: whether the built-in expert steers in them. Raises RecordingError for a folder that is no recording.
    """
    drives = []
    for folder in folders:
        recording = read_recording(folder)
        moving = np.array([s.speed_mph > STANDSTILL_MPH for s in recording.samples])
        outside = np.full((moving.size, 1), 0.0 if part == HELD_OUT else np.inf)
        drive = _make_drive(recording, recipe, np.full(moving.size, np.nan), outside, 0.0, moving)
        drives.append(replace(drive, by_expert=by_expert))
    return drives


def centred_mean(values: Float64Array, time_s: Float64Array, window_s: float) -> Float64Array:
    """Average (n,) values over a centred window of time, which narrows at the ends of a drive and never spans a gap."""
    jumps = np.diff(time_s)
    pieces = np.split(np.arange(values.size), np.flatnonzero((jumps < 0) | (jumps > SESSION_GAP_S)) + 1)
    result = np.empty_like(values)
    for rows in pieces:
        t, total = time_s[rows], np.concatenate([[0.0], np.cumsum(values[rows])])
        half = np.minimum(window_s / 2, np.minimum(t - t[0], t[-1] - t)) + 1e-6
        first, end = np.searchsorted(t, t - half), np.searchsorted(t, t + half, side="right")
        result[rows] = (total[end] - total[first]) / (end - first)
    return result


def correct_steering(steering: Any, left_m: Any, side_camera: float) -> Float64Array:
    """Correct the steering, -1..1, for a view from `left_m` to the left of the car's middle: it steers back right.

    For side cameras this is the study's arctan(tan(angle) +- side_camera); other places are in proportion.
    """
    back = np.arctan(np.tan(steering) + side_camera / SIDE_CAMERA_M * left_m)
    return np.clip(back, -1.0, 1.0)


def draw_epoch(
    drives: Sequence[Drive], recipe: Recipe, seed: int, epoch: int, parts: Sequence[int] = (TRAIN,)
) -> tuple[npt.NDArray[np.str_], Float64Array]:
    """Draw one epoch's image paths and targets, (n,) each: thin the straight rows, shuffle, draw each row's camera.

    parts: those of the rows to draw from. The same seed and epoch give the same draw on any machine.
    """
    rng = np.random.default_rng((seed, epoch))
    masks = [np.isin(drive.part, parts) for drive in drives]
    images = np.concatenate([drive.images[rows] for drive, rows in zip(drives, masks, strict=True)])
    target = np.concatenate([drive.target[rows] for drive, rows in zip(drives, masks, strict=True)])
    if recipe.expert_share is None:
        order = _thin_straight(np.arange(target.size), target, recipe, rng)
    else:
        by_expert = np.concatenate([np.full(rows.sum(), d.by_expert) for d, rows in zip(drives, masks, strict=True)])
        people, expert = (_thin_straight(np.flatnonzero(rows), target, recipe, rng) for rows in (~by_expert, by_expert))
        total = min(people.size / (1 - recipe.expert_share), expert.size / recipe.expert_share)
        shares = people[: int(total * (1 - recipe.expert_share))], expert[: int(total * recipe.expert_share)]
        order = rng.permutation(np.concatenate(shares))
    if recipe.steps is not None and TRAIN in parts and order.size:
        order = rng.choice(order, recipe.steps * recipe.batch)
    side = (1 - recipe.centre_share) / 2
    camera = rng.choice(3, order.size, p=[recipe.centre_share, side, side])
    camera[images[order, camera] == ""] = 0
    return images[order, camera], correct_steering(target[order], CAMERAS_LEFT_M[camera], recipe.side_camera)


def _thin_straight(
    rows: npt.NDArray[np.intp], target: Float64Array, recipe: Recipe, rng: np.random.Generator
) -> npt.NDArray[np.intp]:
    """Leave out so many of the straight ones of these rows that the recipe's share is left, and shuffle."""
    is_straight = np.abs(target[rows]) < recipe.straight_below
    straight, bends = rng.permutation(rows[is_straight]), rows[~is_straight]
    share = recipe.straight_share / (1 - recipe.straight_share)
    straight_count = round(bends.size * share if recipe.straight_kept is None else straight.size * recipe.straight_kept)
    return rng.permutation(np.concatenate([bends, straight[:straight_count]]))


def _split_randomly(drives: Sequence[Drive], share: float, seed: int) -> list[Drive]:
    """Hold out a share of all rows together."""
    sizes = [drive.part.size for drive in drives]
    part = np.full(sum(sizes), TRAIN)
    part[np.random.default_rng(seed).permutation(part.size)[: round(share * part.size)]] = HELD_OUT
    pieces = np.split(part, np.cumsum(sizes)[:-1])
    return [replace(drive, part=piece) for drive, piece in zip(drives, pieces, strict=True)]


def _apart(time_s: Float64Array, seconds: float) -> npt.NDArray[np.bool_]:
    """Mark rows so that each is at least so many seconds from the marked one before it."""
    marks, last_s = np.zeros(time_s.size, bool), -np.inf
    for row, now_s in enumerate(time_s):
        if not 0 <= now_s - last_s < seconds - 1e-6:
            marks[row], last_s = True, now_s
    return marks


def _split_by_place(recordings: Sequence[Recording], recipe: Recipe, lap_m: float) -> list[Drive]:
    all_legs = [
        leg
        for number, recording in enumerate(recordings)
        for leg in legs(number, recording.samples, row_times_s(recording.samples))
    ]
    places = [np.full(len(recording.samples), np.nan) for recording in recordings]
    for leg, place in zip(all_legs, places_m(all_legs, lap_m), strict=True):
        if place is not None:
            places[leg.recording][leg.rows] = place
    starts = np.array(recipe.held_out_starts_m) % lap_m
    drives = []
    for recording, place in zip(recordings, places, strict=True):
        past = (place[:, None] - starts) % lap_m
        outside = np.maximum(0, np.minimum(past - recipe.held_out_length_m, lap_m - past))
        drives.append(_make_drive(recording, recipe, place, outside, recipe.guard_m, ~np.isnan(place)))
    return drives


def _split_by_time(recording: Recording, recipe: Recipe) -> Drive:
    time_s = row_times_s(recording.samples)
    first, last = time_s.min(), time_s.max()
    middles = np.arange(first + 2.5 * BLOCK_S, last + BLOCK_S, BLOCKS * BLOCK_S)
    if last - first < 3 * BLOCK_S:
        middles = np.array([(first + last) / 2])
    half = min(BLOCK_S, (last - first) / BLOCKS) / 2
    outside = np.maximum(0, np.abs(time_s[:, None] - middles) - half)
    everything = np.ones(time_s.size, bool)
    return _make_drive(recording, recipe, np.full(time_s.size, np.nan), outside, GUARD_S, everything)


def _make_drive(
    recording: Recording,
    recipe: Recipe,
    place: Float64Array,
    outside: Float64Array,
    guard: float,
    usable: npt.NDArray[np.bool_],
) -> Drive:
    """Make a Drive. outside: (n, stretches) distance of each row from each held-out stretch, 0 inside; usable: (n,)."""
    samples, time_s = recording.samples, row_times_s(recording.samples)
    steering = np.array([s.steering for s in samples], np.float64)
    unplaced = int((~usable).sum())
    nearest = np.min(outside, axis=1)
    part = np.where(nearest == 0, HELD_OUT, np.where(nearest < guard, GUARD, TRAIN))
    if recipe.rows_apart_s:
        usable = usable & ((part == HELD_OUT) | _apart(time_s, recipe.rows_apart_s))
    images = np.array([[str(getattr(s, camera) or "") for camera in CAMERAS] for s in samples])
    return Drive(
        recording.folder.resolve().name,
        images[usable],
        time_s[usable],
        steering[usable],
        centred_mean(steering, time_s, recipe.smooth_s)[usable] if recipe.smooth_s else steering[usable],
        place[usable],
        np.argmin(outside, axis=1)[usable],
        part[usable],
        unplaced,
    )
