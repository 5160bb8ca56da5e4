"""The GPU's benchmark: sections have their time, figures come from processes of their own, and failures are named."""

import json
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.gpu.__main__ import SECTIONS, main, measure
from benchmarks.gpu.child import figures_of
from benchmarks.gpu.plan import SHARES, BenchmarkPlan, Clock, Variant, section_ends, smaller
from benchmarks.gpu.recording import drawn_recording, megabytes
from benchmarks.gpu.seeds import measure_seeds
from benchmarks.gpu.trained import estimate, measure_trained, times
from benchmarks.gpu.training import measure_training

ROOT = Path(__file__).parent.parent
VARIANT = Variant(batch=4)


def test_the_sections_share_the_time_in_their_order():
    assert list(SECTIONS) == list(SHARES)
    ends = section_ends(tuple(SHARES), 5.0)
    assert list(ends) == list(SHARES)
    assert ends["engines"] == pytest.approx(96)
    assert ends["fleets"] == pytest.approx(300)
    assert section_ends(["fleets"], 2.0) == {"fleets": pytest.approx(120)}


def test_a_machine_without_a_gpu_measures_less():
    plan, small = BenchmarkPlan(), smaller(BenchmarkPlan())
    assert small.largest < plan.largest
    assert len(small.models) == 1
    assert max(variant.batch for variant in small.variants) == 32
    assert max(small.clients) < max(plan.clients)


def test_a_child_that_fails_says_why():
    rows, reason = figures_of("benchmarks.gpu.engine", ["litert", "models/none.h5"], 60)
    assert rows == []
    assert "none.h5" in reason


def test_without_time_nothing_is_started():
    assert figures_of("no.such.module", [], 0.0) == ([], "no time was left")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows gives no output of a process that was stopped")
def test_what_a_stopped_child_has_printed_counts(tmp_path, monkeypatch):
    monkeypatch.setattr("inference.child_process.ROOT", tmp_path)
    (tmp_path / "endless.py").write_text(
        'import threading\nprint(\'{"a": 1}\\nno figure\\n{"half\', flush=True)\nthreading.Event().wait()\n'
    )
    rows, reason = figures_of("endless", [], 1.0)
    assert rows == [{"a": 1}]
    assert "stopped after 1 s" in reason


def test_the_estimate_is_in_proportion_to_the_shipped_models_images():
    figures = {
        "model": "eff",
        "decoded": 100,
        "decode_s": 2.0,
        "ready_s": 6.0,
        "images": 50,
        "epoch_s": [9.0, 1.0, 1.5],
        "start_s": 3.0,
    }
    card = {"model": "eff", "data": [{"rows": 400}, {"rows": 600}], "samples": 5000, "recipe": {"batch": 32}}
    first, _ = estimate(figures, card)
    assert f"{3.0 + 4.0 + 60.0 + 9.0 + 100.0:.0f} s for the shipped eff" in first
    assert "not measured" in first
    assert "3,000 images and learned 5,000" in first
    more = {"backend": "jax", "device": "CPU", "total_s": 20.0}
    assert "0.1 MB" in times({**figures, **more}, 0.1)[0]


def test_a_drawn_recording_fits_into_what_is_carried(tmp_path):
    recording = drawn_recording(tmp_path / "recording", 60)
    assert megabytes(recording) / 60 * BenchmarkPlan().rows < 50


def test_a_mistyped_section_is_refused(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--sections", "engine"])
    assert end.value.code == 2
    assert "engines" in capsys.readouterr().err


@pytest.mark.slow
def test_training_steps_are_measured_in_each_way(tmp_path):
    pytest.importorskip("jax")
    variants = [
        replace(VARIANT, model="eff-tiny", form=form, augmented=form == "shifted") for form in ("shifted", "grouped")
    ]
    plan = BenchmarkPlan(
        variants=[*variants, Variant("no-network")], seconds=0.05, recording=drawn_recording(tmp_path / "r", 60)
    )
    clock = Clock(time.monotonic() + 200)
    (table,) = measure_training(plan, clock, tmp_path)
    rows = [line.split() for line in table.splitlines()[2:]]
    assert [row[:5] for row in rows] == [
        ["eff-tiny", "4", "shifted", "float32", "yes"],
        ["eff-tiny", "4", "grouped", "float32", "no"],
    ]
    assert all(float(row[5].replace(",", "")) > 0 for row in rows)
    (failure,) = clock.failures
    assert failure.startswith("training step of no-network")


@pytest.mark.slow
def test_seeds_are_measured_side_by_side_and_one_after_another(tmp_path):
    pytest.importorskip("jax")
    plan = BenchmarkPlan(
        seed_networks=["eff-tiny", "no-network"], seeds=2, seconds=0.0, recording=drawn_recording(tmp_path / "r", 60)
    )
    clock = Clock(time.monotonic() + 300)
    (table,) = measure_seeds(plan, clock, tmp_path)
    (row,) = table.splitlines()[2:]
    network, batch, seeds, alone_ms, _, together_ms, _, ratio, rounds = row.split()
    assert (network, batch, seeds, rounds) == ("eff-tiny", "32", "2", "3")
    assert float(alone_ms.replace(",", "")) / float(together_ms.replace(",", "")) == pytest.approx(
        float(ratio), abs=0.01
    )
    (failure,) = clock.failures
    assert failure.startswith("2 seeds of no-network side by side")


@pytest.mark.slow
def test_a_short_training_is_timed(tmp_path):
    plan = BenchmarkPlan(recording=drawn_recording(tmp_path / "recording", 100), epochs=2, steps=2, batch=4)
    clock = Clock(time.monotonic() + 300)
    (text,) = measure_trained(plan, clock, tmp_path)
    assert clock.failures == []
    assert "to decode 300 images once" in text
    assert "2 epochs of 8 images" in text
    assert (tmp_path / "run" / "model.h5").exists()


@pytest.mark.slow
def test_fleets_and_engines_are_measured_and_a_missing_engine_is_named(capsys):
    plan = BenchmarkPlan(
        models=[Path("models/eff.h5")],
        engines=["litert", "onnx"],
        seconds=0.05,
        largest=8,
        clients=[1, 2],
        fleet_engines=["litert"],
        fleet_s=1.0,
        minutes=3.0,
    )
    (failure,) = measure(plan, ["engines", "fleets"])
    assert failure.startswith("onnx with eff.h5")
    printed = capsys.readouterr().out
    assert "eff.h5 on litert" in printed
    assert re.search(r"^ +2 +1 .* 40 +0 ", printed, re.MULTILINE), "2 simulators, 1 worker, 40 answered, 0 unanswered"


@pytest.mark.slow
def test_the_command_prints_json_lines_of_its_steps(tmp_path):
    recording = drawn_recording(tmp_path / "recording", 60)
    variants = json.dumps([{"model": "eff-tiny", "batch": 4}])
    command = [sys.executable, "-m", "benchmarks.gpu.steps", str(recording), str(tmp_path / "crops"), variants]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(process.stdout.splitlines()[-1])["images_s"] > 0
