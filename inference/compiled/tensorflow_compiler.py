"""Compiles a network with TensorFlow's XLA, for a GPU."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from inference.compiled.network import Compiler, Finish, Program
from models.shifts.network import compiler_form


def tensorflow_compiler(model: keras.Model) -> Compiler:
    """The compiler of a loaded network."""
    form = compiler_form(model, shifts=True)

    def function(*inputs: Any) -> Any:
        return form.model(inputs if len(inputs) > 1 else inputs[0], training=False)

    def build(size: int) -> Program:
        shapes = [tf.TensorSpec((size, *x.shape[1:]), x.dtype) for x in form.model.inputs]
        program = tf.function(function, jit_compile=True).get_concrete_function(*shapes)

        def start(*inputs: Any) -> Finish:
            return program(*map(tf.constant, inputs)).numpy

        start(*(np.zeros(shape.shape, shape.dtype.as_numpy_dtype) for shape in shapes))()
        return start

    return Compiler(build, form.view, tuple(form.model.inputs[0].shape[1:]))
