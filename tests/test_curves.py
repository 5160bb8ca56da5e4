"""The curves of many trainings: what is trained, what is read from the cards, and what is written."""

import json
from pathlib import Path

import pytest

from models import NETWORKS
from models.card import Card, NoCardError
from training.curves import __main__ as curves
from training.curves import trainings
from training.curves.measures import seed_of, track_of
from training.curves.plans import BRIEF, PLANS
from training.curves.report import CurveRow, markdown, write
from training.shipped import data as shipped_data_module
from training.shipped.recordings import LAKE, OTHER_TRACKS, STRANGERS


def card(agreement: float, off_road: int = 0, lake_m: float = 0.2) -> Card:
    """A card of a training whose strangers agree alike, but those of the jungle by 0.1 less."""
    metrics = {
        f"{name}, 1 s means (test)": {"correlation": agreement - 0.1 * name.endswith("jungle"), "bias": -0.01 * number}
        for number, name in enumerate(STRANGERS)
    }
    drive = {"off_road_events": 0.0, "wheels_off_events": 1.0, "mean_cte_m": lake_m, "max_cte_m": 1.0}
    drive["autonomy_percent"] = 100.0
    driving = {f"{name}, 25 mph": dict(drive) for name in ("udacity-lake", "udacity-lake back", "mountain back")}
    driving["udacity-lake back, 25 mph"] |= {"max_cte_m": 1.5, "off_road_events": float(off_road)}
    driving["mountain back, 25 mph"] |= {"mean_cte_m": 9.0, "autonomy_percent": 70.0}
    return Card(
        format=2, model="eff-tiny", description="", parameters=36049, sha256="", seed=1, epochs=3, samples=1,
        data=(), held_out="", recipe={}, metrics=metrics, driving=driving, versions={}, commit="", created="",
        golden=None,  # type: ignore[arg-type]
    )  # fmt: skip


def test_strangers_belong_to_the_track_that_their_folder_names():
    tracks = [track_of(name) for name in STRANGERS]
    assert [tracks.count(track) for track in ("lake", "jungle", "mountain")] == [4, 3, 1]


def test_a_seeds_figures_are_those_of_its_card():
    seed = seed_of(card(0.8, off_road=2, lake_m=0.3))
    assert seed.agreement == pytest.approx({"lake": 0.8, "jungle": 0.7, "mountain": 0.8})
    assert seed.bias == pytest.approx(-0.01 * (len(STRANGERS) - 1))
    assert (seed.off_road, seed.wheels_off) == (2, 3)
    assert (seed.lake_m, seed.furthest_lake_m) == (pytest.approx(0.3), 1.5)
    assert seed.autonomy == pytest.approx(90)


def test_the_table_has_means_over_seeds_with_intervals_and_sums_of_events(tmp_path):
    several = CurveRow("eff-tiny", 36049.0, {"parameters": "36,049"}, [seed_of(card(0.7, 1)), seed_of(card(0.8, 2))])
    one = CurveRow("baseline", 865921.0, {"parameters": "865,921"}, [seed_of(card(0.85))])
    head, _, first, second, *_ = markdown([several, one]).splitlines()
    columns = [cell.strip() for cell in head.split("|")]
    cells, other = ([cell.strip() for cell in line.split("|")] for line in (first, second))
    place = columns.index("agreement, lake")
    assert cells[place] == "0.750 [0.115, 1.385]", "Student's t with one degree of freedom is 12.706"
    assert other[place] == "0.850"
    assert cells[columns.index("off the road")] == "3"
    assert cells[columns.index("seeds")] == "2"
    write([several, one], "parameters", tmp_path)
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    rows = json.loads((tmp_path / "curve.json").read_text())
    assert rows[0]["seeds"][1]["agreement"]["lake"] == pytest.approx(0.8)


def test_each_curve_has_points_of_its_own_that_learn_as_much():
    points = [point for plan in PLANS.values() for point in plan]
    assert len({point.name for point in points}) == len(points)
    assert {point.model for point in points} <= set(NETWORKS)
    assert {(point.recipe.epochs, point.recipe.steps) for point in points} == {(BRIEF.epochs, BRIEF.steps)}
    assert all(point.recipe.expert_share == point.position for point in PLANS["expert"])
    assert set(PLANS) == set(curves.AXES)


def read_written_card(out: Path) -> Card:
    if not out.exists():
        raise NoCardError(out)
    return card(0.8)


@pytest.fixture
def trained(monkeypatch, tmp_path):
    """trained("size", ...) -> the exit code; trained.names: the models that were trained, in order."""

    class Trained:
        def __init__(self) -> None:
            self.names: list[str] = []
            for name in (*LAKE, *OTHER_TRACKS, *STRANGERS):
                (tmp_path / "people" / name).mkdir(parents=True)

        def __call__(self, curve: str, *options: str) -> int:
            folders = ["--runs", str(tmp_path), "--out", str(tmp_path / "out")]
            return curves.main([curve, str(tmp_path / "people"), *folders, *options])

        def train(self, settings, folder: Path, out: Path, crops: Path) -> None:
            self.names.append(folder.name)
            folder.mkdir(parents=True)
            (folder / "settings.json").write_text(settings.as_json())
            out.write_bytes(out.name.encode())
            (folder / "crops").write_text(str(crops))

    result = Trained()
    monkeypatch.setattr(curves, "checkout_folder", lambda: None)
    monkeypatch.setattr(shipped_data_module, "record_missing", lambda folder, names: [folder / name for name in names])
    monkeypatch.setattr(trainings, "train", result.train)
    monkeypatch.setattr(trainings, "read_card", read_written_card)
    monkeypatch.setattr(trainings, "describes", lambda *_: True)
    return result


def test_only_what_is_missing_is_trained_seed_by_seed(trained, tmp_path, capsys):
    assert trained("expert", "--seeds", "2", "--only", "expert-20", "expert-50") == 0
    assert trained.names == ["expert-20-seed1", "expert-50-seed1", "expert-20-seed2", "expert-50-seed2"]
    assert trained("expert", "--seeds", "3", "--only", "expert-20") == 0
    assert trained.names[4:] == ["expert-20-seed3"]
    table = capsys.readouterr().out
    assert "| expert-20 | 3 |" in table
    assert "| expert-50 | 2 |" in table
    rows = json.loads((tmp_path / "out" / "expert" / "curve.json").read_text())
    assert [row["position"] for row in rows] == [0.2, 0.5]


def test_a_point_that_the_curve_lacks_is_named(trained, capsys):
    assert trained("expert", "--only", "expert-21") == 2
    assert "no expert-21 on the curve expert; it has expert-5, expert-20" in capsys.readouterr().err
    assert not trained.names
