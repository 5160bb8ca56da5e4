"""Searches the pixels that a network wants: a coarse search over usual ones, then a finer one around the best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from models.identify.candidates import Candidate, coarse, rarity, usual, variations
from models.identify.evidence import DELAYS, AnswerAgreement, Evidence, Numbers, agreement, correlation
from models.identify.network import PixelNetwork
from models.preprocessing.graph import Graph
from models.preprocessing.written import read_written

BATCH = 64
FINALISTS = 8
MOST_COLOURS = 4
"""Frames in so many colours are kept; each takes 75 MB."""

WORTH = 0.002
"""Another choice replaces the best only if its score is higher by so much."""

DEGREES = 25.0
"""A network that answers in degrees answers up to 25, the simulator's full lock."""

FINE_TRIES = 50
"""About as many tries follow the coarse ones; for the progress bar."""

FACTORS = {"": 1.0, "steer=-1": -1.0, "steer=1/25": 1 / DEGREES, "steer=-1/25": -1 / DEGREES}


@dataclass(frozen=True, slots=True)
class Try:
    """One preprocessing with what it led to. factor: what the answers were multiplied by, as text."""

    candidate: Candidate
    output: int
    factor: str
    agreement: AnswerAgreement
    coarse: bool

    @property
    def score(self) -> float:
        """What the search makes as large as possible: of two that agree alike, the more usual one is preferred."""
        return self.agreement.score - rarity(self.candidate)

    def text(self, outputs: int) -> str:
        """The whole text for --preprocess, for a network with so many numbers in its answer."""
        parts = (self.candidate.text or "rows=0:160", self.factor, f"output={self.output}" if outputs > 1 else "")
        return ", ".join(filter(None, parts))


class Search:
    """Tries pixels on one network. report: is called after each try.

    `tries`: all tries so far. `outputs`: numbers in the network's answer.
    """

    def __init__(self, network: PixelNetwork, evidence: Evidence, report: Callable[[], object]) -> None:
        self.tries: list[Try] = []
        self.outputs = network.outputs
        self._network = network
        self._evidence = evidence
        self._coarse_evidence = evidence.one_of_each()
        self._report = report
        self._by_colour: dict[str, npt.NDArray[np.uint8]] = {}
        self._pixels: tuple[tuple[str, int], npt.NDArray[np.float32]] | None = None

    def run(self) -> Try:
        """Search and return the best try on all frames."""
        for group in coarse(self._network.shape, self._network.scales):
            for candidate in group:
                self._try(candidate, self._coarse_evidence)
        best = self._try(usual(self._network.shape, self._network.scales), self._evidence)
        best = self._better(best, [one.candidate for one in self._distinct(FINALISTS)])
        for _ in range(2):
            before = best
            for vary in variations(self._network.scales):
                best = self._better(best, vary(best.candidate))
            if best is before:
                break
        return best

    def runner_up(self, best: Try) -> Try | None:
        """The best of the tries on all frames that show the network something else."""
        others = [one for one in self.tries if not one.coarse and not one.candidate.is_like(best.candidate)]
        return max(others, key=lambda one: one.score, default=None)

    def delay(self, best: Try) -> tuple[int, float]:
        """By how many rows the log's steering lies behind its pictures, by the best try; and the correlation then."""
        answers = self._answers(best.candidate, self._evidence)[:, best.output] * FACTORS[best.factor]
        counts = np.bincount(self._evidence.stretch)
        means = np.bincount(self._evidence.stretch, np.clip(np.nan_to_num(answers), -1.0, 1.0)) / counts
        correlations = [correlation(means, means_later) for means_later in self._evidence.means_by_delay.T]
        place = int(np.argmax(correlations))
        return DELAYS[place], correlations[place]

    def _better(self, best: Try, group: Sequence[Candidate]) -> Try:
        for candidate in group:
            if any(one.candidate == candidate and not one.coarse for one in self.tries):
                continue
            one = self._try(candidate, self._evidence)
            if one.score > best.score + WORTH:
                best = one
        return best

    def _distinct(self, count: int) -> list[Try]:
        """The best coarse tries that are not like each other."""
        finalists: list[Try] = []
        for one in sorted(self.tries, key=lambda one: -one.score):
            if len(finalists) < count and not any(one.candidate.is_like(other.candidate) for other in finalists):
                finalists.append(one)
        return finalists

    def _try(self, candidate: Candidate, evidence: Evidence) -> Try:
        answers = self._answers(candidate, evidence)
        is_coarse = evidence is not self._evidence
        options = [
            Try(candidate, output, factor, agreement(answers[:, output] * number, evidence), is_coarse)
            for output in range(self.outputs)
            for factor, number in FACTORS.items()
            if abs(number) == 1.0 or np.abs(answers[:, output]).max() > 2.0
        ]
        # A mirrored answer or one in degrees must be clearly better than the plain one.
        best = max(options, key=lambda one: one.score - 0.1 * (one.factor != ""))
        self.tries.append(best)
        self._report()
        return best

    def _answers(self, candidate: Candidate, evidence: Evidence) -> Numbers:
        """The network's answers, (n, outputs). Candidates that differ in the scaling alone share their pixels."""
        key = (candidate.pixels, len(evidence.frames))
        if self._pixels is None or self._pixels[0] != key:
            frames = self._coloured(candidate.colour)[evidence.numbers]
            self._pixels = (key, _in_batches(_prepare(candidate.shape), frames))
        scale = _prepare(candidate.scale)
        return _in_batches(lambda pixels: self._network.answers(np.asarray(scale(pixels))), self._pixels[1])

    def _coloured(self, colour: str) -> npt.NDArray[np.uint8]:
        """All frames in this colour, as bytes: a colour is converted once, since that takes longer than the network."""
        if colour not in self._by_colour:
            if len(self._by_colour) == MOST_COLOURS:
                del self._by_colour[next(iter(self._by_colour))]
            convert = _prepare(f"colour={colour}")
            frames = self._evidence.frames
            self._by_colour[colour] = _in_batches(convert, frames).astype(np.uint8)
        return self._by_colour[colour]


def _prepare(text: str) -> Callable[[Any], Any]:
    """The steps of a preprocessing as a function of arrays; tracing it would take longer than computing it once."""

    def prepare(x: Any) -> Any:
        graph = Graph(x)
        for step in read_written(text).steps:
            step.extend(graph)
        return keras.ops.cast(graph.x, "float32")

    return prepare


def _in_batches(function: Callable[[Any], Any], values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.concatenate([np.asarray(function(values[i : i + BATCH])) for i in range(0, len(values), BATCH)])
