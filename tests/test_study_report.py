"""The study's tables: which runs belong together, what stands in each cell, and how damaged files are answered."""

import json
import re
from pathlib import Path

import pytest

from training.run.run_folder import RunError
from training.study import report
from training.study.__main__ import MODELS, main
from training.study.engines.measure import merged, read_engines
from training.study.pictures import draw_rivals
from training.study.recipes import recipe_of
from training.study.report import tables, write_report
from training.study.results import comparable_groups, group_runs, read_runs
from training.study.run import StudyRun, StudySettings

DOCS = Path(__file__).parent.parent / "docs"


def finished(
    folder: Path, model: str, recipe: str, seed: int, accuracy: float, task: str = "digits", epochs: int = 2
) -> None:
    """The small files of a run as it would have ended."""
    folder = folder / f"{model}-{recipe}-{seed}"
    run = StudyRun(
        folder, StudySettings(task, model, recipe, seed, "float32", "digest", recipe_of(task, model, recipe))
    )
    (folder / "epochs.csv").write_text(f"epoch,test_accuracy\n1,0.9\n2,{accuracy}\n")
    run.finish(
        {
            "test_accuracy": accuracy,
            "train_accuracy": 0.99,
            "test_images": 10_000,
            "epochs": epochs,
            "seconds_an_epoch": 10.0 + seed,
            "file_bytes": 300_000,
            "backend": "tensorflow",
        }
    )


def engine_figures(plain_ms: float, slim_ms: float) -> dict:
    networks = {}
    for name, ms, spent in (("digits-baseline", plain_ms, 5_000_000), ("digits-eff", slim_ms, 1_000_000)):
        networks[name] = {
            "multiply_accumulates": spent,
            "file_bytes": 200_000,
            "milliseconds": {"litert": ms, "tensorflow": 1.0, "keras": 30.0, "jax-cpu-shifted": 2 * ms},
            "images_s": {"jax-cpu-shifted": 1000 / ms},
        }
    machine = {"processor": "x", "cores": 2, "load": 0.1}
    places = {
        "tensorflow": {"library": "TensorFlow 2", "device": "CPU", "litert_threads": 1, **machine},
        "jax-cpu": {"library": "JAX 0.10", "device": "CPU", "litert_threads": None, **machine},
    }
    return {"machines": places, "networks": networks}


def table(text: str, title: str) -> list[list[str]]:
    """The cells of the table under a heading, without its head and rule."""
    part = text.partition(f"## {title}\n")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_runs_are_grouped_over_their_seeds(tmp_path):
    for seed, accuracy in ((1, 0.99), (2, 0.992), (3, 0.994)):
        finished(tmp_path, "eff", "ours", seed, accuracy)
    finished(tmp_path, "eff", "origin", 1, 0.98)
    (tmp_path / "unfinished").mkdir()
    origin, ours = sorted(group_runs(read_runs(tmp_path), "digits"), key=lambda group: group.recipe)
    assert origin.accuracy() == "98.00"
    assert ours.accuracy() == "99.20 ± 0.20"
    assert ours.seconds == 11.0
    assert group_runs(read_runs(tmp_path), "cifar10") == []


@pytest.mark.slow
def test_the_report_has_every_runs_figures_and_pictures(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "draw_costs", lambda path: path.write_text("test_study.py draws it"))
    runs, engines, out = tmp_path / "runs", tmp_path / "engines.json", tmp_path / "study" / "tables.md"
    finished(runs, "baseline", "ours", 1, 0.995)
    finished(runs, "eff", "ours", 1, 0.9931)
    finished(runs, "eff", "ours", 2, 0.9941)
    finished(runs, "eff", "origin", 1, 0.98)
    engines.write_text(json.dumps(engine_figures(0.4, 0.1)))
    assert main(["report", "--runs", str(runs), "--engines", str(engines), "--out", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    assert "19,200" in text
    assert [" ".join(row) for row in table(text, "Digits")] == [
        "baseline ours muon 147,658 5.32 300 2 1 99.50 99.00 - 11.0, float32",
        "eff origin adam 68,090 0.96 300 2 1 98.00 99.00 - 11.0, float32",
        "eff ours muon 68,090 0.96 300 2 2 99.36 ± 0.07 99.00 ± 0.00 - 11.0, float32",
    ]
    cifar = {row[0]: row for row in table(text, "CIFAR-10")}
    assert tuple(cifar) == MODELS["cifar10"]
    assert cifar["baseline"][1:5] == ["412,234", "39.56", "79.1", "80.3"]
    assert [row[-3:] for row in (cifar["effnet"], cifar["effnet-1x2"])] == [
        ["not trained yet", "80.20", "-"],
        ["not trained yet", "-", "-"],
    ]
    assert table(text, "Machine") == [
        ["TensorFlow 2", "CPU", "x", "2", "1", "0.1"],
        ["JAX 0.10", "CPU", "x", "2", "-", "0.1"],
    ]
    assert table(text, "Engines")[1] == ["digits-eff", "1.00", "200", "0.100", "1.000", "30.000", "0.200"]
    assert table(text, "Batches of 256") == [
        ["digits-baseline", "5.00", "99.50", "2,500"],
        ["digits-eff", "1.00", "99.36 ± 0.07", "10,000"],
    ]
    assert table(text, "The slim network against the plain one") == [
        ["digits", "baseline", "eff", "5.0", "4.0", "1.0", "1.0", "4.0", "4.0"]
    ]
    assert {path.name for path in out.parent.glob("*.png")} == {"separable.png", "digits.png"}


def test_the_origins_figures_stand_beside_runs_of_as_many_epochs(tmp_path):
    finished(tmp_path, "eff", "origin", 1, 0.98, epochs=50)
    assert table(tables(read_runs(tmp_path), {}), "Digits")[0][-2] == "98.32"


def test_rivals_trained_alike_are_set_beside_one_another(tmp_path):
    for model, accuracy in (("effnet", 0.78), ("mobilenet", 0.80), ("shufflenet", 0.77), ("baseline", 0.85)):
        finished(tmp_path, model, "ours", 1, accuracy, "cifar10")
    finished(tmp_path, "eff", "ours", 1, 0.99)
    runs, way = read_runs(tmp_path), "ours, adam, 2 epochs"
    assert table(tables(runs, {}), "CIFAR-10, trained alike") == [
        [way, "shufflenet", "2.23", "1", "77.00", "none"],
        [way, "mobilenet", "2.91", "1", "80.00", "none"],
        [way, "effnet", "5.60", "1", "78.00", "mobilenet"],
        [way, "baseline", "39.56", "1", "85.00", "none"],
    ]
    draw_rivals(comparable_groups(group_runs(runs, "cifar10")), tmp_path / "rivals.png")
    assert (tmp_path / "rivals.png").stat().st_size > 5000


def test_a_network_trained_otherwise_is_no_rival(tmp_path):
    finished(tmp_path, "eff", "origin", 1, 0.98)
    finished(tmp_path, "baseline", "ours", 1, 0.99)
    assert comparable_groups(group_runs(read_runs(tmp_path), "digits")) == []


def test_the_tables_in_docs_are_those_of_the_runs():
    document = (DOCS / "study" / "tables.md").read_text(encoding="utf-8")
    assert tables(read_runs(DOCS / "study" / "runs"), read_engines(DOCS / "study" / "engines.json")) == document


def test_every_figure_of_the_prose_stands_in_a_table_and_every_link_leads_somewhere():
    figure = re.compile(r"\d+(?:[.,]\d+)+")
    prose = (DOCS / "study.md").read_text(encoding="utf-8")
    text = (DOCS / "study" / "tables.md").read_text(encoding="utf-8")
    figures = figure.findall(prose)
    assert len(figures) > 50
    assert set(figures) <= set(figure.findall(text))
    for link in re.findall(r"\]\(([^)]+)\)", prose):
        file, _, heading = link.partition("#")
        assert (DOCS / file).exists(), link
        lines = (DOCS / file).read_text(encoding="utf-8").splitlines() if heading else []
        headings = {"-".join(re.findall(r"[\w-]+", line.lower())) for line in lines if line.startswith("#")}
        assert not heading or heading in headings, link


def test_a_network_without_a_figure_has_a_dash():
    measured = engine_figures(0.4, 0.1)
    slim = measured["networks"]["digits-eff"]
    del slim["milliseconds"]["litert"], slim["file_bytes"], slim["images_s"]["jax-cpu-shifted"]
    text = tables([], measured)
    assert table(text, "Engines")[1] == ["digits-eff", "1.00", "-", "-", "1.000", "30.000", "0.200"]
    assert table(text, "Batches of 256")[1] == ["digits-eff", "1.00", "-", "-"]
    assert table(text, "The slim network against the plain one")[0][4:] == ["-", "1.0", "1.0", "4.0", "-"]


def test_figures_of_another_library_are_added_to_those_of_the_file():
    older = engine_figures(0.4, 0.1)
    machine = {**older["machines"]["jax-cpu"], "load": 7.0}
    figures = {"milliseconds": {"jax-cpu-shifted": 9.0}, "images_s": {"jax-cpu-shifted": 8.0}}
    both = merged(older, {"machines": {"jax-cpu": machine}, "networks": {"digits-eff": figures}})
    assert both["machines"] == {"tensorflow": older["machines"]["tensorflow"], "jax-cpu": machine}
    assert both["networks"]["digits-baseline"] == older["networks"]["digits-baseline"]
    assert both["networks"]["digits-eff"]["milliseconds"] == {
        "litert": 0.1,
        "tensorflow": 1.0,
        "keras": 30.0,
        "jax-cpu-shifted": 9.0,
    }
    assert both["networks"]["digits-eff"]["file_bytes"] == 200_000
    assert merged({}, older) == older


@pytest.mark.parametrize("content", ["nothing", "{}", '{"networks": {"a": {}}, "machines": {}}', '{"networks": []}'])
def test_damaged_engine_figures_are_refused(content, tmp_path):
    (tmp_path / "engines.json").write_text(content)
    with pytest.raises(ValueError, match="no engine figures"):
        write_report(tmp_path, tmp_path / "engines.json", tmp_path / "study.md")


@pytest.mark.parametrize("content", ["nothing", "{}", "[]"])
def test_a_damaged_result_is_named(content, tmp_path):
    finished(tmp_path, "eff", "ours", 1, 0.99)
    (tmp_path / "eff-ours-1" / "result.json").write_text(content)
    with pytest.raises(RunError, match=r"result\.json"):
        read_runs(tmp_path)
