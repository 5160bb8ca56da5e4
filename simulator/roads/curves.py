"""Closed curves in the plane, float64 (n, 2), metres: splines, equal spacing, directions and bends."""

from __future__ import annotations

import math

import numpy as np

from protocol.arrays import Float64Array

SPACING_M = 0.5
"""Distance between two points of a centre line."""


def smooth_loop(waypoints: Float64Array, fine: int = 64) -> Float64Array:
    """A closed curve through the waypoints (n, k): a periodic cubic spline with `fine` points between each two.

    Each bend depends on its neighbours' as 1, 4, 1: a circulant system, which Fourier's transform solves.
    """
    count = len(waypoints)
    second = 6 * (np.roll(waypoints, 1, 0) - 2 * waypoints + np.roll(waypoints, -1, 0))
    response = 4 + 2 * np.cos(2 * np.pi * np.arange(count // 2 + 1) / count)
    bend = np.fft.irfft(np.fft.rfft(second, axis=0) / response[:, None], count, axis=0)
    t = (np.arange(fine) / fine)[None, :, None]
    starts, ends = waypoints[:, None], np.roll(waypoints, -1, 0)[:, None]
    bend_here, bend_there = bend[:, None], np.roll(bend, -1, 0)[:, None]
    curve = (1 - t) * starts + t * ends + ((1 - t) ** 3 - (1 - t)) * bend_here / 6 + (t**3 - t) * bend_there / 6
    return np.asarray(curve.reshape(-1, waypoints.shape[1]))


def distances(curve: Float64Array) -> Float64Array:
    """Distance along the curve (n, 2) at each point, and at last that of the whole lap: (n + 1,)."""
    steps = np.hypot(*(np.roll(curve[:, :2], -1, 0) - curve[:, :2]).T)
    return np.concatenate([[0.0], np.cumsum(steps)])


def resample(curve: Float64Array) -> Float64Array:
    """Resample the closed curve (n, k) at equal distances of SPACING_M, or a little less so that they fit its length.

    The first two columns are the plane's; the others, such as heights, are interpolated with them.
    """
    along = distances(curve)
    closed = np.concatenate([curve, curve[:1]])
    places = np.linspace(0, along[-1], math.ceil(along[-1] / SPACING_M), endpoint=False)
    return np.stack([np.interp(places, along, column) for column in closed.T], 1)


def headings(points: Float64Array) -> Float64Array:
    """Direction of the curve at each point, anticlockwise from the x axis."""
    ahead = np.roll(points, -1, 0) - np.roll(points, 1, 0)
    return np.arctan2(ahead[:, 1], ahead[:, 0])


def curvatures(points: Float64Array, spacing_m: float) -> Float64Array:
    """1 / radius in 1 / m at each point, positive to the left."""
    heading = headings(points)
    turn = np.roll(heading, -1) - np.roll(heading, 1)
    return np.asarray(((turn + math.pi) % (2 * math.pi) - math.pi) / (2 * spacing_m))
