"""Compares a converted file's answers with the model's, on the golden frame and on noise, and times both."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from models.card import golden_frame
from models.interpreter import open_interpreter
from protocol.messages import FRAME_SHAPE

Array = npt.NDArray[Any]
Inputs = tuple[Array, ...]
"""What one answer is made of: frames, uint8 (1, 160, 320, 3) or a stack of them, and maybe measurements (1, 3)."""

Answer = Callable[[Inputs], Array]

ONNX_TYPES = {"uint8": "tensor(uint8)", "float32": "tensor(float)"}
NOISE_FRAMES, TIMED_CALLS = 4, 30

CONFIDENCE_LEEWAY = 4.0
"""A confidence may differ by so many times as much as the steering: it only says how fast to drive."""


def trial_inputs(model: Any) -> list[Inputs]:
    """The golden frame, and noise of increasing brightness; random measurements for a model that takes some."""
    random = np.random.default_rng(0)
    noise = random.random((NOISE_FRAMES, *FRAME_SHAPE)) * np.linspace(0, 255, NOISE_FRAMES)[:, None, None, None]
    frames = [golden_frame(), *noise.astype(np.uint8)]
    shape = model.inputs[0].shape[1:]
    if len(shape) == 4:  # a stack: of the frame and of its successors
        frames = [
            np.stack([frames[(first + i) % len(frames)] for i in range(shape[0])]) for first in range(len(frames))
        ]
    others = [tensor.shape[1:] for tensor in model.inputs[1:]]
    return [(frame[np.newaxis], *(random.random((1, *other), np.float32) for other in others)) for frame in frames]


def model_answer(model: Any) -> Answer:
    """The answers of the Keras model, compiled by TensorFlow."""
    import tensorflow as tf  # noqa: PLC0415

    graph = tf.function(lambda inputs: model(inputs, training=False), autograph=False)

    def answer(inputs: Inputs) -> Array:
        tensors = [tf.constant(value) for value in inputs]
        values: Array = graph(tensors if len(tensors) > 1 else tensors[0]).numpy()
        return values

    return answer


def litert_answer(content: bytes) -> Answer:
    """The answers of a LiteRT file of ours."""
    interpreter = open_interpreter(content, os.cpu_count() or 1)
    indices = {np.dtype(details["dtype"]): details["index"] for details in interpreter.get_input_details()}
    answer_indices = [details["index"] for details in interpreter.get_output_details()]

    def answer(inputs: Inputs) -> Array:
        for value in inputs:
            interpreter.set_tensor(indices[value.dtype], value)
        interpreter.invoke()
        return np.concatenate([interpreter.get_tensor(index) for index in answer_indices], axis=-1)

    return answer


def onnx_answer(content: bytes) -> Answer:
    """The answers of an ONNX file of ours."""
    import onnxruntime  # noqa: PLC0415

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    names = {item.type: item.name for item in session.get_inputs()}

    def answer(inputs: Inputs) -> Array:
        feed = {names[ONNX_TYPES[value.dtype.name]]: value for value in inputs}
        return np.concatenate(session.run(None, feed), axis=-1)

    return answer


def largest_difference(before: Answer, after: Answer, trials: Sequence[Inputs], confident: bool = False) -> float:
    """The largest difference of the answers; relative for answers larger than 1.

    confident: whether the last number is a confidence, whose difference counts for a part, see CONFIDENCE_LEEWAY.
    """
    differences = []
    for inputs in trials:
        reference = before(inputs)
        difference = np.abs(reference - after(inputs)) / np.maximum(1.0, np.abs(reference))
        if confident:
            difference[..., -1] /= CONFIDENCE_LEEWAY
        differences.append(np.max(difference))
    return float(np.max(differences))


def milliseconds(answer: Answer, inputs: Inputs) -> float:
    """The median milliseconds of an answer."""
    times = []
    for _ in range(TIMED_CALLS):
        start = time.perf_counter()
        answer(inputs)
        times.append(time.perf_counter() - start)
    return float(np.median(times) * 1000)
