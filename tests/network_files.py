"""Small .tflite and .onnx files for tests, whose answers can be computed by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import tensorflow as tf
from keras import layers
from onnx import TensorProto, helper, numpy_helper

WEIGHTS = np.array([[0.5], [-0.25], [0.125]], np.float32)
"""The networks answer with the mean of each channel times these."""


def answer_of(pixels: np.ndarray) -> float:
    """The answer to an image (rows, columns, channels), as the networks compute it."""
    return float(pixels.astype(np.float64).mean(axis=(0, 1)) @ WEIGHTS[: pixels.shape[-1], 0])


def network(shape: tuple[int, int, int], outputs: Sequence[str] = ("steering",)) -> keras.Model:
    """A Keras model that answers as `answer_of`; further outputs answer with twice, three times, ... as much."""
    image = keras.Input(shape, name="image")
    mean = layers.GlobalAveragePooling2D()(image)
    heads = [layers.Dense(1, use_bias=False, name=name) for name in outputs]
    model = keras.Model(image, {head.name: head(mean) for head in heads})
    for number, head in enumerate(heads, 1):
        head.set_weights([number * WEIGHTS[: shape[-1]]])
    return model


def litert(
    path: Path, model: keras.Model, number: Any = None, pictures: Sequence[np.ndarray] = (), flex: bool = False
) -> Path:
    """Write a .tflite file. number: the format of a wholly quantised one, whose ranges come from `pictures`.

    flex: whether it may use operators of the whole TensorFlow.
    """
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if flex:
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    if number is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([picture[None].astype(np.float32)] for picture in pictures)
        operations = tf.lite.OpsSet
        wide = operations.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        converter.target_spec.supported_ops = [wide if number == tf.int16 else operations.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = number
    path.write_bytes(converter.convert())
    return path


def onnx_model(
    shape: Sequence[int | str] = (1, 3, 66, 200),
    number: int = TensorProto.FLOAT,
    nodes: Sequence[Any] | None = None,
    inputs: Sequence[Any] = (),
    initializers: Sequence[Any] = (),
    outputs: Sequence[Any] | None = None,
) -> onnx.ModelProto:
    """An ONNX model that answers as `answer_of` to an image with channels first or last; parts may be replaced."""
    channels_first = isinstance(shape[1], int) and shape[1] < 10
    axes = [2, 3] if channels_first else [1, 2]
    weights = np.resize(WEIGHTS, (int(shape[1 if channels_first else 3]), 1))
    usual = [
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels"], ["mean"], axes=axes, keepdims=0),
        helper.make_node("MatMul", ["mean", "weights"], ["steering"]),
    ]
    graph = helper.make_graph(
        usual if nodes is None else list(nodes),
        "network",
        [helper.make_tensor_value_info("image", number, shape), *inputs],
        outputs or [helper.make_tensor_value_info("steering", TensorProto.FLOAT, [1, 1])],
        [numpy_helper.from_array(weights, "weights"), *initializers],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)


def saved_onnx(path: Path, model: onnx.ModelProto) -> Path:
    path.write_bytes(model.SerializeToString())
    return path
