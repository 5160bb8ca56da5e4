"""Short forms of the written preprocessings that public networks use most, by name."""

from __future__ import annotations

from dataclasses import dataclass, replace

from models.preprocessing.written import MAX_CHARACTERS, READERS, Preprocessing, PreprocessingError, read_written


@dataclass(frozen=True, slots=True)
class ShortForm:
    """A name for a written preprocessing. source: the networks that need it."""

    text: str
    source: str


SHORT_FORMS = {
    "origin": ShortForm("rows=80:140, scale=1/255, offset=-0.5, size=128x128", "Using EffNet to slim models"),
    "course": ShortForm(
        "rows=60:135, colour=yuv, blur=3, size=66x200, scale=1/255",
        "a much-used course: NVIDIA's network, whose students divide by 255 in their own drive.py",
    ),
    "pilotnet": ShortForm(
        "rows=60:135, scale=1/127.5, offset=-1, size=66x200, colour=yuv",
        "NVIDIA, End to End Learning for Self-Driving Cars, as public Udacity networks build it",
    ),
    "pilotnet-bgr": ShortForm(
        "rows=60:135, scale=1/127.5, offset=-1, size=66x200, colour=yuv-bgr",
        "the same in files of 2016, whose OpenCV (before 3.2) exchanged red and blue (opencv/opencv #4946)",
    ),
    "pilotnet-rgb": ShortForm("rows=60:135, size=66x200, scale=1/127.5, offset=-1", "NVIDIA's network on RGB pixels"),
    "small": ShortForm("rows=60:140, size=64x64, scale=1/255, offset=-0.5", "public networks of 64x64 pixels"),
    "half": ShortForm("size=80x160, scale=1/127.5, offset=-1", "public networks of half the camera's size"),
    "tiny": ShortForm("rows=60:140, size=32x32, scale=1/255, offset=-0.5", "public networks of 32x32 pixels"),
    "donkey": ShortForm("size=120x160, scale=1/255", "donkeycar from version 3 on, with its usual camera size"),
    "frame": ShortForm("", "networks that scale and crop the whole frame themselves"),
    "frame-unit": ShortForm("scale=1/255", "public networks that begin with Lambda x/255 on the whole frame"),
    "frame-half": ShortForm("scale=1/255, offset=-0.5", "the same with Lambda x/255 - 0.5"),
    "frame-one": ShortForm("scale=1/127.5, offset=-1", "the same with Lambda x/127.5 - 1"),
}
"""The short forms by their names on the command line."""


def named(name: str) -> Preprocessing:
    """The preprocessing of a short form. Raises KeyError."""
    return replace(read_written(SHORT_FORMS[name].text), short_form=name)


def read_preprocessing(text: str) -> Preprocessing:
    """Read a written preprocessing or the name of a short form. Raises PreprocessingError."""
    name = text.strip().lower()
    if name in SHORT_FORMS:
        return named(name)
    if "=" not in name and name not in READERS and len(text) <= MAX_CHARACTERS:
        raise PreprocessingError(
            f"no preprocessing {text!r}; the short forms are {', '.join(SHORT_FORMS)}, and one may be written, as in "
            '"rows=60:140, size=64x64, scale=1/255"'
        )
    return read_written(text)


def short_form_lines() -> str:
    """One line for each short form, with its name, steps and source, for --help."""
    width = max(map(len, SHORT_FORMS))
    return "\n".join(f"  {name:<{width}}  {form.text or 'the frame as it is'}" for name, form in SHORT_FORMS.items())


def names_for(shape: tuple[int, ...]) -> list[str]:
    """The short forms whose result has this shape."""
    return [name for name in SHORT_FORMS if named(name).output_shape == shape]
