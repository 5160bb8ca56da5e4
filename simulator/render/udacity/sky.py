"""Unity's default sky, from the place of the sun: light that air scatters on its way to the eye.

Unity's Skybox/Procedural follows S. O'Neil, Accurate Atmospheric Scattering, GPU Gems 2 (2005), chapter 16; the figures
are its defaults. Lengths are in radii of the planet.
"""

from __future__ import annotations

import numpy as np

from simulator.unity.unity_scene import Floats

INNER, OUTER, EYE_ABOVE = 1.0, 1.025, 0.0001
WAVELENGTHS = np.array((0.65, 0.57, 0.475))
RAYLEIGH, MIE, SUN, EXPOSURE = 0.0025, 0.0010, 20.0, 1.3
SCALE = 1 / (OUTER - INNER)
SCALE_DEPTH = 0.25
GROUND = np.array((0.369, 0.349, 0.341)) ** 2
STEPS = 2
HORIZON_BLEND = 0.02
"""Sine of the angle below the horizon over which the sky passes into the ground's colour."""

AZIMUTHS, ELEVATIONS = 36, np.radians((-12, -4, -2, -1, 0, 0.5, 1, 2, 3, 4, 6, 8, 11, 14, 18, 23, 30, 40, 60, 90))
"""Where the dome has corners."""


def sky_color(rays: Floats, to_sun: tuple[float, float, float]) -> Floats:
    """Colour of the sky 0..1, float32 (n, 3). rays: unit vectors (n, 3), z up; to_sun: unit vector."""
    rays = np.asarray(rays, np.float64)
    up = rays[:, 2:]
    weight_per_wave = 1 / WAVELENGTHS**4
    extinction = 4 * np.pi * (weight_per_wave * RAYLEIGH + MIE)
    sun = np.asarray(to_sun, np.float64)
    above = _scatter(np.where(up >= 0, rays, rays * (1, 1, 0)), sun, extinction)
    cosine = rays @ sun
    sky = EXPOSURE * above * weight_per_wave * RAYLEIGH * SUN * (0.75 + 0.75 * cosine**2)[:, None]
    share = (-up / HORIZON_BLEND).clip(0, 1)
    below = _ground(np.where(up < 0, rays, rays * (1, 1, 0)), sun, extinction, weight_per_wave)
    return np.sqrt((1 - share) * sky + share * below).clip(0, 1).astype(np.float32)


def dome(to_sun: tuple[float, float, float]) -> tuple[Floats, Floats, np.ndarray]:
    """A dome of radius 1: corners (n, 3), their colours 0..1 (n, 3), triangles (m, 3)."""
    azimuth = np.linspace(0, 2 * np.pi, AZIMUTHS + 1)
    around, high = (grid.ravel() for grid in np.meshgrid(azimuth, ELEVATIONS))
    rays = np.stack([np.cos(high) * np.cos(around), np.cos(high) * np.sin(around), np.sin(high)], 1).astype(np.float32)
    first = (np.arange(len(ELEVATIONS) - 1)[:, None] * (AZIMUTHS + 1) + np.arange(AZIMUTHS)).ravel()
    over = first + AZIMUTHS + 1
    corners = np.stack([first, first + 1, over + 1, first, over + 1, over], 1).reshape(-1, 3)
    return rays, sky_color(rays, to_sun), corners.astype(np.uint32)


def _depth_of(cosine: np.ndarray) -> np.ndarray:
    """How much air a ray meets on its way out, by the cosine of its angle to the vertical: O'Neil's fit."""
    x = 1 - cosine
    return SCALE_DEPTH * np.exp(-0.00287 + x * (0.459 + x * (3.83 + x * (-6.80 + x * 5.25))))


def _scatter(rays: np.ndarray, sun: np.ndarray, extinction: np.ndarray) -> np.ndarray:
    """Light that the air along rays that look up sends to the eye, (n, 3)."""
    eye = np.array((0, 0, INNER + EYE_ABOVE))
    up = rays[:, 2]
    far = np.sqrt(OUTER**2 + INNER**2 * up**2 - INNER**2) - INNER * up
    start = np.exp(-SCALE / SCALE_DEPTH * EYE_ABOVE) * _depth_of(up)
    step = far / STEPS
    light = np.zeros((len(rays), 3))
    for number in range(STEPS):
        place = eye + rays * (step * (number + 0.5))[:, None]
        height = np.linalg.norm(place, axis=1)
        depth = np.exp(SCALE / SCALE_DEPTH * (INNER - height))
        to_light, to_eye = place @ sun / height, (place * rays).sum(1) / height
        met = (start + depth * (_depth_of(to_light) - _depth_of(to_eye))).clip(0, 50)
        light += np.exp(-met[:, None] * extinction) * (depth * step * SCALE)[:, None]
    return light


def _ground(rays: np.ndarray, sun: np.ndarray, extinction: np.ndarray, weight_per_wave: np.ndarray) -> np.ndarray:
    """The ground's colour through the air before it, along rays that look down, (n, 3)."""
    far = -EYE_ABOVE / np.minimum(-0.001, rays[:, 2])
    eye = np.array((0, 0, INNER + EYE_ABOVE))
    end = eye + rays * far[:, None]
    depth = np.exp(-EYE_ABOVE * SCALE / SCALE_DEPTH)
    to_eye, to_light = (-rays * end).sum(1), end @ sun
    start = depth * _depth_of(to_eye)
    both = _depth_of(to_light) + _depth_of(to_eye)
    step = far / STEPS
    light = np.zeros((len(rays), 3))
    attenuation = np.ones((len(rays), 3))
    for number in range(STEPS):
        place = eye + rays * (step * (number + 0.5))[:, None]
        height = np.linalg.norm(place, axis=1)
        here = np.exp(SCALE / SCALE_DEPTH * (INNER - height))
        attenuation = np.exp(-(here * both - start).clip(0, 50)[:, None] * extinction)
        light += attenuation * (here * step * SCALE)[:, None]
    into = light * (weight_per_wave * RAYLEIGH * SUN + MIE * SUN)
    return EXPOSURE * (into + GROUND * attenuation.clip(0, 1))
