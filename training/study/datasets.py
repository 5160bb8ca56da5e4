"""The study takes labelled images from Keras' own downloads or from a file, and checks them before training."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.classifiers import TASKS, Shape

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]

ARRAYS = ("x_train", "y_train", "x_test", "y_test")
MAX_IMAGES = 1_000_000
MAX_BYTES = 1 << 32


class DatasetError(ValueError):
    """Images cannot be used; the message says what they are and what is needed."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Images, uint8 (n, rows, columns, colours), and labels, (n,) 0 to 9, to train on and to test on."""

    x_train: Images
    y_train: Labels
    x_test: Images
    y_test: Labels

    def digest(self) -> str:
        """Return sixteen hexadecimal digits, a hash of all pixels and labels."""
        digest = hashlib.sha256()
        for array in (self.x_train, self.y_train, self.x_test, self.y_test):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:16]


def load(task: str, file: Path | None) -> Dataset:
    """Load the images of a task of models.classifiers. file: an .npz; None uses Keras' own, downloaded once.

    Raises DatasetError for a file that is no such archive, and for images of another size, colour or labelling.
    """
    arrays = _read(file) if file else _download(task)
    return check_arrays(arrays, TASKS[task].shape, str(file or f"keras.datasets for {task}"))


def check_arrays(arrays: Mapping[str, Any], shape: Shape, name: str) -> Dataset:
    """Check the arrays that ARRAYS names and return a Dataset. Raises DatasetError, which calls the arrays `name`."""
    train, test = (_images(arrays[f"x_{part}"], shape, f"{name}: x_{part}") for part in ("train", "test"))
    y_train, y_test = (
        _labels(arrays[f"y_{part}"], len(images), f"{name}: y_{part}")
        for part, images in (("train", train), ("test", test))
    )
    return Dataset(train, y_train, test, y_test)


def _read(file: Path) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(file) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > MAX_BYTES:
            raise DatasetError(f"{file} would unpack to {size:,} bytes; at most {MAX_BYTES:,} are read")
        with np.load(file, allow_pickle=False) as opened:
            missing = [name for name in ARRAYS if name not in opened.files]
            if missing:
                raise DatasetError(f"{file} has no {', '.join(missing)}; an .npz with {', '.join(ARRAYS)} is wanted")
            return {name: opened[name] for name in ARRAYS}
    except DatasetError:
        raise
    except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{file} is no .npz of images ({error}); one with {', '.join(ARRAYS)} is wanted") from None


def _download(task: str) -> dict[str, Any]:
    from keras import datasets  # noqa: PLC0415

    source = {"digits": datasets.mnist, "cifar10": datasets.cifar10}[task]
    try:
        (x_train, y_train), (x_test, y_test) = source.load_data()
    except Exception as error:  # Keras raises a bare Exception when its server does not answer
        raise DatasetError(f"keras.datasets cannot fetch the images ({error}); name a file with --data") from None
    return dict(zip(ARRAYS, (x_train, y_train, x_test, y_test), strict=True))


def _images(array: Any, shape: Shape, name: str) -> Images:
    if array.ndim == 3 and shape[-1] == 1:
        array = array[..., np.newaxis]
    if array.dtype != np.uint8 or array.shape[1:] != shape or not 1 <= len(array) <= MAX_IMAGES:
        raise DatasetError(f"{name} is {array.dtype} {array.shape}; uint8 (n, {', '.join(map(str, shape))}) is wanted")
    images: Images = array
    return images


def _labels(array: Any, count: int, name: str) -> Labels:
    """Return labels as int64 (n,); Keras' CIFAR-10 has them as (n, 1)."""
    if array.shape not in ((count,), (count, 1)) or array.dtype.kind not in "iu":
        raise DatasetError(f"{name} is {array.dtype} {array.shape}; {count} whole numbers are wanted")
    labels: Labels = array.reshape(-1).astype(np.int64)
    if labels.min() < 0 or labels.max() > 9:
        raise DatasetError(f"{name} has labels {labels.min()} to {labels.max()}; 0 to 9 are wanted")
    return labels
