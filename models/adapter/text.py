"""What lies between a camera frame, a stranger's network and the steering, as one text that every command takes.

The text is a written preprocessing or a short form, and may also say what the network's answer means:
"course, steer=1/25, output=steering".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from models.adapter.measurements import Columns, read_columns
from models.preprocessing.named import read_preprocessing, short_form_lines
from models.preprocessing.written import SYNTAX, Preprocessing, PreprocessingError, read_number

MODEL_SUFFIXES = (".h5", ".hdf5", ".keras", ".json", ".tflite", ".onnx")

ANSWER_SYNTAX = """parts that say what the network's answer means:
  steer=1/25         multiply the answer by it: degrees become -1..1; steer=-1 mirrors
  output=steering    the output of this name, or with output=0 the first of all numbers, is the steering
  throttle=throttle  likewise the output that is the throttle, for --throttle model; throttle=1*0.5 halves it
  bins               the numbers are classes from full left to full right, and from no throttle to a full one; the
                     likeliest one counts
  input=NAME:speed/30  what an input besides the image gets: speed (mph), steering (-1..1), throttle (0..1)"""


@dataclass(frozen=True, slots=True)
class Adapter:
    """How a network is used. preprocessing: None leaves the choice to the loader.

    output: name or number of the output that steers, None for the only one. steer: the answer is multiplied by it.
    throttle: likewise of the output that is the throttle, None for one that is called so; it is multiplied by
    throttle_factor. bins: an output's numbers are classes, see `class_values`.
    inputs: what the inputs besides the image get, by name.
    """

    preprocessing: Preprocessing | None = None
    output: str | None = None
    steer: float = 1.0
    bins: bool = False
    throttle: str | None = None
    throttle_factor: float = 1.0
    inputs: Mapping[str, Columns] = field(default_factory=dict)


def read_adapter(text: str | None) -> Adapter:
    """Read the text; None or an empty one leaves every choice to the loader. Raises PreprocessingError."""
    pixels, answer = _split(text or "")
    steer = _value(answer, "steer")
    factor = 1.0 if steer is None else read_number(steer)
    if factor == 0.0:
        raise PreprocessingError("steer=0 would always steer straight ahead")
    for key in ("output", "throttle"):
        if _value(answer, key) == "":
            raise PreprocessingError(f"{key}= needs the name or the number of an output, as in {key}=0")
    throttle, _, throttle_factor = (_value(answer, "throttle") or "").partition("*")
    inputs = dict(_read_input(part) for key, part in answer.items() if key.startswith("input="))
    return Adapter(
        read_preprocessing(",".join(pixels)) if pixels else None,
        _value(answer, "output"),
        factor,
        "bins" in answer,
        throttle.strip() or None,
        read_number(throttle_factor.strip()) if throttle_factor else 1.0,
        inputs,
    )


TERMS = {"steering": ("steer", "angle", "n_outputs0"), "throttle": ("throttle", "n_outputs1")}
"""What the names of outputs contain; donkeycar's linear networks have n_outputs0 and n_outputs1."""

CONFIDENCE = "confidence"
"""The name of the output that says, 0 to 1, how much a frame is like those that the network learned."""


def class_values(part: str, count: int) -> tuple[float, float]:
    """The value of the first of `count` classes, and the step to the next: -1 to 1 for a steering, 0 on for a throttle.

    part: "output" or "throttle". Source: donkeycar's `linear_unbin`, of 15 and 20 classes.
    """
    return (0.0, 1.0 / count) if part == "throttle" else (-1.0, 2.0 / (count - 1))


def output_named(meaning: str, names: list[str], chosen: str | None) -> str | None:
    """The name or number of the output with a meaning of TERMS: the chosen one, or the only one that is called so."""
    if chosen is not None or len(names) < 2:
        return chosen
    candidates = [name for name in names if any(term in name.lower() for term in TERMS[meaning])]
    return candidates[0] if len(candidates) == 1 else None


def output_notes(names: list[str], adapter: Adapter) -> list[str]:
    """For the user: which output steers, where its name decided, and which one is the throttle."""
    names = [name for name in names if name != CONFIDENCE]
    steering = output_named("steering", names, adapter.output)
    throttle = output_named("throttle", names, adapter.throttle)
    notes = [f"the output {steering} steers"] if steering is not None and adapter.output is None else []
    if throttle is not None:
        notes.append(f"the output {throttle} is the throttle, which drives with --throttle model")
    return notes


def says_pixels(text: str) -> bool:
    """Whether a text says more than what the answer means."""
    return bool(_split(text)[0])


def completed(answer_text: str, default: str) -> str:
    """A text that only says what the answer means, with all else as in `default`."""
    pixels, answer = _split(default)
    parts = (*pixels, *(answer | _split(answer_text)[1]).values())
    return ", ".join(part.strip() for part in parts)


def _split(text: str) -> tuple[list[str], dict[str, str]]:
    """The parts of a text that say the pixels, and those on inputs and the answer, by their keys."""
    pixels, answer = [], {}
    for part in text.split(","):
        key, _, value = (piece.strip() for piece in part.partition("="))
        if key.lower() in ("steer", "output", "throttle") or part.strip().lower() == "bins":
            answer[key.lower()] = part
        elif key.lower() == "input":
            answer[f"input={value.partition(':')[0].strip()}"] = part
        elif part.strip():
            pixels.append(part)
    return pixels, answer


def _value(answer: Mapping[str, str], key: str) -> str | None:
    return answer[key].partition("=")[2].strip() if key in answer else None


def _read_input(part: str) -> tuple[str, Columns]:
    """Read "input=NAME:speed/30"."""
    name, colon, columns = part.partition("=")[2].partition(":")
    if not colon:
        raise PreprocessingError(f"{part.strip()!r} needs a name and what it gets: input=NAME:speed/30")
    return name.strip(), read_columns(columns)


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
