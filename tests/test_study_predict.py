"""A trained file of the study tells images apart, and refuses what is none."""

from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from models.classifiers import TASKS
from models.keras_files.weights import ModelFileError
from tests.study_samples import bar_images
from training.study.__main__ import main
from training.study.predict import ImageError, predict, read_image

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def model_file(tmp_path_factory) -> Path:
    """An untrained cifar10 network whose shuffles, groups and norms the reader must all know."""
    path = tmp_path_factory.mktemp("model") / "model.h5"
    TASKS["cifar10"].networks["shufflenet"]().save(path)
    return path


def test_a_file_answers_as_the_network_it_was_saved_from(model_file, tmp_path):
    images = bar_images("cifar10").x_test[:2]
    paths = [tmp_path / f"{number}.png" for number in range(2)]
    for image, path in zip(images, paths, strict=True):
        Image.fromarray(image).save(path)
    expected = np.asarray(keras.models.load_model(model_file, compile=False)(images))
    for answer, probabilities in zip(predict(model_file, paths), expected, strict=True):
        assert answer.name == TASKS["cifar10"].classes[probabilities.argmax()]
        assert answer.probability == pytest.approx(probabilities.max(), abs=1e-4)


@pytest.mark.parametrize(
    ("pixels", "shape", "message"),
    [
        (np.zeros((28, 27), np.uint8), (28, 28, 1), "27 x 28 pixels; 28 x 28"),
        (np.zeros((28, 28), np.uint8), (28, 28, 3), "is grey"),
        (np.full((28, 28, 3), (9, 0, 0), np.uint8), (28, 28, 1), "is in colour"),
    ],
)
def test_an_image_of_another_size_or_colour_is_refused(pixels, shape, message, tmp_path):
    Image.fromarray(pixels).save(tmp_path / "image.png")
    with pytest.raises(ImageError, match=message):
        read_image(tmp_path / "image.png", shape)


def test_a_grey_image_in_colours_is_a_digit(tmp_path):
    grey = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)
    Image.fromarray(np.stack([grey] * 3, axis=2)).save(tmp_path / "image.png")
    np.testing.assert_array_equal(read_image(tmp_path / "image.png", (28, 28, 1))[..., 0], grey)


def test_files_that_are_no_image_or_no_classifier_are_one_line_and_exit_code_2(model_file, tmp_path, capsys):
    (tmp_path / "image.png").write_bytes(b"nothing")
    assert main(["predict", str(model_file), str(tmp_path / "image.png")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["predict", str(tmp_path / "image.png"), str(tmp_path / "image.png")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(ModelFileError, match="takes uint8"):
        list(predict(ROOT / "models" / "eff.h5", [tmp_path / "image.png"]))


def test_the_published_digit_model_tells_drawn_digits_apart(tmp_path):
    """A one is a bar; a zero is a ring."""
    rows, columns = np.mgrid[:28, :28] - 13.5
    ring = 255 * (np.abs(np.hypot(rows, 1.4 * columns) - 8) < 1.6)
    bar = 255 * ((np.abs(columns) < 1.6) & (np.abs(rows) < 9))
    paths = [tmp_path / "0.png", tmp_path / "1.png"]
    for path, picture in zip(paths, (ring, bar), strict=True):
        Image.fromarray(picture.astype(np.uint8)).save(path)
    file = ROOT / "docs" / "study" / "runs" / "digits-eff-ours-20-seed1" / "model.h5"
    assert [answer.name for answer in predict(file, paths)] == ["0", "1"]
