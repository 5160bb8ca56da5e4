"""A run's folder shows how the training goes: a forecast in the terminal, and a page with curves and films.

The page is a file, index.html, which reads the run's state from progress.js beside it. So it opens from the disk, needs
no server and no port, and shows a run on any machine that the folder is copied to.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from types import TracebackType
from typing import Any, Self

from inference.policy import Policy
from models.whole_files import write_whole
from training.jobs.process import tell
from training.progress.film import FilmedRoad
from training.progress.forecast import Forecast

PAGE, STATE = "index.html", "progress.js"

WRITTEN_EVERY_S = 2.0

POINTS = 300
"""The curves have about so many points, however long the training is."""

Row = dict[str, float]


class Progress:
    """The progress of one run. It writes its page when it is entered, and says there how the block ended.

    title: the network's name. steps: those of each epoch of the whole training; history: the finished epochs' figures,
    a list that the run appends to. drives: how many checkpoints drive at the end, and how many metres each.
    """

    def __init__(
        self,
        folder: Path,
        title: str,
        recordings: Sequence[str],
        steps: Sequence[int],
        history: list[Row],
        drives: tuple[int, float],
    ) -> None:
        self._folder, self._history = folder, history
        self._forecast = Forecast(steps[len(history) :], *drives)
        self._road = FilmedRoad()
        self._every = max(1, sum(steps) // POINTS)
        self._losses: list[float] = []
        self._written_s = -math.inf
        self._state: dict[str, Any] = {
            "title": title,
            "recordings": list(recordings),
            "state": "learning",
            "message": "The training begins.",
            "epochs": len(steps),
            "place": len(history),
            "loss": [],
            "rate": [],
            "next": [],
        }

    def __enter__(self) -> Self:
        """Write the page."""
        write_whole(self._folder / PAGE, Path(__file__).with_name("page.html").read_bytes())
        self._write()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say on the page that the run was stopped or failed, unless it has finished."""
        self._road.close()
        if error is not None:
            reason = f" ({error})" if isinstance(error, Exception) else ""
            self.tell(
                "stopped", f"The training stopped{reason}. The same command goes on from the last finished epoch."
            )

    def learned(self, place: float, losses: Sequence[float], rate: float) -> str | None:
        """Note steps that were learned together; returns the forecast's line when it is first known.

        place: epochs so far, with fraction; losses: of the steps' batches; rate: the last step's.
        """
        now_s = time.monotonic()
        is_first = self._forecast.learned(len(losses), now_s)
        self._state |= {"place": place, "message": "The model learns."}
        self._losses += losses
        if len(self._losses) >= self._every:
            self._state["loss"].append((round(place, 4), fmean(self._losses)))
            self._state["rate"].append((round(place, 4), rate))
            self._losses = []
        if now_s - self._written_s >= WRITTEN_EVERY_S:
            self._write()
        return self._forecast.text() if is_first else None

    def film(self, policy: Policy, epoch: int) -> Row:
        """Film how `policy` drives after this epoch, from 1; returns the drive's main figures. Raises OSError."""
        report = self._road.film(policy, f"{self._state['title']}, epoch {epoch}", self._folder / film_name(epoch))
        return {"off_road_events": float(report.off_road_events), "mean_cte_m": report.mean_cte_m}

    def epoch_ended(self) -> None:
        """Show the figures of the epoch that the run has saved."""
        self._forecast.epoch_ended(time.monotonic())
        self._write()

    def tell(self, state: str, message: str, commands: Sequence[tuple[str, str]] = ()) -> None:
        """Show what the run does now. state: judging, finished or stopped; commands: (what for, command) to go on."""
        self._state |= {"state": state, "message": message, "next": list(commands)}
        self._write()

    def _write(self) -> None:
        self._written_s = time.monotonic()
        tell(self._state["place"] / self._state["epochs"])
        history = [self._row(row) for row in self._history]
        run = {**self._state, "history": history, "left_s": self._forecast.remaining_s(), "updated_s": time.time()}
        write_whole(self._folder / STATE, f"show({json.dumps(run, allow_nan=False)});\n".encode())

    def _row(self, row: Mapping[str, float]) -> dict[str, Any]:
        """Return an epoch's figures for the page, None where one was not measured, with the name of its film."""
        figures: dict[str, Any] = {name: value if math.isfinite(value) else None for name, value in row.items()}
        film = film_name(int(row["epoch"]))
        return {**figures, "film": film if (self._folder / film).exists() else None}


def moved_page(folder: Path, home: str) -> None:
    """Let the page name another folder than the one where the run was made, before it goes there."""
    file = folder / STATE
    text = file.read_text(encoding="utf-8")
    write_whole(file, text.replace(json.dumps(str(folder))[1:-1], json.dumps(home)[1:-1]).encode())


def film_name(epoch: int) -> str:
    """Return the name of the film of an epoch, from 1."""
    return f"epoch-{epoch:03d}.mp4"
