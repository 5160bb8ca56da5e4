"""The course and its notebook: their commands are those that are tried, and the notebook runs from top to bottom."""

import os
from pathlib import Path

import nbformat
import pytest

from tests.follow_course import STEPS
from tests.run_notebook import NOTEBOOK, ROOT, clean, execute

COURSE = (ROOT / "docs" / "course.md").read_text(encoding="utf-8")
LARGEST_BYTES = 1_000_000
SHORT = {
    "COURSE_LAPS": "0.25",
    "COURSE_LEARNING": "--model eff-tiny --recipe ours --epochs 1 --no-drive",
    "COURSE_DRIVEN_LAPS": "0.05",
    "COURSE_FILMED_LAPS": "0.03",
}


@pytest.mark.parametrize("command", STEPS.values())
def test_the_course_that_is_timed_is_the_one_in_the_document(command):
    assert f"\n{command}\n" in COURSE


def test_outputs_lose_what_belongs_to_one_machine():
    text = f"\x1b[31mwatch it at {ROOT.as_uri()}/runs/index.html\x1b[0m\r\n 1 %\r 99 %\r100 %\r\n{ROOT}{os.sep}runs\n"
    assert clean(text) == "watch it at runs/index.html\n100 %\nruns\n"


def test_the_notebook_is_valid_small_and_executed():
    assert NOTEBOOK.stat().st_size < LARGEST_BYTES
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1)), "all cells ran once, in their order"
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert not any(folder in text for folder in ("/tmp/", "/home/", "/root/", "/work/"))


@pytest.mark.slow
def test_the_notebook_runs_and_shows_what_it_makes(tmp_path):
    notebook = execute(NOTEBOOK, {**SHORT, "COURSE_FOLDER": str(tmp_path)})
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    pictures = [output for output in outputs if output.output_type == "display_data"]
    text = "".join(output.text for output in outputs if output.output_type == "stream")
    assert len(pictures) == 8
    assert all("image/jpeg" in picture.data for picture in pictures)
    for line in ("eff-tiny.json", "interventions", "places are marked", "## Simulation"):
        assert line in text
    names = {"lake", "lake.png", "seen.png", "run", "drive.png", "my-drive.mp4", "film.png", "writeup.md"}
    assert names <= {file.name for file in Path(tmp_path).iterdir()}
