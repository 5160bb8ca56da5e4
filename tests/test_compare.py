"""The comparison: intervals that say what they should, and a command that measures, trains, goes on, and warns."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from models.card import describes, read_card
from models.convert import convert
from simulator.replay.agreement import agreement
from tests.model_files import saved
from tests.network_files import litert, network, onnx_model, saved_onnx
from tests.ray_lock import ray_lock
from training.compare.__main__ import _parse, main
from training.compare.intervals import BLOCK_S, blocks, over_blocks, over_seeds
from training.compare.names import distinct_names
from training.compare.pareto import pareto_front
from training.compare.runs import train_all
from training.jobs.runner import joined_cluster

ROOT = Path(__file__).parent.parent
EFF = ROOT / "models" / "eff.h5"


def signals(rows: int = 600) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An answer that follows the steering with errors as slow as the road, and blocks of 50 rows."""
    rng = np.random.default_rng(4)
    steering = np.sin(np.arange(rows) / 17)
    answer = steering + 0.3 * np.repeat(rng.normal(size=rows // 50), 50)
    return answer, steering, np.arange(rows) // 50


def test_an_interval_over_seeds_is_students():
    interval = over_seeds([0.1, 0.2, 0.3])
    assert interval.value == pytest.approx(0.2)
    assert (interval.low, interval.high) == pytest.approx((0.2 - 4.303 * 0.1 / 3**0.5, 0.2 + 4.303 * 0.1 / 3**0.5))
    assert np.isnan(over_seeds([0.1]).low)


def test_a_figure_over_blocks_is_that_of_all_rows_and_lies_in_its_interval():
    answer, steering, block = signals()
    plain, intervals = agreement(answer, steering).figures(), over_blocks(answer, steering, block)
    for name in ("mae", "bias", "correlation"):
        assert intervals[name].value == pytest.approx(plain[name])
        assert intervals[name].low < intervals[name].value < intervals[name].high


def test_neighbours_do_not_count_as_independent():
    answer, steering, block = signals()
    rows = over_blocks(answer, steering, np.arange(answer.size))["bias"]
    roads = over_blocks(answer, steering, block)["bias"]
    assert roads.high - roads.low > 4 * (rows.high - rows.low)


def test_what_cannot_be_told_is_nan():
    steering = np.sin(np.arange(100.0))
    intervals = over_blocks(np.zeros(100), steering, np.arange(100) // 10)
    assert np.isnan([intervals["correlation"].value, intervals["correlation"].low]).all()
    assert np.isnan(over_blocks(steering, steering, np.zeros(100, np.intp))["mae"].low)


def test_blocks_are_stretches_of_time_and_end_where_recording_stopped():
    time_s = np.concatenate([np.arange(0, 2 * BLOCK_S, 0.5), np.arange(1000, 1000 + BLOCK_S, 0.5)])
    expected = np.repeat([0, 1, 2], 20)
    np.testing.assert_array_equal(blocks(time_s, 1.5), expected)


def test_the_front_holds_what_nothing_beats_in_both():
    assert pareto_front([(3, 1), (1, 5), (2, 5), (2, 3), (4, 2)]) == [(1, 5), (2, 3), (3, 1)]


def test_files_of_one_name_are_told_apart():
    assert distinct_names([Path("a/eff.h5"), Path("b/eff.h5"), Path("b/small.h5")]) == ["a-eff", "b-eff", "small"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.h5"], "no such file or folder: nowhere.h5"),
        ([], "name at least one model"),
        (["--train", "eff"], "belong together"),
        ([str(EFF), "--frames", "1"], "--frames 10 to 100000"),
        ([str(EFF), "--laps", "0"], "--laps"),
        (["--train", "resnet", "--on", "."], "resnet"),
        ([str(EFF), "--workers", "2"], "--workers, --ray and --shared are for trainings"),
        (["--train", "eff", "--on", ".", "--shared"], "give --ray, too"),
    ],
)
def test_bad_words_are_refused_before_anything_is_loaded(arguments, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_a_shipped_model_and_a_finished_file_in_one_table(tmp_path, make_recording, capsys):
    finished, recording = tmp_path / "finished.tflite", make_recording(rows=300)
    convert(EFF, finished)
    arguments = [
        str(EFF),
        str(finished),
        str(recording),
        "--out",
        str(tmp_path / "out"),
        "--laps",
        "0.02",
        "--frames",
        "10",
    ]
    assert main(arguments) == 0
    rows = {row["network"] + (row["weights"] or ""): row for row in read(tmp_path)["rows"]}
    assert list(rows) == ["efffloat32", "efffloat16", "effint8", "finished"]
    whole, small, trained_run = rows["efffloat32"], rows["effint8"], rows["finished"]
    assert whole["cost"]["parameters"] == 630_433
    assert set(whole["latency"]) == {"litert", "tensorflow", "keras"}
    assert set(small["latency"]) == set(trained_run["latency"]) == {"litert"}
    assert small["file_bytes"] < 0.3 * whole["file_bytes"]
    assert trained_run["agreement"] == whole["agreement"]
    assert whole["agreement"]["mae"]["low"] < whole["agreement"]["mae"]["high"]
    assert small["agreement"]["mae"]["value"] == pytest.approx(whole["agreement"]["mae"]["value"], abs=0.02)
    assert 0 < whole["driving"]["lake"][0]["distance_m"] < 30
    printed = capsys.readouterr().out
    assert "| eff int8 | 1 | 630,433 | 40.2 |" in printed
    assert printed.startswith((tmp_path / "out" / "comparison.md").read_text()[:200])
    for name in ("pareto.png", "cost.png"):
        with Image.open(tmp_path / "out" / name) as picture:
            assert picture.size[0] > 700


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_networks_are_trained_with_each_seed_and_a_second_call_trains_nothing(
    workers, tmp_path, make_recording, capsys
):
    recording = make_recording(rows=400)
    arguments = [
        "--train",
        "eff-tiny",
        "--seeds",
        "2",
        "--on",
        str(recording),
        "--epochs",
        "1",
        "--track",
        "--frames",
        "10",
    ]
    arguments += ["--out", str(tmp_path / "out"), "--workers", workers]
    assert main(arguments) == 0
    runs = tmp_path / "out" / "runs"
    assert sorted(path.name for path in runs.iterdir()) == ["eff-tiny-seed1", "eff-tiny-seed2"], "no decoded images"
    for folder in runs.iterdir():
        assert {"checkpoint.npz", "epochs.csv", "curves.png", "eff-tiny.json"} <= {
            path.name for path in folder.iterdir()
        }
    models = sorted((tmp_path / "out").rglob("*.h5"))
    assert [read_card(model).seed for model in models] == [1, 2]
    before = [model.stat().st_mtime_ns for model in models]
    row = read(tmp_path)["rows"][0]
    assert len(row["models"]) == 2
    errors = [read_card(model).metrics["all"]["mae"] for model in models]
    assert row["agreement"]["mae"]["value"] == pytest.approx(np.mean(errors))
    assert row["trained_on"] == ["recording"]

    capsys.readouterr()
    assert main([*arguments, str(recording)]) == 0
    assert [model.stat().st_mtime_ns for model in models] == before
    assert "WARNING: eff-tiny learned from recording" in capsys.readouterr().out


@pytest.mark.slow
def test_a_cluster_trains_the_same_network(tmp_path, make_recording, monkeypatch):
    pytest.importorskip("ray")
    recording = str(make_recording(rows=400))
    weights = []
    with ray_lock(), tempfile.TemporaryDirectory(prefix="ray") as short:  # the paths of Ray's sockets have a limit
        monkeypatch.setenv("RAY_TMPDIR", short)
        for pool in (["--workers", "2"], ["--ray", "auto"]):
            out = str(tmp_path / pool[0])
            options = _parse(["--train", "eff-tiny", "--on", recording, "--epochs", "1", "--out", out, *pool])
            with joined_cluster(options):
                ((model,),) = train_all(options, "tensorflow").values()
            assert describes(read_card(model), model)
            assert str(model) in (model.parent / "progress.js").read_text(), "the page names the folder at home"
            weights.append(keras.models.load_model(model, compile=False).get_weights())
    here, there = (np.concatenate([weight.reshape(-1) for weight in of_model]) for of_model in weights)
    assert np.corrcoef(here, there)[0, 1] > 0.9999, (
        "another number of threads rounds otherwise, another seed begins anew"
    )


@pytest.mark.slow
def test_a_training_that_fails_does_not_keep_the_others_from_training(tmp_path, make_recording, capsys):
    run = tmp_path / "out" / "runs" / "eff-tiny-seed1"
    run.mkdir(parents=True)
    (run / "settings.json").write_text("{}")
    arguments = ["--train", "eff-tiny", "--on", str(make_recording(rows=400)), "--epochs", "1", "--seeds", "2"]
    assert main([*arguments, "--out", str(tmp_path / "out"), "--workers", "2"]) == 2
    assert "eff-tiny-seed1: " in (text := capsys.readouterr().out)
    assert "holds a run with other settings" in text
    assert (tmp_path / "out" / "runs" / "eff-tiny-seed2" / "eff-tiny.h5").exists()


@pytest.mark.slow
def test_strangers_of_every_kind_in_one_table(tmp_path, make_recording, capsys):
    """Each with its text; a recording is given by its csv, as every other command takes it."""
    shape, text = (66, 200, 3), "size=66x200, scale=1/255"
    model = network(shape)
    keras_file = saved(keras.Model(model.input, model.output["steering"]), tmp_path / "keras.h5")
    tflite = litert(tmp_path / "lite.tflite", model)
    onnx_file = saved_onnx(tmp_path / "torch.onnx", onnx_model((1, 3, 66, 200)))
    recording = make_recording(rows=60) / "driving_log.csv"
    models = [f"{file}:{text}" for file in (keras_file, tflite, onnx_file)]
    assert main([*models, str(recording), "--out", str(tmp_path / "out"), "--track", "--frames", "10"]) == 0
    rows = {row["network"] + (row["weights"] or ""): row for row in read(tmp_path)["rows"]}
    assert list(rows) == ["kerasfloat32", "kerasfloat16", "kerasint8", "lite", "torch"]
    assert [set(rows[name]["latency"]) for name in ("kerasfloat32", "lite", "torch")] == [
        {"litert", "tensorflow", "keras"},
        {"litert"},
        {"onnx"},
    ]
    assert [row["cost"] is None for row in rows.values()] == [False, False, False, True, True]
    errors = [rows[name]["agreement"]["mae"]["value"] for name in ("kerasfloat32", "lite", "torch")]
    assert errors == pytest.approx([errors[0]] * 3, abs=1e-4)
    table = capsys.readouterr().out
    assert "torch has no cost, no other engine and no other weights: the layers of a .onnx file cannot be read" in table
    with Image.open(tmp_path / "out" / "pareto.png") as picture:
        assert picture.size[0] > 700


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"nothing", b"\x89HDF\r\n\x1a\n" + bytes(100)])
def test_a_wrong_model_is_one_clear_line_before_any_work(content, tmp_path, capsys):
    """The second of these begins like a model, so only opening it shows that it is none."""
    (tmp_path / "broken.h5").write_bytes(content)
    assert main([str(EFF), str(tmp_path / "broken.h5"), "--out", str(tmp_path / "out")]) == 2
    assert "broken.h5" in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "out").exists()


def read(tmp_path: Path) -> dict:
    return json.loads((tmp_path / "out" / "comparison.json").read_text())
