"""Compiles a network with JAX: one jitted function of the weights, which stay on the device, and of the frames.

As arguments the weights are no part of the program, so the next checkpoint of a network finds its program in the cache.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import keras
import numpy as np

from inference.compiled.network import Compiler, Finish, Program
from models.shifts.network import compiler_form


def cache_programs(folder: Path) -> None:
    """Keep JAX's programs in this folder for the next start."""
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def jax_compiler(model: keras.Model) -> Compiler:
    """The compiler of a loaded network, wherever its weights are."""
    return form_compiler(model, shifts=True)


def form_compiler(model: keras.Model, shifts: bool) -> Compiler:
    """The same, and `shifts` says whether layers become shifted copies."""
    variables = model.variables
    form = compiler_form(model, shifts)
    device = jax.devices()[0]
    weights = jax.device_put([np.asarray(variable.value) for variable in variables], device)

    def function(weights: list[Any], *inputs: Any) -> Any:
        with keras.StatelessScope(state_mapping=list(zip(variables, weights, strict=True))):
            return form.model(inputs if len(inputs) > 1 else inputs[0], training=False)

    def build(size: int) -> Program:
        inputs = [np.zeros((size, *x.shape[1:]), x.dtype) for x in form.model.inputs]
        program = jax.jit(function).lower(weights, *inputs).compile()

        def start(*inputs: Any) -> Finish:
            output = program(weights, *inputs)
            output.copy_to_host_async()
            return lambda: np.asarray(output)

        start(*inputs)()
        return start

    return Compiler(build, form.view, tuple(form.model.inputs[0].shape[1:]))
