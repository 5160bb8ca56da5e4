"""The study: what it shows, how a training goes on after a kill, and what a trained file says."""

import csv
import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from models.classifiers import TASKS
from models.keras_files.weights import ModelFileError
from training.run.run_folder import RunError
from training.study import separable
from training.study.__main__ import MODELS, main
from training.study.datasets import Dataset
from training.study.muon import ConvMuon
from training.study.predict import ImageError, predict, read_image
from training.study.recipes import OUR_CIFAR, OUR_DIGITS, recipe_of
from training.study.results import read_runs
from training.study.run import RESULT_KEYS, StudyRun, StudySettings
from training.study.separable import STEPS, multiplications, worked_example
from training.study.train import build, compile_for, confusion_matrix, train, wake

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""Keras 3.15 under numpy 2.4, in saving."""

TINY = replace(OUR_DIGITS, epochs=2, batch=30)


def drawn(task: str = "digits", count: int = 120, seed: int = 0) -> Dataset:
    """Each class a bright bar at its own height, in noise."""
    rows, columns, colours = TASKS[task].shape
    random = np.random.default_rng(seed)
    images = random.integers(0, 40, (count, rows, columns, colours)).astype(np.uint8)
    labels = np.arange(count) % 10
    for image, label in zip(images, labels, strict=True):
        image[2 + 2 * label : 4 + 2 * label, 4:-4] = 220
    return Dataset(images, labels, images[:50], labels[:50])


def settings(task: str = "digits", model: str = "eff", seed: int = 1, **recipe) -> StudySettings:
    base = TINY if task == "digits" else replace(OUR_CIFAR, epochs=1, batch=30)
    return StudySettings(task, model, "ours", seed, "float32", drawn(task).digest(), replace(base, **recipe))


def written(data: Dataset, path: Path) -> Path:
    np.savez(path, x_train=data.x_train, y_train=data.y_train, x_test=data.x_test, y_test=data.y_test)
    return path


def test_the_worked_example_is_the_origins():
    ordinary, separable = worked_example()
    assert (ordinary.parameters, separable.parameters) == (19_200, 843)
    assert (ordinary.multiply_accumulates, separable.multiply_accumulates) == (1_228_800, 53_952)


def test_steps_cost_what_the_idea_says():
    plain, in_space, by_channel, both = (multiplications(step, 8, 5) / 256 for step in STEPS.values())
    assert (plain, in_space, by_channel, both) == (25 * 64, 10 * 64, 8 * (25 + 8), 8 * (10 + 8))


@pytest.mark.slow
def test_separable_prints_and_draws(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(separable, "CHANNELS", (4, 8))
    monkeypatch.setattr(separable, "KERNELS", (1, 3))
    assert main(["separable", "--out", str(tmp_path / "new" / "costs.png")]) == 0
    printed = capsys.readouterr().out
    assert all(figure in printed for figure in ("19,200", "843", "1,228,800", "53,952", "4.39%"))
    with Image.open(tmp_path / "new" / "costs.png") as picture:
        assert picture.width > 800


def test_the_command_lines_names_are_the_networks():
    assert {task: tuple(definition.networks) for task, definition in TASKS.items()} == MODELS


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["digits"],
        ["digits", "--model", "mobilenet"],
        ["digits", "--model", "eff", "--epochs", "0"],
        ["digits", "--model", "eff", "--seed", "x"],
        ["predict", "model.h5"],
    ],
)
def test_a_bad_argument_ends_with_exit_code_2(arguments):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2


def test_the_origin_has_no_recipe_for_cifar(tmp_path, capsys):
    assert main(["cifar10", "--model", "effnet", "--recipe", "origin", "--data", str(tmp_path / "none.npz")]) == 2
    assert "--recipe ours" in capsys.readouterr().err


def test_recipes_are_the_origins_or_ours():
    eff, baseline = (recipe_of("digits", name, "origin") for name in ("eff", "baseline"))
    assert (eff.learning_rate, baseline.learning_rate) == (1e-2, 1e-3)
    assert eff.batch == baseline.batch == 1000
    assert recipe_of("digits", "eff", "ours").epochs == 20


def test_no_depthwise_kernel_begins_dead():
    network = build(settings(), "float32")
    kernels = [layer.get_weights()[0] for layer in network.layers if isinstance(layer, keras.layers.DepthwiseConv2D)]
    assert len(kernels) == 8
    assert all((kernel.reshape(3, -1)[1] >= 0).all() for kernel in kernels)


def test_waking_only_turns_signs():
    network = build(settings(start="he"), "float32")
    asleep = network.get_weights()
    wake(network)
    after = network.get_weights()
    assert any((old != new).any() for old, new in zip(asleep, after, strict=True))
    assert all((np.abs(old) == np.abs(new)).all() for old, new in zip(asleep, after, strict=True))


def test_the_learning_rate_rises_and_falls():
    network = build(settings(), "float32")
    compile_for(network, replace(OUR_DIGITS, epochs=10, learning_rate=1e-2, warm_up=0.1), 100)
    rate = network.optimizer._learning_rate
    rates = [float(rate(step)) for step in (0, 50, 100, 550, 1000)]
    assert rates == pytest.approx([0, 5e-3, 1e-2, 5.05e-3, 1e-4])


@pytest.mark.parametrize(("shape", "name"), [((2, 1, 3, 8), "mix"), ((1, 1, 6, 8), "expand"), ((6, 4), "dense1")])
def test_muon_turns_mixing_kernels_and_leaves_the_rest_to_adam(shape, name):
    random = np.random.default_rng(1)
    mixing = keras.Variable(random.normal(size=shape), dtype="float32", name=name)
    depthwise = keras.Variable(random.normal(size=(1, 3, 6, 1)), dtype="float32", name="depthwise")
    last = keras.Variable(random.normal(size=(6, 4)), dtype="float32", name="classes_kernel")
    bias = keras.Variable(random.normal(size=4), dtype="float32", name="bias")
    variables = [mixing, depthwise, last, bias]
    before = [np.array(variable) for variable in variables]
    optimizer = ConvMuon(0.01, weight_decay=0.0)
    optimizer.apply_gradients([(random.normal(size=v.shape).astype(np.float32), v) for v in variables])
    steps = [np.array(variable) - old for variable, old in zip(variables, before, strict=True)]
    rows = math.prod(shape[:-1])
    sizes = np.linalg.svd(steps[0].reshape(rows, -1), compute_uv=False) / (0.01 * 0.2 * math.sqrt(max(rows, shape[-1])))
    assert ((sizes > 0.5) & (sizes < 1.3)).all()
    for step in steps[1:]:
        np.testing.assert_allclose(np.abs(step), 0.01, rtol=1e-2, err_msg="Adam's first step is the rate")


def test_a_confusion_matrix_counts_what_was_taken_for_what():
    matrix = confusion_matrix(np.array([1, 1, 0, 9]), np.array([1, 2, 0, 9]))
    assert matrix[2, 1] == matrix[1, 1] == matrix[0, 0] == matrix[9, 9] == 1
    assert matrix.sum() == 4


def test_a_run_folder_of_other_settings_is_refused(tmp_path):
    StudyRun(tmp_path, settings())
    with pytest.raises(RunError, match="other settings"):
        StudyRun(tmp_path, settings(seed=2))


def test_a_damaged_checkpoint_is_named(tmp_path):
    run = StudyRun(tmp_path, settings())
    (tmp_path / "checkpoint.npz").write_bytes(b"PK damaged")
    network = build(settings(), "float32")
    compile_for(network, TINY, 4)
    with pytest.raises(RunError, match="damaged"):
        run.restore(network)


@pytest.mark.slow
def test_a_killed_training_ends_as_an_uninterrupted_one(tmp_path, monkeypatch):
    data, configuration = drawn(), settings(block_dropout=0.1, label_smoothing=0.1)
    whole = train(configuration, data, tmp_path / "whole")
    save = StudyRun.save

    def dying(self, network, epoch):
        save(self, network, epoch)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(StudyRun, "save", dying)
        with pytest.raises(KeyboardInterrupt):
            train(configuration, data, tmp_path / "cut")
    assert not (tmp_path / "cut" / "result.json").exists()
    cut = train(configuration, data, tmp_path / "cut")
    assert cut["confusion"] == whole["confusion"]
    models = [keras.models.load_model(tmp_path / name / "model.h5", compile=False) for name in ("cut", "whole")]
    for one, other in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    files = {path.name for path in (tmp_path / "cut").iterdir()}
    assert files == {
        "settings.json",
        "epochs.csv",
        "curves.png",
        "confusion.png",
        "wrong.png",
        "model.h5",
        "result.json",
        "run.lock",
    }
    before = (tmp_path / "cut" / "model.h5").read_bytes()
    assert train(configuration, data, tmp_path / "cut") == cut
    assert (tmp_path / "cut" / "model.h5").read_bytes() == before, "a finished run is not trained again"


@pytest.mark.slow
def test_a_small_training_learns_and_its_file_tells(tmp_path, capsys):
    data = drawn(count=300)
    file = written(data, tmp_path / "digits.npz")
    arguments = ["digits", "--model", "baseline", "--recipe", "origin", "--data", str(file)]
    assert main([*arguments, "--run", str(tmp_path / "run"), "--epochs", "40"]) == 0
    accuracy = json.loads((tmp_path / "run" / "result.json").read_text())["test_accuracy"]
    assert accuracy > 0.9
    Image.fromarray(data.x_test[7].squeeze()).save(tmp_path / "seven.png")
    capsys.readouterr()
    assert main(["predict", str(tmp_path / "run" / "model.h5"), str(tmp_path / "seven.png")]) == 0
    assert f"{tmp_path / 'seven.png'}: 7 (" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS["cifar10"])
def test_every_cifar_network_trains(model, tmp_path):
    result = train(settings("cifar10", model), drawn("cifar10"), tmp_path)
    assert result["epochs"] == 1
    with (tmp_path / "epochs.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert np.isfinite(float(row["loss"]))


@pytest.fixture(scope="module")
def model_file(tmp_path_factory) -> Path:
    """An untrained cifar10 network whose shuffles, groups and norms the reader must all know."""
    path = tmp_path_factory.mktemp("model") / "model.h5"
    TASKS["cifar10"].networks["shufflenet"]().save(path)
    return path


def test_a_file_answers_as_the_network_it_was_saved_from(model_file, tmp_path):
    images = drawn("cifar10").x_test[:2]
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


def test_a_finished_run_whose_model_is_not_kept_is_named(tmp_path, capsys):
    data = drawn()
    run = StudyRun(tmp_path, settings(epochs=20, batch=100))
    run.finish(dict.fromkeys(RESULT_KEYS, 1))
    assert main(["predict", str(tmp_path / "model.h5"), "seven.png"]) == 2
    assert "keeps its figures but not its model" in capsys.readouterr().err
    arguments = ["digits", "--model", "eff", "--data", str(written(data, tmp_path / "digits.npz"))]
    assert main([*arguments, "--run", str(tmp_path)]) == 0
    assert "its model is not kept" in capsys.readouterr().out


def test_each_network_keeps_the_model_of_one_published_run():
    models = {}
    for run in read_runs(ROOT / "docs" / "study" / "runs"):
        files = models.setdefault((run.settings["task"], run.settings["model"]), [])
        files += run.folder.glob("model.h5")
    assert {network: len(files) for network, files in models.items()} == dict.fromkeys(models, 1)


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


@pytest.mark.slow
def test_help_needs_no_keras():
    script = "import sys; from training.study.__main__ import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    script += "assert not {'keras', 'tensorflow', 'numpy'} & set(sys.modules)"
    process = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "examples:" in process.stdout
