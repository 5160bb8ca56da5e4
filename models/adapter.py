"""What lies between a camera frame, a stranger's network and the steering, as one text that every command takes.

The text is a written preprocessing or a short form, and may also say what the network's answer means:
"course, steer=1/25, output=steering".
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from models.preprocessing.named import read_preprocessing, short_form_lines
from models.preprocessing.written import SYNTAX, Preprocessing, PreprocessingError, read_number

MODEL_SUFFIXES = (".h5", ".hdf5", ".keras", ".json", ".tflite", ".onnx")

ANSWER_SYNTAX = """parts that say what the network's answer means:
  steer=1/25         multiply the answer by it: degrees become -1..1; steer=-1 mirrors
  output=steering    the output of this name, or with output=0 the first of all numbers, is the steering
  bins               the numbers are classes from full left to full right; the likeliest one steers"""


@dataclass(frozen=True, slots=True)
class Adapter:
    """How a network is used. preprocessing: None leaves the choice to the loader.

    output: name or number of the output that steers, None for the only one. steer: the answer is multiplied by it.
    bins: the output's numbers are classes, evenly from -1 to 1, as donkeycar's categorical networks have them.
    """

    preprocessing: Preprocessing | None = None
    output: str | None = None
    steer: float = 1.0
    bins: bool = False


def read_adapter(text: str | None) -> Adapter:
    """Read the text; None or an empty one leaves every choice to the loader. Raises PreprocessingError."""
    pixels, answer = _split(text or "")
    steer, output = answer.get("steer"), answer.get("output")
    factor = 1.0 if steer is None else read_number(_value(steer))
    if factor == 0.0:
        raise PreprocessingError("steer=0 would always steer straight ahead")
    if output is not None and not _value(output):
        raise PreprocessingError("output= needs the name or the number of an output, as in output=0")
    preprocessing = read_preprocessing(",".join(pixels)) if pixels else None
    return Adapter(preprocessing, _value(output) if output else None, factor, "bins" in answer)


def says_pixels(text: str) -> bool:
    """Whether a text says more than what the answer means."""
    return bool(_split(text)[0])


def completed(answer_text: str, default: str) -> str:
    """A text that only says what the answer means, with all else as in `default`."""
    pixels, answer = _split(default)
    parts = (*pixels, *(answer | _split(answer_text)[1]).values())
    return ", ".join(part.strip() for part in parts)


def _split(text: str) -> tuple[list[str], dict[str, str]]:
    """The parts of a text that say the pixels, and those that say what the answer means, by their keys."""
    pixels, answer = [], {}
    for part in text.split(","):
        key = part.partition("=")[0].strip().lower()
        if key in ("steer", "output") or part.strip().lower() == "bins":
            answer[key] = part
        elif part.strip():
            pixels.append(part)
    return pixels, answer


def _value(part: str) -> str:
    return part.partition("=")[2].strip()


def adapter_text(text: str) -> str:
    """Check an option's text and return it unchanged. Raises PreprocessingError, a ValueError, as argparse expects."""
    read_adapter(text)
    return text


def output_text(text: str) -> str:
    """Check the name or number of an output and return it stripped. Raises PreprocessingError."""
    if "," in text:
        raise PreprocessingError(f"one output steers, got {text!r}")
    return read_adapter(f"output={text}").output or ""


def with_output(text: str | None, output: str | None) -> str | None:
    """A text, with the output that an option of its own names. Raises PreprocessingError where the two differ."""
    output_of_text = read_adapter(text).output
    if output is None or output == output_of_text:
        return text
    if output_of_text is not None:
        raise PreprocessingError(f"--output {output} and output={output_of_text} in {text!r} differ: give one of them")
    return f"{text}, output={output}" if text else f"output={output}"


@dataclass(frozen=True, slots=True)
class ModelSource:
    """A model file and the text for it; None where the user gave none."""

    path: Path
    preprocess: str | None = None

    def __str__(self) -> str:
        return f"{self.path}:{self.preprocess}" if self.preprocess else str(self.path)


def model_source(text: str) -> ModelSource:
    """Read "models/a.h5" or "models/a.h5:course", as argparse's type. Raises PreprocessingError."""
    for suffix in MODEL_SUFFIXES:
        path, colon, adapter = text.partition(f"{suffix}:")
        if colon:
            return ModelSource(Path(path + suffix), adapter_text(adapter.strip()))
    return ModelSource(Path(text))


def syntax() -> str:
    """The parts and the short forms, for --help."""
    return f"{SYNTAX}\n{ANSWER_SYNTAX}\nshort forms:\n{short_form_lines()}"
