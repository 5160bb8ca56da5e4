"""Who shares the processor, and how: the wide interpreter for one alone, narrow ones beside each other, none twice."""

import contextlib

import pytest

from inference.interpreters import Interpreters


@pytest.fixture
def interpreters():
    return Interpreters("wide", iter(("narrow 1", "narrow 2", "narrow 3")).__next__)


def test_one_alone_always_gets_the_wide_one(interpreters):
    for _ in range(3):
        with interpreters.acquire() as taken:
            assert taken == "wide"


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
        with interpreters.acquire() as taken:
            assert taken == "narrow 2"


def test_a_failure_gives_it_back(interpreters):
    with pytest.raises(RuntimeError), interpreters.acquire():
        raise RuntimeError("out of cheese")
    with interpreters.acquire() as taken:
        assert taken == "wide"
