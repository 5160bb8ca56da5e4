"""Compiles a network with PyTorch: its operations without Keras around them, and on a GPU as one CUDA graph."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from inference.compiled.network import Compiler, Finish, Program
from models.shifts.network import compiler_form


def torch_compiler(model: keras.Model) -> Compiler:
    """The compiler of a loaded network, on the GPU if there is one."""
    gpu = torch.cuda.is_available()
    form = compiler_form(model, shifts=gpu)
    device = torch.device("cuda" if gpu else "cpu")

    def forward(*inputs: Any) -> Any:
        return form.model(inputs if len(inputs) > 1 else inputs[0], training=False)

    def build(size: int) -> Program:
        inputs = [
            torch.zeros((size, *x.shape[1:]), dtype=getattr(torch, x.dtype), device=device) for x in form.model.inputs
        ]
        with torch.no_grad():
            operations = make_fx(forward)(*inputs)
            program = _cuda_graph(operations, inputs) if gpu else _operations(operations)
        program(*(np.zeros(x.shape, str(x.dtype).removeprefix("torch.")) for x in inputs))()
        return program

    def new_buffer(shape: tuple[int, ...]) -> np.ndarray:
        return torch.zeros(shape, dtype=torch.uint8, pin_memory=gpu).numpy()

    return Compiler(build, form.view, tuple(form.model.inputs[0].shape[1:]), new_buffer)


def _operations(operations: Callable[..., Any]) -> Program:
    """Run the operations at once."""

    def start(*arrays: Any) -> Finish:
        with torch.no_grad():
            output = operations(*map(torch.from_numpy, arrays))
        return output.numpy

    return start


def _cuda_graph(operations: Callable[..., Any], inputs: list[Any]) -> Program:
    """Record the operations once. A start copies its arrays to the recorded inputs and replays them all in one call."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(2):  # libraries choose their algorithms in the first calls, which a record must not hold
            operations(*inputs)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        output = operations(*inputs)
    turn = threading.Lock()  # until its last copy is queued, no other start may write to the recorded inputs

    def start(*arrays: Any) -> Finish:
        with turn, torch.no_grad():
            for recorded, array in zip(inputs, arrays, strict=True):
                recorded.copy_(torch.from_numpy(array), non_blocking=True)
            graph.replay()
            answers = torch.empty(output.shape, dtype=output.dtype, pin_memory=True)
            answers.copy_(output, non_blocking=True)
            done = torch.cuda.Event()
            done.record()

        def finish() -> Any:
            done.synchronize()
            return answers.numpy()

        return finish

    return start
