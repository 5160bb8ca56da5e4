"""No state of the live page has barriers, in light, dark, on a phone and in forced colours."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser import NEEDS_CHROMIUM, expect_text
from tests.page_drives import PHONE, inked, lose_the_server, slow, url

pytestmark = NEEDS_CHROMIUM


def test_forced_colours_keep_what_is_on_apart_and_the_plots_visible(server, car, open_page):
    page = open_page(url(server), forced_colors="active")
    car(60)
    page.click("#pause")
    expect_text(page, "#pause", "Let the model drive")
    background = "button => getComputedStyle(button).backgroundColor"
    assert page.locator("#pause").evaluate(background) != page.locator("#save").evaluate(background)
    colours = "canvas => [getComputedStyle(canvas).color, getComputedStyle(document.body).backgroundColor]"
    line, paper = page.locator("#figures canvas").first.evaluate(colours)
    assert line != paper
    assert page.locator("#doctor").evaluate("band => getComputedStyle(band).borderTopStyle") == "solid"
    page.wait_for_function("() => document.querySelector('#map').ariaLabel.includes('0.20 m')")
    assert inked(page, "#map")


@pytest.mark.parametrize("options", [{}, {"color_scheme": "dark"}, {"viewport": PHONE}, {"forced_colors": "active"}])
def test_no_state_of_the_page_has_barriers(server, car, open_page, options):
    page = open_page(url(server), **options)
    expect_text(page, "#findings", "Waiting for the simulator")
    barriers(page)
    car(200)
    expect_text(page, "#place-last_lap_s", "0:15.7")
    page.keyboard.press("s")
    expect_text(page, "#notice", "Saved")
    barriers(page)
    page.keyboard.press("p")
    slow(server, 250.0)
    server.call(lambda: server.app.refusals.note("10.0.0.7", "it sends no token, " * 20))
    expect_text(page, "#findings", "Paused")
    page.click("#findings-more")
    barriers(page)


def test_a_dead_server_leaves_no_barriers(open_page):
    page = lose_the_server(open_page)
    barriers(page)


def barriers(page):
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
