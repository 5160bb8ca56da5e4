"""Opens LiteRT (TFLite) files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from inference.network_files.tensors import Array, EngineError, Tensor
from models.interpreter import open_interpreter


class LiteRtNetwork:
    """A LiteRT file in an interpreter of its own. See `tensors.Network`.

    source: the file's bytes, or a path that LiteRT may map into memory. name: for messages; threads: for XNNPACK.
    Raises EngineError if LiteRT cannot run it. LiteRT can crash on a damaged file: `trial` guards against that.
    """

    def __init__(self, source: Path | bytes, name: str, threads: int) -> None:
        try:
            self._interpreter = open_interpreter(source, threads)
        except (ValueError, RuntimeError) as error:
            raise EngineError(f"{name} is no LiteRT model that this machine can run: {reason(error)}") from None
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        names = _signature_names(self._interpreter)
        self.inputs = tuple(_tensor(details, names) for details in inputs)
        self.outputs = tuple(_tensor(details, names) for details in outputs)
        self._input_indices = [details["index"] for details in inputs]
        self._output_indices = [output["index"] for output in outputs]

    def run(self, values: Sequence[Array], outputs: Sequence[int]) -> list[Array]:
        """The outputs of these numbers for the inputs' values. Raises ValueError and RuntimeError as LiteRT does."""
        for index, value in zip(self._input_indices, values, strict=True):
            self._interpreter.set_tensor(index, value)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(self._output_indices[number]) for number in outputs]


def first_line(error: Exception) -> str:
    """The first line of a runtime's message, without its end."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)[:200]


def reason(error: Exception) -> str:
    """What LiteRT says of a file that it cannot run, for the user."""
    flex = re.search(r"\((Flex\w{1,60})\)", str(error))
    if flex is None:
        return first_line(error)
    return (
        f"it needs {flex[1]}, an operator of the whole TensorFlow; give the .h5 or .keras file that it was made from, "
        "or convert that with `python -m models.convert`"
    )


def _signature_names(interpreter: Any) -> dict[int, str]:
    """The names that the author gave the inputs and outputs, by index; empty for a file without a signature."""
    names = {}
    for key in list(interpreter.get_signature_list())[:1]:
        runner = interpreter.get_signature_runner(key)
        for details in (runner.get_input_details(), runner.get_output_details()):
            names.update({tensor["index"]: name for name, tensor in details.items()})
    return names


def _tensor(details: dict[str, Any], names: dict[int, str]) -> Tensor:
    parameters = details["quantization_parameters"]
    scales, zero_points = parameters["scales"], parameters["zero_points"]
    dtype = np.dtype(details["dtype"]).name
    scale, zero_point = (float(scales[0]), int(zero_points[0])) if len(scales) == 1 and "int" in dtype else (0.0, 0)
    shape = tuple(int(size) for size in details["shape"])
    return Tensor(printable(names.get(details["index"], details["name"])), shape, dtype, scale, zero_point)


def printable(text: str) -> str:
    """A name from a file as it may stand in a message: short, without control characters."""
    return "".join(character if character.isprintable() else "?" for character in text)[:80]
