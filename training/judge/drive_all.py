"""Each model drives each course with each latency, by jobs of a pool."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from itertools import product

from tqdm import tqdm

from inference.engine import cpu_threads
from simulator.world.course import Course
from training.data.recording_hashes import recording_hashes
from training.jobs.jobs import Job, JobOutcome, Needs
from training.jobs.process import ProcessLimits, WorkerSettings
from training.jobs.runner import LIBRARIES, JobRunner
from training.judge.course import CourseName
from training.judge.drive_table import HEADER, DrivenCase, finished_drive, line
from training.judge.entrants import Entrant


def drive_all(
    models: Sequence[Entrant], names: Sequence[CourseName], courses: Sequence[Course], options: argparse.Namespace
) -> list[DrivenCase]:
    """Drive each course with each model and each latency, and print a line as each drive ends."""
    cases: list[DrivenCase] = []
    jobs: list[Job] = []
    for (name, course), model, latency_ms in product(zip(names, courses, strict=True), models, options.latency_ms):
        facts = {
            "model": str(model.model),
            **course.facts,
            "speed_mph": None if course.own_speed else options.speed,
            "latency_ms": latency_ms,
            "frames_per_s": None,
            "careful": options.careful,
            "stops": None,
        }
        cases.append(DrivenCase(facts, None, model.failure))
        if not model.failure:
            argument = {
                "course": asdict(name),
                "preprocess": model.preprocess,
                "threads": 1 if options.ray else cpu_threads(options.workers),
                "latency_ms": latency_ms,
                "speed_mph": options.speed,
                "careful": options.careful,
                "positions": bool(options.map) and course.facts["track"] == courses[0].facts["track"],
            }
            title = f"{model.model.path.name} on {course.facts['track']}"
            jobs.append(Job(str(len(cases) - 1), argument, title, name.group, model.file))
    print(HEADER, *(line(case) for case in cases if case.failure), sep="\n")
    variables = {"CUDA_VISIBLE_DEVICES": "-1"} if options.ray else {}
    settings = WorkerSettings("training.judge.course_drive:drive_course", math.inf, ProcessLimits(), variables)
    needs = Needs(LIBRARIES, recording_hashes(options.replay))
    for outcome in JobRunner(options.workers, bool(options.ray)).outcomes("driving", jobs, settings, needs):
        place = int(outcome.job.key)
        cases[place] = _driven(cases[place], outcome)
        tqdm.write(line(cases[place]))
    return cases


def _driven(case: DrivenCase, outcome: JobOutcome) -> DrivenCase:
    """The case with what came of its job."""
    if outcome.result is None:
        return replace(case, failure=outcome.failure or "its process told nothing")
    facts = case.facts | {name: outcome.result[name] for name in ("frames_per_s", "stops")}
    return replace(case, facts=facts, drive=finished_drive(outcome.result))
