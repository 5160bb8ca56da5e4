"""The leaderboard's page: strangers' names stay text, and a teacher can sort, search and print it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from simulator.world.track import open_track
from tests.board_models import BAD, CLEAN, board_of, driven_model
from tests.browser import NEEDS_CHROMIUM
from training.compare.intervals import Interval
from training.leaderboard.against import BoardChange, Changes
from training.leaderboard.page.page import board_page
from training.leaderboard.rules import BoardRules
from training.leaderboard.submissions import Submission

RULES = BoardRules(tracks=("lake", "mountain"))
EVIL = "<img src=x onerror=alert(1)>'\"&"


def page_text(films: bool = False) -> str:
    """A page of three models and a refused one; one has a hostile name, notes and reason."""
    models = [
        driven_model("ann", RULES, lambda task: CLEAN, parameters=9),
        driven_model("bob", RULES, lambda task: BAD, parameters=100),
        driven_model(
            EVIL, RULES, lambda task: BAD if task.reverse else CLEAN, parameters=20, notes=[EVIL], milliseconds=30.0
        ),
    ]
    board = board_of(RULES, *models, refused=(Submission("mallory", refusal=EVIL),))
    tracks = {name: open_track(name) for name in RULES.tracks}
    changed = Changes(
        (BoardChange(EVIL, 50.0, 60.0, Interval(10.0, 5.0, 15.0)), BoardChange("ann", None, 9.0)), (EVIL,)
    )
    clips = {models[0].worst.task.key: b"no real film"} if films else {}
    return board_page(board, tracks, clips, changed)


def test_strangers_texts_are_escaped_and_nothing_is_fetched():
    text = page_text(films=True)
    assert "<img" not in text
    assert text.count("&lt;img src=x onerror=alert(1)&gt;") > 5
    assert re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', text) == []
    assert "default-src 'none'" in text
    assert 'src="data:video/mp4;base64,bm8gcmVhbCBmaWxt"' in text


def test_the_page_names_the_computers():
    assert "on a computer, pc2 (another computer); 2 workers" in page_text()


def test_a_map_marks_where_the_car_left_the_road():
    text = page_text()
    bob = text[text.index('id="model-3"') :]
    ann = text[text.index('id="model-1"') : text.index('id="model-2"')]
    assert "2 times off the road" in bob
    assert 'class="off"' in bob
    assert 'class="farther"' in ann, "2.1 m from the middle"
    assert 'class="off"' not in ann


@pytest.fixture
def page(tmp_path: Path, open_page):
    file = tmp_path / "board.html"
    file.write_text(page_text(), encoding="utf-8")

    def open_(**options):
        return open_page(file.as_uri(), **options)

    return open_


class TestInChromium:
    pytestmark = NEEDS_CHROMIUM

    def test_it_sorts_with_the_keyboard_and_says_how(self, page):
        sheet = page()
        names = "#board tbody th"
        assert sheet.locator(names).all_inner_texts() == ["ann", EVIL, "bob"]
        button = sheet.get_by_role("button", name="parameters")
        button.focus()
        sheet.keyboard.press("Enter")
        assert sheet.locator(names).all_inner_texts() == ["ann", EVIL, "bob"], "9, 20, 100: as numbers"
        sheet.keyboard.press("Space")
        assert sheet.locator(names).all_inner_texts() == ["bob", EVIL, "ann"]
        headers = sheet.locator("#board thead th[aria-sort]")
        assert headers.evaluate_all("all => all.map(one => [one.innerText.trim(), one.ariaSort])") == [
            ["parameters", "descending"]
        ]

    def test_a_search_leaves_what_has_the_name(self, page):
        sheet = page()
        sheet.get_by_label("Search").fill("ANN")
        assert sheet.locator("#board tbody tr:visible").count() == 1
        assert sheet.locator("details:visible").count() == 1
        assert sheet.locator("#count").inner_text() == "1 of 3 models"
        sheet.get_by_label("Search").fill("")
        assert sheet.locator("details:visible").count() == 3

    def test_a_name_leads_to_its_model(self, page):
        sheet = page()
        assert not sheet.locator("#model-2 dl").is_visible()
        sheet.get_by_role("link", name=EVIL).click()
        assert sheet.locator("#model-2 dl").is_visible()

    @pytest.mark.parametrize(
        "options",
        [{}, {"color_scheme": "dark"}, {"viewport": {"width": 360, "height": 740}}, {"forced_colors": "active"}],
    )
    def test_it_has_no_barriers_and_no_sideways_scroll(self, page, options):
        axe = pytest.importorskip("axe_playwright_python.sync_playwright")
        sheet = page(**options)
        sheet.evaluate("() => document.querySelectorAll('details').forEach(one => one.open = true)")
        results = axe.Axe().run(sheet)
        assert results.violations_count == 0, results.generate_report()
        assert sheet.evaluate("document.documentElement.scrollWidth <= innerWidth")

    def test_all_models_are_printed(self, page):
        sheet = page()
        sheet.emulate_media(media="print")
        sheet.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert sheet.locator("dl:visible").count() == 3
        assert not sheet.get_by_label("Search").is_visible()
