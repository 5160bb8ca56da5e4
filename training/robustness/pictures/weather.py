"""Weather, and what it leaves on the lens: fog, snow, dirt, a low sun."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from protocol.messages import FRAME_COLUMNS, FRAME_ROWS, Frame
from simulator.render.camera import AUTONOMOUS, CAMERA_AHEAD_M
from simulator.render.weather.rays import View
from training.robustness.corruption import Moment

Weights = npt.NDArray[np.uint16]

ONE = 256
"""What stands for 1 in weights, so that the pictures are the same on every machine."""

FOG, SNOW, DIRT, SUN = (205, 208, 212), (248, 249, 252), (92, 80, 62), (255, 246, 222)

LEAST_CONTRAST = 0.05
"""Share of a thing's contrast that is left at the meteorological visibility (WMO-No. 8, 2018, chapter 9)."""

DIRT_GRAIN_PX, DIRT_EDGE, DIRT_COVER = 14, 0.2, 0.92
"""Size of the patches of dirt, how softly they end, and what share of the light the thickest dirt holds back."""


def fog(frame: Frame, amount: float, moment: Moment) -> Frame:
    """Veil what is far (Koschmieder, 1924). amount: the visibility in metres.

    Distances are those of a level road; whatever reaches above the horizon counts as far.
    """
    return _mixed(frame, _fog(amount), FOG)


def snow(frame: Frame, amount: float, moment: Moment) -> Frame:
    """Let flakes fall between camera and road; each frame has other ones. amount: how many are in the picture."""
    generator = moment.generator()
    count = round(amount)
    mask = Image.new("L", (FRAME_COLUMNS, FRAME_ROWS))
    pencil = ImageDraw.Draw(mask)
    nearness = generator.random(count) ** 3
    places = generator.random((count, 2)) * (FRAME_COLUMNS, FRAME_ROWS)
    angle = math.radians(90) + generator.normal(0, 0.25, count) + generator.uniform(-0.5, 0.5)
    length = 2 + 12 * nearness
    ends = places + length[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    light = (130 + 110 * generator.random(count)).astype(int).tolist()
    width = (1 + 2.5 * nearness).astype(int).tolist()
    for number, (start, end) in enumerate(zip(places.tolist(), ends.tolist(), strict=True)):
        pencil.line((*start, *end), light[number], width[number])
    weight = np.asarray(mask.filter(ImageFilter.BoxBlur(0.6))).astype(np.uint16)
    return _mixed(frame, weight, SNOW)


def lens_dirt(frame: Frame, amount: float, moment: Moment) -> Frame:
    """Cover parts of the lens with dirt, the same ones all drive long. amount: the covered share of the picture."""
    return _mixed(frame, _dirt(amount, moment.seed), DIRT)


def sun_glare(frame: Frame, amount: float, moment: Moment) -> Frame:
    """Let a low sun shine into the lens, at one place all drive long. amount: its light there, as a share of white."""
    return _mixed(frame, _glare(amount, moment.seed), SUN)


def _mixed(frame: Frame, weight: Weights, colour: tuple[int, int, int]) -> Frame:
    """Mix a colour into the picture. weight: (160, 320), 0 to ONE."""
    share = weight[..., None].astype(np.uint16)
    mixture = frame * (ONE - share) + np.array(colour, np.uint16) * share
    return ((mixture + ONE // 2) // ONE).astype(np.uint8)


@lru_cache(maxsize=8)
def _fog(visibility_m: float) -> Weights:
    view = View(AUTONOMOUS.center, CAMERA_AHEAD_M, 1)
    ahead_m, left_m = view.road(view.rays())
    distance_m = np.hypot(ahead_m - CAMERA_AHEAD_M, left_m)
    clear = np.exp(math.log(LEAST_CONTRAST) * distance_m / visibility_m)
    return np.rint(ONE * (1 - clear)).astype(np.uint16)


@lru_cache(maxsize=8)
def _dirt(share: float, seed: int) -> Weights:
    """Patches: smooth noise where it is higher than that of the share that stays clear."""
    cells = (math.ceil(FRAME_ROWS / DIRT_GRAIN_PX), math.ceil(FRAME_COLUMNS / DIRT_GRAIN_PX))
    grain = Image.fromarray(np.random.default_rng(seed).random(cells, np.float32))
    smooth = np.asarray(grain.resize((FRAME_COLUMNS, FRAME_ROWS), Image.Resampling.BICUBIC))
    order = smooth.ravel().argsort(kind="stable").argsort(kind="stable").reshape(smooth.shape) / smooth.size
    thickness = ((order - (1 - share)) / DIRT_EDGE).clip(0, 1)
    return np.rint(ONE * DIRT_COVER * thickness).astype(np.uint16)


@lru_cache(maxsize=8)
def _glare(amount: float, seed: int) -> Weights:
    """A bright disk, its halo, and a veil over the whole picture."""
    generator = np.random.default_rng(seed)
    column, row = generator.uniform(0.2, 0.8) * FRAME_COLUMNS, generator.uniform(0.1, 0.3) * FRAME_ROWS
    rows, columns = np.mgrid[0:FRAME_ROWS, 0:FRAME_COLUMNS]
    distance = np.hypot(rows + 0.5 - row, columns + 0.5 - column)
    light = amount * (0.35 * np.exp(-((distance / 26) ** 2)) + 0.4 * np.exp(-distance / 110) + 0.25)
    return np.rint(ONE * light.clip(0, 1)).astype(np.uint16)
