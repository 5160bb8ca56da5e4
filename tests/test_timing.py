"""Timed calls take turns, warm up untimed, and are told in milliseconds."""

from training.judge import timing
from training.judge.timing import ROUNDS, WARM_UP, milliseconds


def test_calls_take_turns_and_only_what_follows_the_warm_up_is_timed(monkeypatch):
    now, calls = [0.0], []
    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])

    def call(name, seconds):
        def run():
            turns = calls.count(name) % (WARM_UP + 2)
            now[0] += seconds if turns >= WARM_UP else 1000.0
            calls.append(name)

        return run

    times = milliseconds({"slow": call("slow", 0.25), "quick": call("quick", 0.001953125)}, {"slow": 2, "quick": 2})
    assert calls == (["slow"] * (WARM_UP + 2) + ["quick"] * (WARM_UP + 2)) * ROUNDS
    assert times == {"slow": [250.0] * 2 * ROUNDS, "quick": [1.953125] * 2 * ROUNDS}
