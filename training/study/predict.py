"""A trained classifier predicts the class of image files, with its probability."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from PIL import Image, UnidentifiedImageError

from models.classifiers import TASKS, Shape, Task
from models.keras_files.architecture import read_architecture
from models.keras_files.building import apply_layers, settings_of
from models.keras_files.model_file import open_model_file
from models.keras_files.weights import ModelFileError
from training.study.datasets import Images

MAX_PIXELS = 1 << 20


class ImageError(ValueError):
    """A network cannot take this image; the message says what the image is and what is needed."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """The class that a network predicts for an image, and its probability, 0 to 1."""

    image: Path
    name: str
    probability: float


def predict(model: Path, images: Sequence[Path]) -> Iterator[Prediction]:
    """Predict each image's class with a model.h5 of the study.

    Raises ModelFileError for a file that is no such model, ImageError for an image of another size or colour.
    """
    network, task = load_classifier(model)
    for path in images:
        probabilities = network.predict_on_batch(read_image(path, task.shape)[np.newaxis])[0]
        best = int(probabilities.argmax())
        yield Prediction(path, task.classes[best], float(probabilities[best]))


def load_classifier(path: Path) -> tuple[keras.Model, Task]:
    """Load a network of the study, uint8 (n, *task.shape) -> float32 (n, 10), and its task.

    No code of the file is run. Raises ModelFileError for a file that is no such model, and for a finished run whose
    model is not kept.
    """
    if not path.exists() and (path.parent / "result.json").exists():
        raise ModelFileError(
            f"{path.parent} keeps its figures but not its model; name another run's, or train it anew with --run"
        )
    with open_model_file(path) as file:
        architecture = read_architecture(file.architecture)
        tasks = [task for task in TASKS.values() if task.shape == architecture.input_shape]
        if not tasks or architecture.input_dtype != "uint8":
            raise ModelFileError(
                f"{path} takes {architecture.input_dtype} {architecture.input_shape}; a classifier of the study takes "
                + " or ".join(f"uint8 {task.shape}" for task in TASKS.values())
            )
        pixels = keras.Input(tasks[0].shape, dtype="uint8", name="pixels")
        settings = settings_of(architecture, file.keras_version)
        outputs = list(apply_layers({architecture.input_name: pixels}, architecture, settings, file.weights).values())
    shapes = [tuple(output.shape[1:]) for output in outputs]
    if shapes != [(len(tasks[0].classes),)]:
        raise ModelFileError(f"{path} answers with {', '.join(map(str, shapes))} values; 10 are wanted")
    return keras.Model(pixels, outputs[0]), tasks[0]


def read_image(path: Path, shape: Shape) -> Images:
    """Read pixels, uint8 of `shape`, from a PNG, JPEG, BMP, GIF or WebP file of exactly that size.

    For a grey network a colour file is accepted if all its pixels are grey; MNIST's digits are white on black.
    """
    try:
        with Image.open(path, formats=["PNG", "JPEG", "BMP", "GIF", "WEBP"]) as picture:
            if picture.width * picture.height > MAX_PIXELS or (picture.height, picture.width) != shape[:2]:
                raise ImageError(
                    f"{path} is {picture.width} x {picture.height} pixels; {shape[1]} x {shape[0]} are wanted"
                )
            if shape[2] == 3 and picture.mode in ("L", "LA", "1", "I;16"):
                raise ImageError(f"{path} is grey ({picture.mode}); an image in colour (RGB) is wanted")
            colours = np.asarray(picture.convert("RGB"))
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ImageError(f"{path} is no image that can be read: {error}") from None
    if shape[2] == 3:
        return colours
    if (colours != colours[..., :1]).any():
        raise ImageError(f"{path} is in colour; a grey image, white on black, is wanted")
    return colours[..., :1]
