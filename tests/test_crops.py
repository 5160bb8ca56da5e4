"""Images are decoded once, as for driving, and again when they change."""

import os
import shutil
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from protocol.errors import RecordingError
from protocol.images import decode_image
from protocol.recording import read_recording
from training.data import crops as crops_module
from training.data.crops import Crops, decode_crops

READ = (70, 145)


@pytest.fixture
def paths(make_recording) -> list[str]:
    return [str(sample.center) for sample in read_recording(make_recording(rows=12)).samples]


def cached(folder: Path, paths: list[str]) -> Crops:
    crops = Crops(folder, READ)
    crops.add("lake", paths)
    return crops


def as_driven(path: str) -> np.ndarray:
    return decode_image(Path(path).read_bytes())[READ[0] : READ[1]]


def refuse(*_, **__):
    raise AssertionError("it decoded again")


def test_crops_are_the_pixels_that_driving_sees(paths, tmp_path):
    Image.fromarray(as_driven(paths[3])).resize((320, 160)).save(tmp_path / "other.png")
    paths.append(str(tmp_path / "other.png"))
    crops = cached(tmp_path / "crops", paths)
    numbers = crops.numbers(paths)
    for image, path in zip(crops.take(numbers), paths, strict=True):
        np.testing.assert_array_equal(image, as_driven(path))
    assert crops.take(numbers.reshape(1, -1)).shape == (1, 13, 75, 320, 3)
    assert crops.nbytes == 13 * 75 * 320 * 3 == sum(file.stat().st_size for file in (tmp_path / "crops").iterdir())


def test_an_image_is_decoded_once_and_anew_when_it_changes(paths, tmp_path, monkeypatch):
    before = cached(tmp_path, paths).take(np.arange(12, dtype=np.int32))
    with monkeypatch.context() as patch:
        patch.setattr(crops_module, "decode_crops", refuse)
        np.testing.assert_array_equal(cached(tmp_path, paths).take(np.arange(12, dtype=np.int32)), before)
        with pytest.raises(AssertionError, match="decoded again"):
            Crops(tmp_path, (0, 10)).add("lake", paths)
    old = next(tmp_path.glob("*.crops"))
    time_ns = os.stat(paths[5]).st_mtime_ns
    shutil.copyfile(paths[0], paths[5])
    os.utime(paths[5], ns=(time_ns + 10**9, time_ns + 10**9))
    changed = cached(tmp_path, paths)
    after = changed.take(np.arange(12, dtype=np.int32))
    np.testing.assert_array_equal(after[5], before[0])
    np.testing.assert_array_equal(after[6:], before[6:])
    changed.delete_others()
    assert not old.exists()
    assert len(list(tmp_path.glob("*.crops"))) == 1


def test_a_file_that_was_cut_off_is_made_anew(paths, tmp_path):
    before = cached(tmp_path, paths).take(np.arange(12, dtype=np.int32))
    (file,) = tmp_path.glob("*.crops")
    file.write_bytes(file.read_bytes()[:-1])
    np.testing.assert_array_equal(cached(tmp_path, paths).take(np.arange(12, dtype=np.int32)), before)


def test_two_trainings_that_share_a_folder_decode_at_once(paths, tmp_path, monkeypatch):
    """The second one begins while the first one writes, and is the first to end."""
    groups = []

    def decode_late(group, rows):
        groups.append(group)
        if len(groups) == 1:
            monkeypatch.setattr(os, "getpid", lambda: -1)
            cached(tmp_path, paths)
        return decode_crops(group, rows)

    monkeypatch.setattr(crops_module, "decode_crops", decode_late)
    first = cached(tmp_path, paths)
    assert len(groups) == 2
    assert [file.suffix for file in tmp_path.glob("*.crops*")] == [".crops"]
    np.testing.assert_array_equal(first.take(np.array([3], np.int32))[0], as_driven(paths[3]))


def test_recordings_of_one_name_keep_their_own_files(paths, tmp_path):
    crops = cached(tmp_path, paths[:5])
    crops.add("lake", paths)
    crops.delete_others()
    assert len(list(tmp_path.glob("*.crops"))) == 2
    numbers = crops.numbers(paths[::-1])
    assert sorted(numbers) == list(range(12)), "an image of both has one number"
    for image, path in zip(crops.take(numbers), paths[::-1], strict=True):
        np.testing.assert_array_equal(image, as_driven(path))


def test_a_full_disk_means_decoding_each_time(paths, tmp_path, monkeypatch, capsys):
    usage = namedtuple("usage", ["total", "used", "free"])
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(10**9, 10**9, 10**5))
    crops = cached(tmp_path / "crops", paths)
    assert "too much for this disk" in capsys.readouterr().out
    assert list((tmp_path / "crops").iterdir()) == []
    for image, path in zip(crops.take(crops.numbers(paths)), paths, strict=True):
        np.testing.assert_array_equal(image, as_driven(path))


def test_images_in_batches_whether_added_or_not(paths, tmp_path):
    crops = cached(tmp_path / "crops", paths[:8])
    for group in (paths[:8], paths):
        batches = list(crops.images(group, (80, 140), 5))
        assert len(batches[0]) == 5
        np.testing.assert_array_equal(np.concatenate(batches), [as_driven(path)[10:70] for path in group])


@pytest.mark.parametrize("damage", ["size", "bytes", "missing"])
def test_an_image_that_cannot_be_decoded_is_named_with_what_to_do(paths, damage):
    if damage == "size":
        Image.new("RGB", (640, 320)).save(paths[4])
    elif damage == "bytes":
        Path(paths[4]).write_bytes(Path(paths[4]).read_bytes()[:300])
    else:
        Path(paths[4]).unlink()
    with pytest.raises(RecordingError, match="doctor RECORDING --exclude damaged") as error:
        decode_crops(paths, READ)
    assert paths[4] in str(error.value)


def test_deleted_crops_leave_no_folder(paths, tmp_path):
    cached(tmp_path / "crops", paths).delete()
    assert not (tmp_path / "crops").exists()
