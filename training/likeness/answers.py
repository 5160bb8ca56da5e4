"""What driving networks answer to pairs of pictures: a real frame, and the drawn one from the same place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from inference.engine import Engine
from protocol.arrays import Float64Array
from protocol.images import decode_image
from protocol.messages import Frame
from simulator.render.jpeg import jpeg_of
from simulator.replay.agreement import SteeringErrors, agreement


@dataclass(frozen=True, eq=False, slots=True)
class Answers:
    """A model's steering, -1..1, for the real and the drawn frames, (n,) each, and how far they agree.

    errors: of the answers to drawn frames against those to real ones; by_recording: the same of each recording alone.
    """

    real: Float64Array
    drawn: Float64Array
    errors: SteeringErrors
    by_recording: Mapping[str, SteeringErrors]


def as_sent(frame: Frame) -> Frame:
    """A drawn frame as a server gets it: through JPEG, as the real ones went."""
    return decode_image(jpeg_of(frame))


def compare_answers(
    engine: Engine, real_frames: Sequence[Frame], drawn_frames: Sequence[Frame], recordings: Sequence[str]
) -> Answers:
    """Ask a model about all pairs. recordings: the name of each pair's. A model of several frames sees one repeated."""
    real, drawn = (
        np.concatenate([engine.predict(frame[np.newaxis]) for frame in frames]).astype(np.float64).clip(-1, 1)
        for frames in (real_frames, drawn_frames)
    )
    by_recording = {}
    for name in dict.fromkeys(recordings):
        rows = np.array([recording == name for recording in recordings])
        by_recording[name] = agreement(drawn[rows], real[rows]).answers
    return Answers(real, drawn, agreement(drawn, real).answers, by_recording)
