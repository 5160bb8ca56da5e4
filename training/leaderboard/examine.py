"""Opens one submission in a process of its own: unpacks it, converts it, and writes down what the board tells of it.

The process may crash or be killed: the pool that started it then says so. No code from a submission runs.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import subprocess
import time
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.child_process import run_module
from models.card import CardError, describes, read_card
from models.keras_files.file_kinds import model_kind
from models.whole_files import sha256
from protocol.messages import FRAME_SHAPE
from training.jobs.one_line import one_line
from training.leaderboard.submissions import (
    ARCHIVE,
    CHUNK,
    MAX_DEPTH,
    MAX_FILES,
    MODEL_SUFFIXES,
    SUBMITTED,
    SUFFIXES,
    SubmissionError,
    printable,
)

if TYPE_CHECKING:
    from inference.engine import Engine

CONVERTED = "converted.tflite"
MAX_MEMBERS = 10_000
TIMED_S, TIMED_FRAMES = 0.5, 1000
"""A frame's time is a mean over so long; systems count processor time in steps of some milliseconds."""

MAX_NOTES = 8
IDENTIFY_SHARE = 0.8
"""Share of the time for opening that the search for pixels may take."""


def examine(argument: dict[str, Any]) -> dict[str, Any]:
    """Open the submission in a folder and return its facts, as plain values.

    argument: `folder`, of the copy; `max_bytes`, unpacked; `identify`, recordings to find a stranger's pixels with;
    `limit_s`. Raises ValueError, RuntimeError and OSError with the reason of a refusal.
    """
    folder = Path(argument["folder"])
    submission_folder = _unpacked(folder, argument["max_bytes"])
    model = _model(submission_folder)
    try:
        return _facts(model, folder, argument)
    except (ValueError, RuntimeError, OSError) as error:
        raise SubmissionError(_without_paths(str(error), model, folder)) from None


def _without_paths(message: str, model: Path, folder: Path) -> str:
    """A message without the names of our copies."""
    for file in (model, folder / CONVERTED):
        message = message.replace(str(file), "the file")
    return message.replace(f"{model.parent}{os.sep}", "")


def _unpacked(folder: Path, max_bytes: int) -> Path:
    """The folder with the submitted files: the copy itself, or what its archive contained."""
    submission_folder = folder / SUBMITTED
    archives = [file for file in submission_folder.iterdir() if _is_archive(file)]
    if not archives:
        return submission_folder
    target = folder / "unpacked"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    try:
        with zipfile.ZipFile(archives[0]) as archive:
            _unpack(archive, target, max_bytes)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise SubmissionError(f"the archive is damaged ({error})") from None
    return target


def _is_archive(file: Path) -> bool:
    """Whether a file is a .zip by its name and content; a .keras file, which is one by its content, is a model."""
    return file.suffix.lower() == ARCHIVE and file.is_file() and zipfile.is_zipfile(file)


def _unpack(archive: zipfile.ZipFile, target: Path, max_bytes: int) -> None:
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise SubmissionError(f"the archive has {len(members):,} members; at most {MAX_MEMBERS:,} are looked at")
    for member in members:
        path = _path(member)
        if path.is_absolute() or ".." in path.parts or ":" in member.filename:
            raise SubmissionError(f"the archive names a place outside of itself: {printable(member.filename)}")
    wanted_members = [member for member in members if _is_wanted(member)]
    if len(wanted_members) > MAX_FILES:
        raise SubmissionError(f"the archive has {len(wanted_members)} model files and cards; submit one model")
    bytes_left = max_bytes
    for member in wanted_members:
        file = target / _path(member)
        file.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(member) as source, file.open("wb") as out:
            while chunk := source.read(CHUNK):  # a member may state a wrong size
                bytes_left -= len(chunk)
                if bytes_left < 0:
                    raise SubmissionError(f"the archive unpacks to more than {max_bytes / 1e6:,.0f} MB")
                out.write(chunk)


def _path(member: zipfile.ZipInfo) -> PurePosixPath:
    """A member's name as a path; archives from Windows may have its separators."""
    return PurePosixPath(member.filename.replace("\\", "/") or "?")


def _is_wanted(member: zipfile.ZipInfo) -> bool:
    path = _path(member)
    is_link = stat.S_ISLNK(member.external_attr >> 16)
    of_macos = "__MACOSX" in path.parts
    return path.suffix.lower() in SUFFIXES and len(path.parts) <= MAX_DEPTH and not is_link and not of_macos


def _model(folder: Path) -> Path:
    """The one model file of a submission."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    models = [file for file in files if file.suffix.lower() in MODEL_SUFFIXES]
    names = {file.with_suffix("").name for file in models if file.suffix.lower() in (".h5", ".keras")}
    models = [file for file in models if not (file.suffix.lower() == ".tflite" and file.stem in names)]
    if len(models) == 1:
        return models[0]
    if models:
        listed = ", ".join(printable(file.name) for file in models)
        raise SubmissionError(f"it has {len(models)} model files ({listed}); submit one")
    if not files:
        raise SubmissionError(f"the archive has no model file; models are {', '.join(MODEL_SUFFIXES)} files")
    return files[0]  # of no known kind: `model_kind` says what it is


def _facts(model: Path, folder: Path, argument: dict[str, Any]) -> dict[str, Any]:
    kind = model_kind(model)
    if argument["identify"] and kind == "keras":
        _identify(model, argument)
    facts: dict[str, Any] = {"kind": kind, "file": model.name, "file_bytes": model.stat().st_size}
    facts |= {"sha256": sha256(model), "parameters": None, "multiply_accumulates": None, "notes": []}
    driving = model
    if kind == "keras":
        from models.convert import convert  # noqa: PLC0415

        driving = folder / CONVERTED
        facts["notes"] = list(convert(model, driving).notes)
        total = _cost(model)
        facts |= {"parameters": total[0], "multiply_accumulates": total[1]}
    from inference.engine import open_engine  # noqa: PLC0415 - a refusal must not wait

    engine = open_engine(driving, "auto", threads=1)
    facts["notes"] = [one_line(note) for note in (*facts["notes"], *engine.notes)][:MAX_NOTES]
    facts |= {
        "driving": str(driving.relative_to(folder)),
        "driving_sha256": sha256(driving),
        "driving_bytes": driving.stat().st_size,
        "milliseconds": round(_milliseconds(engine), 3),
        "card": _card(model),
    }
    return facts


def _milliseconds(engine: Engine) -> float:
    """The mean processor time of a frame on one thread: a clock would also count what else the computer does."""
    frame = np.full((1, *FRAME_SHAPE), 127, np.uint8)
    engine.predict(frame)
    start_s, frames = time.process_time(), 0
    while (used_s := time.process_time() - start_s) < TIMED_S and frames < TIMED_FRAMES:
        engine.predict(frame)
        frames += 1
    return 1000 * used_s / frames


def _identify(model: Path, argument: dict[str, Any]) -> None:
    """Search the pixels of a model without a card, and leave the result beside it for all that open it."""
    if model.with_name(f"{model.name}.pixels.json").exists():
        return
    arguments = [str(model), *argument["identify"], "--write"]
    with contextlib.suppress(subprocess.TimeoutExpired):  # then the loader takes the likely pixels
        run_module("models.identify", arguments, IDENTIFY_SHARE * argument["limit_s"])


def _cost(model: Path) -> tuple[int | None, int | None]:
    from models.cost import cost  # noqa: PLC0415
    from models.loading import load_steering_model  # noqa: PLC0415

    try:
        total = cost(load_steering_model(model).model)
    except ValueError:
        return None, None
    return total.parameters, total.multiply_accumulates


def _card(model: Path) -> dict[str, Any] | None:
    """What a card beside the model says, if it belongs to it."""
    try:
        card = read_card(model)
        if not describes(card, model):
            return None
    except (CardError, OSError):
        return None
    return {
        "model": printable(card.model),
        "description": one_line(card.description),
        "recordings": [printable(data.recording) for data in card.data][:20],
        "seed": card.seed,
        "epochs": card.epochs,
        "samples": card.samples,
        "created": printable(card.created),
    }
