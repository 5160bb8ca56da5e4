"""The live page shows where the car is, and the past two minutes, also after a reload."""

import time

import pytest

from server.observers.drive_history import DriveMoment
from tests.api_client import GREY
from tests.browser import NEEDS_CHROMIUM, expect_text
from tests.page_drives import LAPTOP, PHONE, WIDE, drive, inked, url
from tests.raw_client import telemetry_packet

pytestmark = NEEDS_CHROMIUM


@pytest.mark.parametrize("viewport", [PHONE, LAPTOP, WIDE])
def test_the_place_laps_and_line_are_shown_also_after_a_reload(server, car, open_page, viewport):
    page = open_page(url(server), viewport=viewport)
    car(420)
    for _ in range(2):
        expect_text(page, "#place-lap", "3")
        expect_text(page, "#place-last_lap_s", "0:15.7")
        expect_text(page, "#place-best_lap_s", "0:15.7")
        expect_text(page, "#place-off_road", "once")
        expect_text(page, "#legend-high", "0.5 m")
        page.wait_for_function("() => document.querySelector('#map').getAttribute('aria-label').includes('0.20 m')")
        assert inked(page, "#map")
        assert inked(page, "#map", share=0.4), "the whole round is there"
        assert page.locator("#offset-now").is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], "nothing sticks out"
        page.reload()


def test_the_past_two_minutes_are_drawn_after_a_reload(server, simulator, open_page):
    drive(simulator, 2)
    server.wait_until(lambda: 1 in server.controls.view.simulators)
    samples = server.controls.view.simulators[1].history.samples
    now_s = time.time()

    def add():
        samples.clear()
        samples.extend(DriveMoment(now_s - 100 + i / 4, 15.0, 1.0, 0.2, 2.0, 20.0, 0.9, 0.1) for i in range(396))

    server.call(add)
    page = open_page(url(server))
    expect_text(page, "#doctor", "The model drives")
    page.wait_for_function("() => document.querySelector('#figures .top').textContent === '20'")
    for tile in range(1, 8):
        assert inked(page, f"#figures article:nth-child({tile}) canvas", share=0.4), f"tile {tile}"
        assert page.locator(f"#figures article:nth-child({tile}) .bottom").text_content()


def test_a_simulator_that_tells_no_place_shows_none(server, simulator, open_page):
    page = open_page(url(server))
    simulator.send(telemetry_packet(GREY, 7.0))
    simulator.receive_until(b"42")
    expect_text(page, "#speed-now", "7.0")
    assert page.locator("#where").is_hidden()
    assert page.locator("#offset-now").is_hidden()


def test_the_map_is_of_the_chosen_simulator(server, car, open_page):
    car(170)
    car(10, offset_m=1.8)
    page = open_page(url(server))
    expect_text(page, "#place-lap", "2")
    expect_text(page, "#legend-high", "0.5 m")
    page.click("#simulators button:nth-child(2)")
    expect_text(page, "#place-lap", "1")
    expect_text(page, "#legend-high", "2 m")
