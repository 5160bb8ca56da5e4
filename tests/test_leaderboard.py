"""The rules, the score, the ranking and the files of a leaderboard, and what changed between two."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.board_models import BAD, CLEAN, board_of, driven_model
from training.leaderboard.against import BoardError, changes, changes_text, read_board
from training.leaderboard.board import board_csv, board_json
from training.leaderboard.ranking import change, standings
from training.leaderboard.rules import BoardRules, RulesError, ScoreWeights, expanded, read_rules
from training.leaderboard.score import FORMULA, DrivePoints, ModelPoints, drive_points, model_points, score
from training.leaderboard.store import DriveStore
from training.leaderboard.submissions import Submission
from training.leaderboard.tasks import FORMAT, DriveTask, as_json, failed_drive, read_result

RULES = BoardRules(tracks=("lake", "mountain"), seeds=(0, 1))
TASK = DriveTask("m", "lake", False, 15.0, 0, 1.0)


class TestRules:
    def test_a_file_says_what_is_driven_and_what_counts(self, tmp_path):
        file = tmp_path / "rules.toml"
        file.write_text(
            'tracks = ["lake:night", "random:8-10:rain"]\ndirections = ["backward"]\nspeeds_mph = [15, 20.5]\n'
            "laps = 0.5\nseeds = [3]\n[weights]\nsize = 0\n[limits]\nfile_mb = 50\n"
        )
        rules = read_rules(file)
        assert rules.tracks == ("lake:night", "random:8:rain", "random:9:rain", "random:10:rain")
        assert rules.weights == ScoreWeights(size=0.0)
        assert rules.limits.file_mb == 50
        assert len(rules.tasks("m")) == 4 * 1 * 2 * 1
        assert rules.tasks("m")[1] == DriveTask("m", "lake:night", True, 20.5, 3, 0.5)
        assert read_rules(file, ["jungle"]).tracks == ("jungle",)
        assert read_rules(None) == BoardRules()

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("tracks = []", "tracks must be a list"),
            ('tracks = ["sea"]', "no track 'sea'"),
            ('tracks = ["random:9-3"]', "the lower number first"),
            ("track = 3", "has no key 'track'; the keys are tracks, directions"),
            ("laps = true", "laps must be a number from 0.01 to 100, got True"),
            ("laps = nan", "laps must be a number"),
            ("seeds = [1.5]", "seeds must be whole numbers"),
            ('directions = ["up"]', "directions are forward and backward, got 'up'"),
            ("speeds_mph = [99]", "speeds_mph must be a number from 1 to 30, got 99"),
            ("[weights]\nluck = 1", "weights has no key 'luck'"),
            ("weights = 3", "weights must be a table"),
            (
                "[weights]\nautonomy=0\ndistance=0\nsmoothness=0\nspeed=0\nlatency=0\nsize=0",
                "one of the weights must be more than 0",
            ),
            ("laps = ", "is not TOML"),
            ("#" * 200_000, "larger than"),
        ],
    )
    def test_a_wrong_rule_is_named(self, text, reason, tmp_path):
        file = tmp_path / "rules.toml"
        file.write_text(text)
        with pytest.raises(RulesError, match=reason):
            read_rules(file)

    def test_the_docs_have_the_rules_that_hold_without_a_file(self, tmp_path):
        text = (Path(__file__).parent.parent / "docs" / "leaderboard.md").read_text(encoding="utf-8")
        file = tmp_path / "rules.toml"
        file.write_text(text.partition("```toml\n")[2].partition("```")[0])
        assert read_rules(file) == BoardRules()
        assert file.read_text().count("=") == 5 + 6 + 4, "each of them"

    def test_the_hash_changes_with_any_rule(self):
        rules = [RULES, replace(RULES, laps=2.0), replace(RULES, weights=ScoreWeights(speed=7.0))]
        assert len({one.sha256 for one in rules}) == 3
        assert RULES.sha256 == BoardRules(tracks=("lake", "mountain"), seeds=(0, 1)).sha256

    def test_a_track_is_driven_once(self):
        assert expanded(["random:7", "random:6-8"]) == ("random:7", "random:6", "random:8")


class TestScore:
    def test_a_perfect_drive_of_a_fast_small_model_has_all_points(self):
        assert drive_points(CLEAN, 15.0) == DrivePoints(1.0, 1.0, 1.0, 1.0)
        assert model_points(9.0, 90_000) == ModelPoints(1.0, 1.0)
        assert score(DrivePoints(1, 1, 1, 1), ModelPoints(1, 1), ScoreWeights()) == 100

    def test_each_part_counts_as_the_formula_says(self):
        drive = replace(
            CLEAN, distance_m=800.0, clean_m=250.0, autonomy_percent=50.0, jerk_mps3=4.0, mean_speed_mph=6.0
        )
        points = drive_points(drive, 15.0)
        assert points == pytest.approx((0.5 * 0.8, 0.25, 0.2, 0.4))
        own = model_points(30.0, 10_000_000)
        assert (own.latency, own.size) == pytest.approx((0.5, 1 / 3))
        expected = 60 * 0.4 + 20 * 0.25 + 8 * 0.2 + 6 * 0.4 + 3 * 0.5 + 3 / 3
        assert score(points, own, ScoreWeights()) == pytest.approx(expected)
        assert score(points, own, ScoreWeights(0, 0, 0, 5, 0, 0)) == pytest.approx(40)
        assert [name for name, _ in FORMULA] == [*DrivePoints._fields, "latency", "size"]

    def test_a_car_that_stands_has_no_autonomy(self):
        assert drive_points(replace(CLEAN, distance_m=0.0, clean_m=0.0), 15.0)[:2] == (0, 0)

    def test_a_failed_drive_has_no_points_at_all(self):
        assert drive_points(replace(CLEAN, failure="it answered nan"), 15.0) == (0, 0, 0, 0)
        assert drive_points(failed_drive("crash"), 15.0) == (0, 0, 0, 0)


class TestRanking:
    def test_models_on_the_same_roads_are_told_apart_where_one_is_always_better(self):
        rng = np.random.default_rng(3)
        hard = rng.uniform(0, 50, 12)
        good, worse, twin = 90 - hard, 88 - hard, 88 - hard + rng.normal(0, 1, 12)
        first, second, third = standings(np.array([good, worse, twin]))
        assert (first.rank, first.best, first.worst) == (1, 1, 1), "by two points on every road"
        assert first.score.low < second.score.value < first.score.high, "though their scores overlap"
        assert {second.rank, third.rank} == {2, 3}
        assert (second.best, second.worst) == (third.best, third.worst) == (2, 3)

    def test_equal_models_share_a_rank(self):
        assert [one.rank for one in standings(np.array([[5.0, 6.0], [5.0, 6.0], [1.0, 2.0]]))] == [1, 1, 3]

    def test_one_road_gives_no_interval(self):
        (only,) = standings(np.array([[70.0]]))
        assert math.isnan(only.score.low)
        assert (only.rank, only.best, only.worst) == (1, 1, 1)
        assert math.isnan(change([1.0]).low)

    def test_a_change_of_all_roads_is_sure_and_of_some_is_not(self):
        sure, unsure = change([2.0, 3.0, 2.5, 3.5]), change([-4.0, 3.0, -1.0, 4.0])
        assert sure.low > 0
        assert unsure.low < 0 < unsure.high
        assert sure.value == 2.75


class TestStore:
    def test_a_record_comes_back_and_another_task_has_none(self, tmp_path):
        with DriveStore(tmp_path) as store:
            store.keep_result(TASK, BAD)
            kept = store.result(TASK)
            assert kept is not None
            assert as_json(kept) == as_json(BAD)
            for other in (replace(TASK, laps=2.0), replace(TASK, model="n"), replace(TASK, seed=1)):
                assert store.result(other) is None

    @pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"format": 1, "result": {}}', b"\xff\xfe"])
    def test_a_damaged_record_counts_as_missing(self, damage, tmp_path):
        with DriveStore(tmp_path) as store:
            store.keep_result(TASK, CLEAN)
            (record,) = (tmp_path / "work" / "drives").iterdir()
            record.write_bytes(damage)
            assert store.result(TASK) is None

    def test_a_record_of_another_format_counts_as_missing(self, tmp_path):
        with DriveStore(tmp_path) as store:
            store.keep_result(TASK, CLEAN)
            (record,) = (tmp_path / "work" / "drives").iterdir()
            record.write_text(record.read_text().replace(f'"format": {FORMAT}', f'"format": {FORMAT + 1}'))
            assert store.result(TASK) is None

    @pytest.mark.parametrize(
        ("name", "value"),
        [("crashes", "1"), ("jerk_mps3", -1), ("elapsed_s", math.inf), ("trace", [[1, 2]]), ("failure", None)],
    )
    def test_a_result_with_wrong_figures_is_refused(self, name, value):
        with pytest.raises(ValueError, match=r"is|has"):
            read_result(as_json(CLEAN) | {name: value})

    def test_one_command_at_a_time_has_a_folder(self, tmp_path):
        with DriveStore(tmp_path), pytest.raises(ValueError, match="another command"), DriveStore(tmp_path):
            pass
        with DriveStore(tmp_path):
            pass


def board(**changes):
    """A clean and a bad driver, and one with a failed drive."""
    fails = failed_drive("its process ended with SIGSEGV, 2 times")
    models = [
        driven_model("clean", RULES, lambda task: CLEAN),
        driven_model("=bad", RULES, lambda task: BAD if task.track == "lake" else CLEAN),
        driven_model("torn", RULES, lambda task: fails if task.reverse else CLEAN, milliseconds=100.0),
    ]
    return board_of(RULES, *models, refused=(Submission("evil", refusal="-it is a pickle"),))


class TestBoard:
    def test_the_files_have_all_rows_in_their_order(self):
        content = json.loads(board_json(board()))
        assert [(model["name"], model["rank"]) for model in content["models"]] == [
            ("clean", 1),
            ("=bad", 2),
            ("torn", 3),
        ]
        assert content["models"][1]["off_road_events"] == 8
        assert content["models"][2]["drives"][2]["failure"] == "its process ended with SIGSEGV, 2 times"
        assert content["refused"] == [{"name": "evil", "reason": "-it is a pickle"}]
        assert content["rules_sha256"] == RULES.sha256

    def test_no_cell_of_the_csv_is_a_formula(self):
        rows = list(csv.DictReader(io.StringIO(board_csv(board()))))
        assert [row["name"] for row in rows] == ["clean", "'=bad", "torn", "evil"]
        assert rows[0]["score"] == "100.0"
        assert rows[2]["reason"].startswith("lake, backward, 15 mph, start 0: its process ended")
        assert (rows[3]["rank"], rows[3]["reason"]) == ("", "'-it is a pickle")

    def test_the_worst_drive_is_the_one_with_the_fewest_points(self):
        bad = board().places[1].model
        assert bad.worst.task.track == "lake"

    def test_the_order_of_the_models_changes_nothing(self):
        models = [driven_model(name, RULES, lambda task: CLEAN) for name in ("a", "b", "c")]
        assert board_json(board_of(RULES, *models)) == board_json(board_of(RULES, *models[::-1]))


class TestAgainst:
    def boards(self, tmp_path, rules=RULES):
        before = board_of(
            RULES,
            driven_model("ann", RULES, lambda task: BAD),
            driven_model("bob", RULES, lambda task: CLEAN),
            driven_model("gone", RULES, lambda task: CLEAN),
        )
        now = board_of(
            rules,
            driven_model("ann", rules, lambda task: CLEAN if task.track == "lake" else BAD, sha256="another"),
            driven_model("bob", rules, lambda task: CLEAN),
            driven_model("new", rules, lambda task: CLEAN),
        )
        files = tmp_path / "before.json", tmp_path / "board.json"
        for file, one in zip(files, (before, now), strict=True):
            file.write_text(board_json(one))
        return read_board(files[0]), read_board(tmp_path)

    def test_it_tells_what_rose_by_how_much_and_what_is_new(self, tmp_path):
        result = changes(*self.boards(tmp_path), RULES.weights)
        rows = {row.name: row for row in result.models}
        assert list(rows) == ["bob", "new", "ann", "gone"]
        gain = rows["ann"].gain
        assert gain is not None
        assert gain.value == pytest.approx(0.5 * (60 * 0.5 + 20 * 0.5))
        assert gain.low == pytest.approx(0)
        assert (rows["ann"].same_file, rows["bob"].same_file) == (False, True)
        assert rows["bob"].gain is not None
        assert rows["bob"].gain.value == 0
        assert (rows["new"].before, rows["gone"].now) == (None, None)
        assert result.notes == ()
        assert "ann " in changes_text(result)
        assert "another file" in changes_text(result)

    def test_only_common_drives_count_when_the_rules_differ(self, tmp_path):
        rules = BoardRules(tracks=("lake", "jungle"), seeds=(1, 2))
        result = changes(*self.boards(tmp_path, rules), rules.weights)
        rows = {row.name: row for row in result.models}
        assert rows["ann"].gain is not None
        assert rows["ann"].gain.value == pytest.approx(60 * 0.5 + 20 * 0.5), "on the lake with start 1"
        assert result.notes == (
            "The rules differ in seeds, tracks: only drives of both boards count, by the newer weights.",
        )

    @pytest.mark.parametrize("text", ["", "[]", '{"format": 9}', '{"format": 1, "models": [{}]}', '{"format": 1}'])
    def test_what_is_no_board_is_refused(self, text, tmp_path):
        file = tmp_path / "board.json"
        file.write_text(text)
        with pytest.raises(BoardError, match=r"board\.json"):
            read_board(file)
