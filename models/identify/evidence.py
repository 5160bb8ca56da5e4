"""Frames of recordings with the steering of their driver, in stretches of one second, and how well answers agree.

A keyboard driver steers in taps, a network smoothly: one second's means of both can be compared, single frames hardly.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from protocol.images import decode_image
from protocol.messages import Frame
from protocol.recording import Sample, read_recording, row_times_s

STRETCH_S = 1.0
STRETCHES = 120
FRAMES_OF_STRETCH = 2
DELAYS = range(-3, 11)
"""Rows by which a log's steering may lie behind its picture; a negative delay lies ahead of it."""

SIZE_PENALTY = 0.1
"""For each factor of two beyond the first."""

OFFSET_PENALTY, FREE_OFFSET = 0.1, 0.5

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Evidence:
    """frames: uint8 (n, 160, 320, 3), evenly spread over each stretch; stretch: its number for each frame, (n,).

    human: the driver's steering at each frame, (n,). means: the driver's mean over each stretch, (stretches,), from
    every row. numbers: of the frames among all that were read. means_by_delay: the driver's means so many rows later,
    (stretches, DELAYS).
    """

    frames: npt.NDArray[np.uint8]
    stretch: npt.NDArray[np.int64]
    human: Numbers
    means: Numbers
    numbers: npt.NDArray[np.int64]
    means_by_delay: Numbers

    def one_of_each(self) -> Evidence:
        """One frame from within each stretch, for a coarse search."""
        numbers = self.numbers[FRAMES_OF_STRETCH // 2 :: FRAMES_OF_STRETCH]
        frames, stretch, human = self.frames[numbers], self.stretch[numbers], self.human[numbers]
        return Evidence(frames, stretch, human, self.means, numbers, self.means_by_delay)


@dataclass(frozen=True, slots=True)
class AnswerAgreement:
    """How answers agree with the driver. correlation: of one second's means; raw: of single frames.

    size: deviation of the answers' means, divided by the driver's. offset: difference of both averages, divided by it.
    """

    correlation: float
    raw: float
    size: float
    offset: float

    @property
    def score(self) -> float:
        """The correlation, less a penalty for answers far larger, smaller or more one-sided than any driver's.

        Drivers of one road differ by a factor of two in size, so that much says nothing.
        """
        size = max(0.0, abs(math.log2(max(self.size, 1e-6))) - 1.0)
        return self.correlation - SIZE_PENALTY * size - OFFSET_PENALTY * max(0.0, self.offset - FREE_OFFSET)


def agreement(answers: Numbers, evidence: Evidence) -> AnswerAgreement:
    """Compare answers, (n,), limited to -1..1 as in a drive, with the evidence's driver."""
    answers = np.clip(np.nan_to_num(answers), -1.0, 1.0)
    counts = np.bincount(evidence.stretch)
    means = np.bincount(evidence.stretch, answers) / counts
    deviation = evidence.means.std()
    offset = float(abs(means.mean() - evidence.means.mean()) / deviation)
    raw = correlation(answers, evidence.human)
    return AnswerAgreement(correlation(means, evidence.means), raw, float(means.std() / deviation), offset)


def correlation(a: Numbers, b: Numbers) -> float:
    """Pearson's correlation; 0 where one side never varies."""
    deviations = a.std() * b.std()
    return float(np.mean((a - a.mean()) * (b - b.mean())) / deviations) if deviations > 1e-9 else 0.0


def read_evidence(recordings: Sequence[Path], stretches: int = STRETCHES) -> Evidence:
    """Choose stretches evenly from the recordings and decode their frames, once for all tries.

    Raises RecordingError, and ValueError where the recordings are too short or their driver never steers.
    """
    candidates = [stretch for folder in recordings for stretch in _stretches(_sessions(read_recording(folder).samples))]
    if len(candidates) < 10:
        raise ValueError(f"the recordings have {len(candidates)} s of driving; at least 10 s are needed")
    numbers = np.unique(np.linspace(0, len(candidates) - 1, min(stretches, len(candidates))).round().astype(int))
    sample = [candidates[number] for number in numbers]
    frames: list[Frame] = []
    human: list[float] = []
    for session, first, end in sample:
        for place in np.linspace(first, end - 1, FRAMES_OF_STRETCH).round().astype(int):
            frames.append(decode_image(session[place].center.read_bytes()))
            human.append(session[place].steering)
    means_by_delay = np.array([[_mean(stretch, rows) for rows in DELAYS] for stretch in sample])
    means = means_by_delay[:, DELAYS.index(0)]
    if means.std() < 1e-3:
        raise ValueError("the recordings' driver hardly steers: nothing can be compared")
    stretch = np.repeat(np.arange(len(sample)), FRAMES_OF_STRETCH)
    return Evidence(np.stack(frames), stretch, np.array(human), means, np.arange(len(frames)), means_by_delay)


Stretch = tuple[Sequence[Sample], int, int]
"""A session's samples, and the first of the stretch and the first after it."""


def _sessions(samples: Sequence[Sample]) -> list[list[Sample]]:
    return [list(session) for _, session in groupby(samples, key=lambda sample: sample.session)]


def _stretches(sessions: Sequence[Sequence[Sample]]) -> Iterator[Stretch]:
    """Each session in stretches of about a second, of at least four rows."""
    for session in sessions:
        times_s = row_times_s(session)
        numbers = ((times_s - times_s[0]) / STRETCH_S + 1e-6).astype(int)  # file names have milliseconds
        bounds = [0, *np.flatnonzero(np.diff(numbers)) + 1, len(session)]
        yield from ((session, first, end) for first, end in pairwise(bounds) if end - first >= 4)


def _mean(stretch: Stretch, later: int) -> float:
    """The driver's mean over a stretch so many rows later, as far as the session goes."""
    session, first, end = stretch
    places = np.clip(np.arange(first, end) + later, 0, len(session) - 1)
    return float(np.mean([session[place].steering for place in places]))
