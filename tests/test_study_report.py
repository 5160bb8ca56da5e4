"""The study's report: which runs belong together, what their figures say, and what damaged files are answered with."""

import json
from pathlib import Path

import pytest

from training.run_folder import RunError
from training.study.__main__ import MODELS, main
from training.study.conclusion import conclusion
from training.study.recipes import recipe_of
from training.study.report import write_report
from training.study.results import grouped, read_runs
from training.study.rivals import contest_rows, contests
from training.study.run import Run, Settings


def finished(folder: Path, model: str, recipe: str, seed: int, accuracy: float, task: str = "digits") -> None:
    """The small files of a run as it would have ended."""
    folder = folder / f"{model}-{recipe}-{seed}"
    run = Run(folder, Settings(task, model, recipe, seed, "float32", "digest", recipe_of(task, model, recipe)))
    (folder / "epochs.csv").write_text(f"epoch,test_accuracy\n1,0.9\n2,{accuracy}\n")
    run.finish(
        {
            "test_accuracy": accuracy,
            "train_accuracy": 0.99,
            "test_images": 10_000,
            "epochs": 2,
            "seconds_an_epoch": 10.0 + seed,
            "file_bytes": 300_000,
            "backend": "tensorflow",
        }
    )


def engine_figures(plain_ms: float, slim_ms: float) -> dict:
    networks = {}
    for name, ms, spent in (("digits-baseline", plain_ms, 5_000_000), ("digits-eff", slim_ms, 1_000_000)):
        milliseconds = {"litert": ms, "tensorflow": 1.0, "keras": 30.0}
        networks[name] = {
            "multiply_accumulates": spent,
            "file_bytes": 200_000,
            "milliseconds": milliseconds,
        }
    return networks


def test_runs_are_grouped_over_their_seeds(tmp_path):
    for seed, accuracy in ((1, 0.99), (2, 0.992), (3, 0.994)):
        finished(tmp_path, "eff", "ours", seed, accuracy)
    finished(tmp_path, "eff", "origin", 1, 0.98)
    (tmp_path / "unfinished").mkdir()
    origin, ours = sorted(grouped(read_runs(tmp_path), "digits"), key=lambda group: group.recipe)
    assert origin.accuracy() == "98.00"
    assert ours.accuracy() == "99.20 ± 0.20"
    assert ours.seconds == 11.0
    assert grouped(read_runs(tmp_path), "cifar10") == []


def test_the_report_has_every_runs_figures_and_pictures(tmp_path, capsys):
    runs, engines, out = tmp_path / "study" / "runs", tmp_path / "study" / "engines.json", tmp_path / "study.md"
    finished(runs, "baseline", "ours", 1, 0.995)
    finished(runs, "eff", "ours", 1, 0.9931)
    finished(runs, "eff", "origin", 1, 0.9999)
    machine = {"processor": "x", "cores": 2, "litert_threads": 2, "gpu": None, "load": 0.1, "tensorflow": "2"}
    engines.write_text(json.dumps({"machine": machine, "networks": engine_figures(0.4, 0.1)}))
    assert main(["report", "--runs", str(runs), "--engines", str(engines), "--out", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    for figure in ("147,658", "68,090", "99.31", "99.50", "19,200", "82.78", "4.0 times faster in LiteRT", "0.100"):
        assert figure in text
    assert "loses 0.19 points" in text
    assert text.count("points of accuracy") == 1, "no baseline is trained as the other eff is"
    assert text.count("not trained yet") == len(MODELS["cifar10"])
    assert {path.name for path in (tmp_path / "study").glob("*.png")} == {"separable.png", "digits.png"}
    tables = [
        table for part in text.split("\n\n") if (table := [*filter(lambda line: line[:1] == "|", part.splitlines())])
    ]
    assert len(tables) == 3
    for table in tables:
        assert len({line.count("|") for line in table}) == 1, table[0]


def test_the_conclusion_says_what_the_figures_say():
    assert "4.0 times faster in LiteRT" in conclusion([], engine_figures(0.4, 0.1))
    slow = conclusion([], engine_figures(0.1, 0.3))
    assert "3.0 times slower in LiteRT" in slow
    assert "in LiteRT the saving is seen nowhere" in slow
    assert "no faster (1.00 times) in a TensorFlow graph" in slow
    assert conclusion([], {}) == "## When EffNet pays"


def test_rivals_trained_alike_are_set_beside_one_another(tmp_path):
    for model, accuracy in (("effnet", 0.78), ("mobilenet", 0.80), ("shufflenet", 0.77), ("baseline", 0.85)):
        finished(tmp_path, model, "ours", 1, accuracy, "cifar10")
    finished(tmp_path, "eff", "ours", 1, 0.99)
    (contest,) = contests(grouped(read_runs(tmp_path), "cifar10"))
    assert [group.model for group in contest.groups] == ["shufflenet", "mobilenet", "effnet", "baseline"]
    assert [contest.beaten_by(number) for number in range(4)] == [[], [], ["mobilenet"], []]
    assert contest_rows(contest)[2].split(" | ")[1:] == ["`effnet`", "5.60", "1", "78.00", "`mobilenet`"]
    write_report(tmp_path, tmp_path / "engines.json", tmp_path / "study.md")
    text = (tmp_path / "study.md").read_text(encoding="utf-8")
    assert "### Rivals, trained alike" in text
    assert contest_rows(contest)[2] in text
    assert (tmp_path / "study" / "cifar10-rivals.png").stat().st_size > 5000
    said = conclusion(read_runs(tmp_path), {})
    assert "against `mobilenet`, trained alike (ours, adam, 2 epochs), `effnet` loses 2.00 points" in said
    assert "against `shufflenet`, trained alike (ours, adam, 2 epochs), `effnet` gains 1.00 points" in said
    assert "(78.00 % and 80.00 %) for 1.9 times" in said


def test_a_network_trained_otherwise_is_no_rival(tmp_path):
    finished(tmp_path, "eff", "origin", 1, 0.98)
    finished(tmp_path, "baseline", "ours", 1, 0.99)
    assert contests(grouped(read_runs(tmp_path), "digits")) == []


@pytest.mark.parametrize("content", ["nothing", "{}", '{"networks": {"a": {}}, "machine": {}}', '{"networks": []}'])
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
