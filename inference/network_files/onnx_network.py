"""Opens ONNX files on ONNX Runtime, an optional package."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from inference.network_files.litert import first_line, printable
from inference.network_files.onnx_file import check_onnx
from inference.network_files.tensors import Array, EngineError, Tensor

DTYPES = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(uint8)": "uint8", "tensor(int8)": "int8"}


class OnnxNetwork:
    """An ONNX file in a session of its own. See `tensors.Network`.

    content: the file's bytes; name: for messages; threads: for one operator. Open sizes are 0; an open batch is 1.
    Raises EngineError if the file is refused by `check_onnx` or by ONNX Runtime.
    """

    def __init__(self, content: bytes, name: str, threads: int) -> None:
        import onnxruntime as ort  # noqa: PLC0415  # only when chosen

        check_onnx(content, name)
        options = ort.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 4
        options.add_session_config_entry("session.load_model_format", "ONNX")
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # a waiting game needs the core
        try:
            self._session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's exceptions have no common base but this
            reason = first_line(error).split(" : ", 3)[-1]  # after the runtime's name, a number and its meaning
            raise EngineError(f"{name} is no ONNX model that ONNX Runtime can run: {reason}") from None
        self.inputs = tuple(map(_tensor, self._session.get_inputs()))
        self.outputs = tuple(map(_tensor, self._session.get_outputs()))
        self._input_names = [tensor.name for tensor in self._session.get_inputs()]
        self._output_names = [output.name for output in self._session.get_outputs()]

    def run(self, values: Sequence[Array], outputs: Sequence[int]) -> list[Array]:
        """The outputs of these numbers for the inputs' values. Raises the exceptions of ONNX Runtime."""
        names = [self._output_names[number] for number in outputs]
        return list(map(np.asarray, self._session.run(names, dict(zip(self._input_names, values, strict=True)))))


def _tensor(argument: Any) -> Tensor:
    shape = tuple(size if isinstance(size, int) else 0 for size in argument.shape)
    if shape and not shape[0]:
        shape = (1, *shape[1:])
    dtype = DTYPES.get(argument.type, argument.type)
    return Tensor(printable(argument.name), shape, dtype)
