"""The confidence: what a network notices in roads and in other pictures becomes an output that every engine gives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

from inference.engine import Engine, open_engine
from inference.observations import Observations
from models.card import describes, read_card
from models.confidence.classifier import FrameClassifier
from models.confidence.output import with_confidence
from models.confidence.statistics import statistics_of
from models.convert import convert, litert_bytes
from models.loading import load_steering_model
from models.steering import BUILDERS
from protocol.messages import LOST, SURE
from tests.conftest import road_frame
from training.confidence.__main__ import main
from training.confidence.exposure import EXPOSURES, Exposure, exposures, upside_down
from training.confidence.figures import area_under_curve, confidence_figures
from training.confidence.fit import fit_confidence, learned_views
from training.confidence.measure import main as measure
from training.confidence.unlike import PICTURES
from training.data.crops import decode_crops
from training.data.samples import TRAIN, load_whole
from training.run.network import build
from training.run.recipe import Recipe
from training.run.run import TrainingRun, TrainingSettings
from training.run.train import Training

NOISE = np.random.default_rng(5).integers(0, 256, (8, 160, 320, 3), np.uint8)
ROADS = np.stack([road_frame(steering) for steering in np.linspace(-0.9, 0.9, 64)])
UNLIKE = exposures(ROADS, 64, 3)
TINY = replace(Recipe(), epochs=1, batch=8, average_horizon_steps=3, refit_epochs=0, driven_checkpoints=0)


def classifier_of(model: keras.Model) -> FrameClassifier:
    """What tells a network's drawn roads from other pictures."""
    statistics = keras.Model(model.inputs, statistics_of(model))
    return FrameClassifier.of(statistics.predict_on_batch(ROADS), statistics.predict_on_batch(UNLIKE))


@pytest.fixture(scope="module")
def model() -> keras.Model:
    """An untrained network that is confident on drawn roads."""
    keras.utils.set_random_seed(4)
    plain = BUILDERS["eff-tiny"]()
    return with_confidence(plain, classifier_of(plain))


@pytest.fixture(scope="module")
def file(model: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of this model."""
    path = tmp_path_factory.mktemp("confident") / "confident.h5"
    model.save(path)
    return path


def test_what_is_odd_in_any_direction_is_unlike():
    generator = np.random.default_rng(1)
    learned = generator.normal(size=(2000, 4)) * (5.0, 1.0, 1.0, 1.0) + (1.0, 2.0, 3.0, 4.0)
    around = generator.normal(size=(1000, 4))
    around *= (20.0, 4.0, 4.0, 4.0) / np.linalg.norm(around, axis=1, keepdims=True)
    classifier = FrameClassifier.of(learned, around + (1.0, 2.0, 3.0, 4.0))
    assert area_under_curve(classifier.odds(learned), classifier.odds(around + (1.0, 2.0, 3.0, 4.0))) > 0.95
    assert classifier.odds(np.array([[1.0, 2, 3, 1e6], [1, 2, 3, -1e6]])).max() < -1.0


def test_the_classifier_ends_where_both_sides_weigh_the_same():
    generator = np.random.default_rng(2)
    learned, unlike = generator.normal(0.0, 1.0, (900, 3)), generator.normal(1.0, 1.0, (300, 3))
    classifier = FrameClassifier.of(learned, unlike)
    chances = [1 / (1 + np.exp(-classifier.odds(values))) for values in (learned, unlike)]
    assert chances[0].mean() + chances[1].mean() == pytest.approx(1.0, abs=1e-4), "so the slope of the bias is 0"


def test_layers_compute_what_was_fitted(model: keras.Model):
    plain = keras.Model(model.inputs, model.outputs[:1])
    statistics = keras.Model(model.inputs, model.get_layer("confidence_statistics").output)
    frames = np.concatenate([ROADS[:8], NOISE])
    expected = 1 / (1 + np.exp(-classifier_of(plain).odds(statistics.predict_on_batch(frames))))
    np.testing.assert_allclose(model.predict_on_batch(frames)[1][:, 0], expected, atol=1e-4)


def test_roads_are_trusted_and_noise_is_not(model: keras.Model):
    _, confidence = model.predict_on_batch(ROADS)
    assert np.median(confidence) > SURE
    _, confidence = model.predict_on_batch(NOISE)
    assert confidence.max() < LOST


def test_the_steering_stays_as_it_was():
    plain = BUILDERS["eff-tiny"]()
    before = plain.predict_on_batch(NOISE)
    after, _ = with_confidence(plain, classifier_of(plain)).predict_on_batch(NOISE)
    np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize("name", BUILDERS)
def test_each_network_can_have_one(name: str):
    model = BUILDERS[name]()
    statistics = keras.Model(model.inputs, statistics_of(model))
    values = np.random.default_rng(0).normal(size=(40, statistics.output_shape[-1]))
    confident = with_confidence(model, FrameClassifier.of(values[:20], values[20:]))
    assert confident.output_names == ["steering", "confidence"]


def check(engine: Engine, model: keras.Model) -> None:
    """Check that an engine answers as the model does."""
    frames = np.concatenate([ROADS[:3], NOISE[:1]])
    assert engine.answers == ("steering", "confidence")
    np.testing.assert_allclose(engine.run(frames), np.concatenate(model.predict_on_batch(frames), 1), atol=1e-3)
    observations = Observations()
    observations.add(ROADS[0])
    answer = engine.answer(observations)
    assert answer.throttle is None
    assert answer.confidence == pytest.approx(float(model.predict_on_batch(ROADS[:1])[1][0, 0]), abs=1e-3)


@pytest.mark.parametrize("name", ["litert", "tensorflow", "keras"])
def test_engines_of_a_keras_file_give_it(name: str, file: Path, model: keras.Model):
    engine = open_engine(file, name)
    assert not engine.throttles
    check(engine, model)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".tflite", ".onnx"])
def test_converted_files_give_it(suffix: str, file: Path, model: keras.Model, tmp_path: Path):
    out = tmp_path / f"alone{suffix}"
    convert(file, out)
    check(open_engine(out), model)


def test_a_confidence_leaves_the_network_in_one_piece(file: Path):
    content = litert_bytes(load_steering_model(file).model, confident=True)
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    names = [operation["op_name"] for operation in interpreter._get_ops_details()]
    assert names.count("DELEGATE") == 1, "XNNPACK no longer takes the graph in one piece"


def test_a_loaded_file_names_its_answers(file: Path):
    network = load_steering_model(file)
    assert network.answers == ("steering", "confidence")
    assert network.notes == (), "there is nothing to choose"


def test_learned_views_are_plain_and_moved_ones(make_recording):
    drives = load_whole([make_recording(rows=30)], TINY, TRAIN)
    ((views, pictures),) = learned_views(drives, (60, 136), TINY, seed=1)
    assert views.shape == pictures.shape == (len(views), 76, 320, 3)
    assert views.dtype == pictures.dtype == np.uint8
    plain, moved = np.split(views, 2)
    assert not np.array_equal(plain, moved)
    difference = plain.mean((1, 2, 3), dtype=np.float64) - moved.mean((1, 2, 3), dtype=np.float64)
    assert np.abs(difference).max() < 12, "their light stays"


@pytest.mark.parametrize("exposure", EXPOSURES)
def test_exposures_are_pictures_and_always_the_same(exposure: Exposure):
    frame, other = road_frame(0.3), road_frame(-0.5)
    pictures = [exposure(frame, other, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert all(picture.shape == (160, 320, 3) and picture.dtype == np.uint8 for picture in pictures)
    np.testing.assert_array_equal(pictures[0], pictures[1])
    assert np.abs(pictures[0].astype(float) - frame).mean() > 5


def test_exposures_take_turns():
    pictures = exposures(ROADS, 2 * len(EXPOSURES), seed=1)
    assert pictures.shape == (2 * len(EXPOSURES), 160, 320, 3)
    place = EXPOSURES.index(upside_down)
    for picture in (pictures[place], pictures[len(EXPOSURES) + place]):
        assert any(np.array_equal(picture[::-1], road) for road in ROADS)


def test_a_fitted_model_knows_its_recording(make_recording):
    drives = load_whole([make_recording(rows=60)], TINY, TRAIN)
    model = build("eff-tiny", TINY, "float32")
    confident = fit_confidence(model, drives, TINY, seed=1)
    _, known = confident.predict_on_batch(decode_crops(drives[0].images[:, 0], (0, 160)))
    _, unlike = confident.predict_on_batch(NOISE)
    assert np.median(known) > SURE
    assert unlike.max() < LOST


@pytest.mark.slow
def test_the_command_gives_a_trained_model_another_confidence(make_recording, tmp_path: Path):
    recording = make_recording(rows=100)
    settings = TrainingSettings("eff-tiny", (str(recording),), 3, None, "float32", TINY)
    training = Training(settings, TrainingRun(tmp_path / "run", settings), load_whole([recording], TINY, TRAIN))
    training.store.keep_metrics({})
    training.finish(tmp_path / "first.h5", [])
    first, second = tmp_path / "first.h5", tmp_path / "second.h5"
    assert main([str(first), str(recording), "--out", str(second), "--seed", "7"]) == 0
    card = read_card(second)
    assert describes(card, second)
    assert not describes(card, first), "it has another confidence"
    steering = [load_steering_model(path).model.predict_on_batch(NOISE) for path in (first, second)]
    np.testing.assert_array_equal(steering[0][:, 0], steering[1][:, 0])


def test_the_command_refuses_a_model_without_a_card(file: Path, make_recording, capsys):
    assert main([str(file), str(make_recording()), "--out", str(file.with_name("out.h5"))]) == 2
    assert "no card" in capsys.readouterr().err


def test_the_area_under_the_curve_is_a_chance():
    generator = np.random.default_rng(3)
    known, unlike = generator.normal(1.0, size=400), generator.normal(0.0, size=500)
    pairs = (known[:, None] > unlike).mean()
    assert area_under_curve(known, unlike) == pytest.approx(pairs)
    assert area_under_curve(np.ones(3), np.ones(4)) == 0.5


@pytest.mark.parametrize("name", PICTURES)
def test_unlike_pictures_are_frames_and_always_the_same(name: str):
    frame = road_frame(0.3)
    pictures = [PICTURES[name](frame, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert all(picture.shape == (160, 320, 3) and picture.dtype == np.uint8 for picture in pictures)
    np.testing.assert_array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[0], frame)


@pytest.mark.parametrize("name", ["shuffled tiles", "shuffled rows", "shuffled pixels", "upside down"])
def test_shuffling_keeps_all_pixels(name: str):
    frame = road_frame(0.3)
    before, after = (
        np.sort(picture.reshape(-1, 3), axis=0) for picture in (frame, PICTURES[name](frame, np.random.default_rng(1)))
    )
    np.testing.assert_array_equal(before, after)


def test_the_measure_prints_a_table(file: Path, make_recording, tmp_path: Path, capsys):
    photos = tmp_path / "photos"
    photos.mkdir()
    for number, picture in enumerate(NOISE[:3]):
        Image.fromarray(picture).resize((64, 48)).save(photos / f"{number}.png")
    command = [str(file), "--known", str(make_recording(rows=20)), "--unlike", str(photos), "--count", "10"]
    assert measure(command) == 0
    rows = {line[:24].strip(): line[24:].split() for line in capsys.readouterr().out.splitlines() if line[:1].strip()}
    assert rows["recording"][:2] == ["10", "known"]
    assert rows["photos"][0] == "3"
    assert float(rows["noise"][1]) > 0.99
    assert len(rows["photos"]) == 5, "they were made of no frames"
    assert float(rows["brightness 5"][-1]) > float(rows["shuffled tiles"][-1])


def test_the_measure_names_what_it_cannot_use(file: Path, make_recording, tmp_path: Path, capsys):
    recording = str(make_recording(rows=20))
    assert measure([str(file), "--known", recording, "--unlike", str(tmp_path)]) == 2
    assert "has no .jpg or .jpeg or .png files" in capsys.readouterr().err
    (tmp_path / "broken.png").write_bytes(b"\x89PNG not really")
    assert measure([str(file), "--known", recording, "--unlike", str(tmp_path)]) == 2
    assert "broken.png is no picture" in capsys.readouterr().err


def test_a_cards_figures_are_of_recordings_that_were_not_learned(model: keras.Model, make_recording):
    assert confidence_figures(model, []) == {}
    figures = confidence_figures(model, load_whole([make_recording(rows=30)], TINY, TRAIN))
    assert figures["frames (test)"]["number"] == 30
    assert figures["noise"]["auc"] == 1.0
    assert figures.keys() == {"frames (test)", *PICTURES}
