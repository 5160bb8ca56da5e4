"""A training says how long it takes, shows itself on a page that needs no server, and films each checkpoint."""

import json
import math
import os
import shutil
from pathlib import Path

import av
import numpy as np
import pytest

from tests.frame_policy import FramePolicy
from training.progress import film
from training.progress.film import FilmedRoad
from training.progress.forecast import TIMED_STEPS, UNTIMED_STEPS, Forecast, duration
from training.progress.progress import POINTS, Progress, film_name, moved_page

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


class Straight(FramePolicy):
    """Never turns."""

    def predict(self, frames):
        return np.zeros(len(frames), np.float32)


def run_state(folder: Path) -> dict:
    script = (folder / "progress.js").read_text()
    assert script.startswith("show(")
    assert script.endswith(");\n")
    return json.loads(script[5:-3])


def progress_in(folder: Path, history: list, steps=(10, 10, 10)) -> Progress:
    return Progress(folder, "eff-tiny", ["my lake"], steps, history, (0, 0.0))


def row(epoch: int, **figures: float) -> dict[str, float]:
    return {"epoch": epoch, "loss": 0.02, "mae": 0.05, "seconds": 3.0} | figures


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "5 s"),
        (38, "40 s"),
        (89, "90 s"),
        (90, "2 min"),
        (1440, "24 min"),
        (5400, "1 h 30 min"),
        (7500, "2 h 05 min"),
    ],
)
def test_durations_are_said_as_people_say_them(seconds, text):
    assert duration(seconds) == text


def test_the_forecast_counts_steps_ends_of_epochs_and_drives():
    forecast = Forecast([300, 300, 360], 2, 500.0)
    assert forecast.remaining_s() is None
    now_s, first = 100.0, []
    for step in range(UNTIMED_STEPS + TIMED_STEPS):
        now_s += 4.0 if step < UNTIMED_STEPS else 0.5  # the first steps build the graph
        first.append(forecast.learned(1, now_s))
    assert first == [False] * (len(first) - 1) + [True]
    steps_left = 960 - len(first)
    assert forecast.remaining_s() == pytest.approx(steps_left * 0.5 + 3 * 5 + 2 * 500 / 50)
    assert forecast.text() == "about 8 min: 3 epochs of 312 steps at 0.5 s, then 2 checkpoints drive"
    for _ in range(300 - len(first)):
        now_s += 0.5
        assert not forecast.learned(1, now_s)
    forecast.epoch_ended(now_s + 11)
    assert forecast.remaining_s() == pytest.approx(660 * 0.5 + 2 * 11 + 20), "an end of an epoch was timed"
    assert forecast.learned(1, now_s + 20) is False
    assert forecast.remaining_s() == pytest.approx(659 * 0.5 + 2 * 11 + 20), "the pause was no step"


def test_steps_that_are_learned_together_are_timed_together():
    forecast = Forecast([100, 100], 0, 0.0)
    assert not forecast.learned(50, 40.0), "the first steps are compiled"
    assert forecast.learned(50, 45.0)
    forecast.epoch_ended(45.0)
    assert forecast.remaining_s() == pytest.approx(100 * 0.1)


def test_a_forecast_of_a_finished_training_has_only_its_drives():
    assert Forecast([], 1, 100.0).remaining_s() == pytest.approx(2)


def test_the_page_has_the_run_and_how_it_ended(tmp_path):
    history = [row(1, mae=math.nan)]
    (tmp_path / film_name(1)).write_bytes(b"film")
    with progress_in(tmp_path, history) as progress:
        assert run_state(tmp_path)["state"] == "learning"
        for step in range(10):
            progress.learned(1 + (step + 1) / 10, [0.5], 1e-3)
        history.append(row(2))
        progress.epoch_ended()
        run = run_state(tmp_path)
        assert run["history"] == [row(1, mae=None, film="epoch-001.mp4"), row(2, film=None)]
        assert run["place"] == 2
        assert run["loss"][-1] == [2, 0.5]
        progress.tell("finished", "done", [("drive", "python drive.py 'a b.h5'")])
    run = run_state(tmp_path)
    assert (run["state"], run["next"]) == ("finished", [["drive", "python drive.py 'a b.h5'"]])
    assert "progress.js" in (tmp_path / "index.html").read_text()


@pytest.mark.parametrize(
    ("error", "reason"), [(KeyboardInterrupt(), "stopped."), (OSError("disk full"), "(disk full).")]
)
def test_a_page_of_a_run_that_ended_early_says_so(error, reason, tmp_path):
    with pytest.raises(type(error)), progress_in(tmp_path, []):
        raise error
    run = run_state(tmp_path)
    assert run["state"] == "stopped"
    assert reason in run["message"]


def test_long_trainings_have_curves_of_few_points(tmp_path):
    steps = 50 * POINTS
    progress = progress_in(tmp_path, [], (steps,))
    for step in range(steps):
        progress.learned((step + 1) / steps, [float(step % 50)], 1e-3)
    progress.epoch_ended()
    loss = run_state(tmp_path)["loss"]
    assert len(loss) == POINTS
    assert {value for _, value in loss} == {24.5}, "each is a mean"


@pytest.mark.slow
def test_a_film_shows_the_drive_and_gives_its_figures(tmp_path, monkeypatch):
    monkeypatch.setattr(film, "LAPS", 0.05)
    road = FilmedRoad()
    report = road.film(Straight(), "straight", tmp_path / "epoch-001.mp4")
    road.close()
    assert [path.name for path in tmp_path.iterdir()] == ["epoch-001.mp4"]
    with av.open(str(tmp_path / "epoch-001.mp4")) as container:
        pictures = sum(1 for _ in container.decode(video=0))
        seconds = float(container.duration / av.time_base)
    assert seconds == pytest.approx(report.elapsed_s, abs=0.3)
    assert pictures == pytest.approx(10 * report.elapsed_s, abs=3)
    assert report.off_road_events > 0


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="install chromium (or name it in CHROMIUM) to test the page")
def test_the_page_follows_a_run_from_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(film, "LAPS", 0.01)
    sync_api = pytest.importorskip("playwright.sync_api", reason="pip install playwright to test the page")
    history = [row(1, off_road_events=2.0, mean_cte_m=1.234)]
    complaints: list[str] = []
    with sync_api.sync_playwright() as playwright, progress_in(tmp_path, history) as progress:
        progress.film(Straight(), 1)
        progress.epoch_ended()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text))
        page.goto((tmp_path / "index.html").as_uri())
        expect = sync_api.expect
        expect(page.locator("#films figcaption")).to_have_text(
            "Epoch 1: 2 times off the road, 1.23 m from the middle in the mean"
        )
        film_element = page.locator("#films video").element_handle()
        for step in range(10):
            progress.learned(1 + (step + 1) / 10, [0.0125], 1e-3)
        history.append(row(2, off_road_events=0.0, mean_cte_m=0.5))
        progress.epoch_ended()
        expect(page.locator("#place")).to_have_text("Epoch 3 of 3.")
        expect(page.locator("#curves figcaption").first).to_have_text(
            "Loss (mean squared error; a dot is an epoch's mean): now 0.02"
        )
        progress.tell("finished", "The training is finished.", [("drive", "python <b>")])
        expect(page.locator("#commands dd")).to_have_text("python <b>")
        expect(page.locator("#state")).to_have_text("The training is finished.")
        assert film_element.is_visible(), "a film that plays goes on"
        assert page.locator("#films figure").count() == 1
        browser.close()
    assert complaints == []


def test_a_page_that_comes_home_names_the_folder_there(tmp_path):
    away, commands = tmp_path / 'job "1"', [("drive", f"python server/drive.py {tmp_path / 'job'}")]
    away.mkdir()
    with progress_in(away, []) as progress:
        progress.tell("finished", f"The model is {away / 'eff.h5'}.", commands)
    moved_page(away, "runs\\mine")
    state = run_state(away)
    assert state["message"] == f"The model is runs\\mine{os.sep}eff.h5."
    assert state["next"] == [list(command) for command in commands], "another folder keeps its name"
