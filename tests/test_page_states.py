"""The live page's controls and warnings in a real browser."""

import threading
import zipfile

import pytest

from protocol.recording import read_recording
from server.web.saliency_service import SaliencyPending
from tests.api_client import GREY, post
from tests.browser import NEEDS_CHROMIUM, expect_text, sync_api
from tests.page_drives import LAPTOP, PHONE, WIDE, drive, places, slow, url

pytestmark = NEEDS_CHROMIUM


@pytest.mark.parametrize("viewport", [PHONE, LAPTOP])
def test_a_recordings_path_and_download_are_seen_wherever_the_page_is_scrolled(
    server, simulator, open_page, tmp_path, viewport
):
    page = open_page(url(server), viewport=viewport, accept_downloads=True)
    drive(simulator, 5)
    expect_text(page, "#doctor", "The model drives")
    page.keyboard.press("s")
    expect_text(page, "#notice", f"Saved 5 pictures in {(server.folder / 'recordings').resolve()}")
    box = page.locator("#toast").bounding_box()
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= viewport["height"], "in the window, not below it"
    assert 0 <= box["x"] <= box["x"] + box["width"] <= viewport["width"]
    with page.expect_download() as download:
        page.click("#notice-link")
    with zipfile.ZipFile(download.value.path()) as file:
        file.extractall(tmp_path)
    (folder,) = tmp_path.iterdir()
    assert len(read_recording(folder).samples) == 5
    page.click("#notice-close")
    assert not page.locator("#notice").text_content()


def test_the_keys_work_after_slider_number_and_list_were_touched(server, simulator, open_page):
    page = open_page(url(server))
    drive(simulator, 2)
    expect_text(page, "#doctor", "The model drives")
    for i, field in enumerate(("#speed", "#speed-number", "#model")):
        page.focus(field)
        page.keyboard.press("p")
        expect_text(page, "#pause", "Pause the model" if i % 2 else "Let the model drive")
    page.evaluate("document.body.append(Object.assign(document.createElement('input'), { id: 'words' }))")
    page.fill("#words", "")
    page.type("#words", "p")
    assert page.input_value("#words") == "p", "in a text field it is a letter"
    expect_text(page, "#pause", "Let the model drive")


def test_every_speed_that_the_server_takes_can_be_shown_and_set(server, open_page):
    page = open_page(url(server))
    expect_text(page, "#speed-unit", "throttle 0.3")
    server.call(lambda: server.controls.hold_speed(40.0))
    number = page.locator("#speed-number")
    sync_api.expect(number).to_have_value("40")
    assert page.locator("#speed").evaluate("slider => [slider.value, slider.max]") == ["40", "40"]
    number.fill("55")
    number.press("Enter")
    page.wait_for_function("() => document.querySelector('#speed').max === '60'")
    assert server.pace.target_mph == 55.0
    number.fill("1000")
    number.press("Enter")
    expect_text(page, "#notice", "from 0 to 100 mph")
    assert server.pace.target_mph == 55.0


def test_keys_that_come_faster_than_the_server_answers_are_all_counted(server, open_page):
    page = open_page(url(server))
    server.call(lambda: server.controls.hold_speed(20.0))
    number = sync_api.expect(page.locator("#speed-number"))
    number.to_have_value("20")
    requests = []

    def hold_the_first(route):
        requests.append(route)
        if len(requests) > 1:
            route.continue_()

    page.route("**/api/speed", hold_the_first)
    page.focus("#speed")
    page.keyboard.press("ArrowLeft")
    post(server, "pause")
    expect_text(page, "#pause", "Let the model drive")  # a status has come, which still has the speed of before
    number.to_have_value("19")
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    number.to_have_value("15")
    assert len(requests) == 1, "the other four wait for the first"
    with page.expect_request_finished(lambda request: request.post_data == '{"mph":15}'):
        requests[0].continue_()
    assert server.pace.target_mph == 15.0
    assert len(requests) == 2, "only the last of them is sent"


@pytest.mark.parametrize("viewport", [PHONE, LAPTOP, WIDE])
def test_a_warning_moves_nothing_and_is_announced_once_while_its_numbers_change(server, simulator, open_page, viewport):
    page = open_page(url(server), viewport=viewport)
    drive(simulator, 3)
    expect_text(page, "#findings", "The model drives")
    expect_text(page, "#place-lap", "1")
    before = places(page)
    page.evaluate("""() => {
        window.announcements = [];
        const watch = (changes) => window.announcements.push(document.querySelector("#announcement").textContent);
        new MutationObserver(watch).observe(document.querySelector("#announcement"), { childList: true });
    }""")
    for milliseconds in (240.0, 260.0, 280.0):
        drive(simulator, 2, first=10)
        slow(server, milliseconds)
        expect_text(page, "#findings .bad", f"up to {milliseconds:.0f} ms")
        assert places(page) == before
    (announced,) = page.evaluate("window.announcements")
    assert "too slow" in announced
    server.call(lambda: server.app.refusals.note("10.0.0.7", "it sends no token, and that is a long story. " * 3))
    expect_text(page, "#findings", "10.0.0.7 is refused")
    assert places(page) == before
    page.click("#findings-more")
    assert page.locator("#findings").evaluate("lines => lines.scrollHeight <= lines.clientHeight")
    slow(server, 2.0)


def test_33_ms_are_no_warning(server, simulator, open_page):
    page = open_page(url(server))
    drive(simulator, 3)
    slow(server, 199.0)
    expect_text(page, "#findings", "The model drives")
    assert page.locator("#findings .bad").count() == 0


def test_preparing_the_marks_shows_its_seconds_and_the_camera_goes_on(server, car, open_page, monkeypatch):
    seconds, ready = [], threading.Event()

    def picture(answer, model):
        if not ready.is_set():
            seconds.append(None)
            raise SaliencyPending("brightness.h5", 7.0 + len(seconds))
        return GREY

    def camera_goes_on():
        source = page.locator("#camera").get_attribute("src")
        page.wait_for_function("old => document.querySelector('#camera').src !== old", arg=source)

    monkeypatch.setattr(server.controls.saliency_service, "picture", picture)
    page = open_page(url(server))
    car(3)
    expect_text(page, "#speed-now", "12.0")
    page.keyboard.press("l")
    expect_text(page, "#notice", "brightness.h5 is being prepared for this, once")
    expect_text(page, "#notice-seconds", "9 s so far")
    camera_goes_on()
    ready.set()
    expect_text(page, "#notice", "Pink")
    assert not page.locator("#notice-seconds").text_content()
    ready.clear()  # as after a switch to another model
    expect_text(page, "#notice", "is being prepared")
    camera_goes_on()


def test_a_button_whose_label_changes_is_no_switch(server, simulator, open_page):
    page = open_page(url(server))
    drive(simulator, 2)
    page.click("#pause")
    expect_text(page, "#pause", "Let the model drive")
    assert page.locator("#pause").get_attribute("aria-pressed") is None
    page.click("#record")
    expect_text(page, "#record", "Stop recording")
    assert page.locator("#record").get_attribute("aria-pressed") is None
    page.click("#record")
    expect_text(page, "#notice", "Recorded")
