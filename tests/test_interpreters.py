"""Who shares the processor, and how: the wide interpreter for one alone, narrow ones beside each other, none twice."""

import contextlib

import pytest

from inference import interpreters as interpreters_module
from inference.interpreters import CROWDED_S, Interpreters


@pytest.fixture
def interpreters():
    return Interpreters("wide", iter(("narrow 1", "narrow 2", "narrow 3")).__next__)


def test_one_alone_always_gets_the_wide_one(interpreters):
    for _ in range(3):
        with interpreters.acquire() as interpreter:
            assert interpreter == "wide"


def test_no_two_get_the_same_and_narrow_ones_are_used_again(interpreters):
    with contextlib.ExitStack() as others:
        assert others.enter_context(interpreters.acquire()) == "wide"
        with interpreters.acquire() as second, interpreters.acquire() as third:
            assert (second, third) == ("narrow 1", "narrow 2")
        with interpreters.acquire() as next_one:
            assert next_one in ("narrow 1", "narrow 2")


def test_who_comes_while_a_narrow_one_works_does_not_widen(interpreters):
    first = interpreters.acquire()
    first.__enter__()
    with interpreters.acquire():
        first.__exit__(None, None, None)
        with interpreters.acquire() as interpreter:
            assert interpreter == "narrow 2"


def test_a_crowd_uses_narrow_ones_until_it_has_thinned_out(interpreters, monkeypatch):
    now_s = [1000.0]
    monkeypatch.setattr(interpreters_module.time, "monotonic", lambda: now_s[0])
    with interpreters.acquire() as first, interpreters.acquire() as second:
        assert (first, second) == ("wide", "narrow 1")
    for later_s, expected in ((0.9 * CROWDED_S, "narrow 1"), (0.9 * CROWDED_S, "wide")):
        now_s[0] += later_s
        with interpreters.acquire() as interpreter:
            assert interpreter == expected


def test_a_failure_gives_it_back(interpreters):
    with pytest.raises(RuntimeError), interpreters.acquire():
        raise RuntimeError("out of cheese")
    with interpreters.acquire() as interpreter:
        assert interpreter == "wide"
