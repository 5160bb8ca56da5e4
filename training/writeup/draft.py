"""The draft's text: each section answers a point of the course's rubric with the run's own facts and figures.

What only the student knows is a marked gap with a question; nothing here claims a thought or a trial that nobody made.
"""

from __future__ import annotations

from training.writeup.documentation import design, layers, processing, simulation
from training.writeup.drive import JudgedDrive
from training.writeup.finished_run import FinishedRun
from training.writeup.markdown import GAP, Links
from training.writeup.strategy import data, files, network, opening, overfitting, parameters


def draft(run: FinishedRun, drive: JudgedDrive | None, links: Links) -> str:
    """Write the whole text as Markdown. drive: how the model drove, None if it did not."""
    sections = (
        opening(run),
        files(run, links),
        network(run),
        overfitting(run),
        parameters(run),
        data(run, links),
        design(run),
        layers(run),
        processing(run, links),
        simulation(drive, links),
    )
    return "\n\n".join(sections) + "\n"


def gaps(text: str) -> int:
    """Count the questions that are still in a draft."""
    return text.count(GAP)
