"""The live page in a real browser, in the states that are rare or go wrong: warnings, silence, a dead server."""

import base64
import io
import itertools
import math
import threading
import time
import zipfile

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

from protocol.recording import read_recording
from server.health.slowness import RECENT
from server.observers.drive_history import Sample
from server.web.page_stream import MAX_STREAMS
from server.web.saliency_service import SaliencyPending
from tests.api_client import GREY, post
from tests.browser import NEEDS_CHROMIUM, expect_text, sync_api
from tests.live_server import LiveServer
from tests.raw_client import RawClient, packet, telemetry_packet
from tests.test_page_stream import Stream

pytestmark = NEEDS_CHROMIUM
PHONE, LAPTOP, WIDE = ({"width": w, "height": h} for w, h in ((360, 640), (1280, 800), (1920, 1080)))
RADIUS_M = 50.0
VIEWS = (str(i).encode() for i in itertools.count())


def url(server):
    return f"http://127.0.0.1:{server.port}/"


def drive(client, frames, first=0, offset_m=0.2):
    """Answered frames of a car on a round road, 2 m apart; a lap has 157, and each takes 0.1 s of game time."""
    for i in range(first, first + frames):
        angle = 2.0 * i / RADIUS_M
        place = {"pos_x": f"{RADIUS_M * math.sin(angle):.2f}", "pos_z": f"{-RADIUS_M * math.cos(angle):.2f}"}
        lap = {"lapNumber": str(1 + i // 157), "sim_time": f"{i / 10:.2f}", "tot_obes": str(i // 300)}
        view = GREY + next(VIEWS)  # none is like the one before
        client.send(telemetry_packet(view, 12.0, cte=f"{offset_m * math.sin(i / 9):.3f}", **place, **lap))
        client.receive_until(b"42")


@pytest.fixture
def car(server):
    """car(frames) connects a car that drives so far at once, and then stands there, with new views, until the end."""
    stop, threads, clients = threading.Event(), [], []

    def drive_and_stand(frames, **options):
        client = RawClient(server.port, timeout_s=5)
        clients.append(client)
        drive(client, frames, **options)

        def stand():
            while not stop.wait(0.05):
                drive(client, 1, first=frames - 1, **options)

        threads.append(threading.Thread(target=stand))
        threads[-1].start()

    yield drive_and_stand
    stop.set()
    for thread in threads:
        thread.join(10)
    for client in clients:
        client.close()


def slow(server, milliseconds):
    server.call(lambda: [server.app.slowness.add(milliseconds) for _ in range(RECENT)])


def places(page):
    """Where everything that can be pressed or read stands."""
    things = "button:not(#findings-more), input, select, article, figure, footer"
    return page.evaluate("things => [...document.querySelectorAll(things)].map(thing => thing.offsetTop)", things)


def inked(page, canvas, share=1.0):
    """Whether something of the canvas' own colours stands in the left `share` of it."""
    picture = page.locator(canvas).evaluate("canvas => canvas.toDataURL()").partition(",")[2]
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(picture)))).astype(int)
    left = pixels[:, : max(1, round(pixels.shape[1] * share))]
    coloured = (left[..., :3].max(2) - left[..., :3].min(2) > 90) & (left[..., 3] > 200)
    return bool(coloured.any())


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


def not_alive(page):
    """The page shows an old picture as such, and no figures."""
    sync_api.expect(page.locator("body")).to_have_class("stale", timeout=10_000)
    assert page.locator("#stale-mark").is_visible()
    for figure in ("#speed-now", "#steering-now", "#command", "#angle", "#place-lap_time_s"):
        assert page.locator(figure).text_content() == "-", figure
    assert page.locator("#rim").get_attribute("style") in ("", None)
    assert "grayscale" in page.locator("#camera").evaluate("picture => getComputedStyle(picture).filter")


def test_nothing_looks_alive_when_the_server_dies(open_page):
    server = LiveServer()
    try:
        page = open_page(url(server), server_ends=True)
        with RawClient(server.port, timeout_s=5) as client:
            drive(client, 3)
            expect_text(page, "#speed-now", "12.0")
    finally:
        server.close()
    expect_text(page, "#findings", "The server does not answer")
    not_alive(page)


def test_nothing_looks_alive_while_the_server_hangs_and_it_revives(server, simulator, open_page):
    page = open_page(url(server))
    drive(simulator, 3)
    expect_text(page, "#speed-now", "12.0")
    release = threading.Event()
    hanging = threading.Thread(target=server.call, args=(lambda: release.wait(9),))
    hanging.start()
    expect_text(page, "#findings", "The server does not answer")
    not_alive(page)
    release.set()
    hanging.join(10)
    drive(simulator, 3, first=10)
    expect_text(page, "#speed-now", "12.0")
    assert not page.locator("#stale-mark").is_visible()


def test_a_page_that_the_server_refuses_says_why_and_comes_in_later(server, open_page):
    streams = [Stream(server) for _ in range(MAX_STREAMS)]
    page = open_page(url(server), server_ends=True)
    expect_text(page, "#findings", f"The server refuses this page: {MAX_STREAMS} pages are watching already")
    for stream in streams:
        stream.close()
    expect_text(page, "#findings", "Waiting for the simulator")


def test_a_silent_simulator_and_a_person_at_the_wheel_do_not_look_alive(server, simulator, open_page):
    page = open_page(url(server))
    drive(simulator, 3)
    expect_text(page, "#speed-now", "12.0")
    expect_text(page, "#stale-mark", "no telemetry for")
    not_alive(page)
    drive(simulator, 3, first=10)
    expect_text(page, "#speed-now", "12.0")
    simulator.send(packet('42["telemetry",{}]'))
    simulator.receive_until(b"42")
    expect_text(page, "#stale-mark", "a person drives")
    not_alive(page)


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
        samples.extend(Sample(now_s - 100 + i / 4, 15.0, 1.0, 0.2, 2.0, 20.0, 0.1) for i in range(396))

    server.call(add)
    page = open_page(url(server))
    expect_text(page, "#doctor", "The model drives")
    page.wait_for_function("() => document.querySelector('#figures .top').textContent === '20'")
    for tile in range(1, 7):
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
    server = LiveServer()
    try:
        page = open_page(url(server), server_ends=True)
        with RawClient(server.port, timeout_s=5) as client:
            drive(client, 3)
            expect_text(page, "#speed-now", "12.0")
    finally:
        server.close()
    expect_text(page, "#findings", "The server does not answer")
    barriers(page)


def barriers(page):
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
