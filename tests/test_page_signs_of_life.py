"""The live page shows an old picture as such: when the server dies, hangs or refuses, and when nobody drives."""

import threading

from server.web.page_stream import MAX_STREAMS
from tests.api_client import Stream
from tests.browser import NEEDS_CHROMIUM, expect_text, sync_api
from tests.page_drives import drive, lose_the_server, url
from tests.raw_client import packet

pytestmark = NEEDS_CHROMIUM


def not_alive(page):
    """The page shows an old picture as such, and no figures."""
    sync_api.expect(page.locator("body")).to_have_class("stale", timeout=10_000)
    assert page.locator("#stale-mark").is_visible()
    for figure in ("#speed-now", "#steering-now", "#command", "#angle", "#place-lap_time_s"):
        assert page.locator(figure).text_content() == "-", figure
    assert page.locator("#rim").get_attribute("style") in ("", None)
    assert "grayscale" in page.locator("#camera").evaluate("picture => getComputedStyle(picture).filter")


def test_nothing_looks_alive_when_the_server_dies(open_page):
    page = lose_the_server(open_page)
    not_alive(page)


def test_nothing_looks_alive_while_the_server_hangs_and_it_revives(server, simulator, open_page):
    page = open_page(url(server))
    drive(simulator, 3)
    expect_text(page, "#speed-now", "12.0")
    release = threading.Event()
    hanging = threading.Thread(target=server.call, args=(lambda: release.wait(60),))
    hanging.start()
    expect_text(page, "#findings", "The server does not answer")
    not_alive(page)
    release.set()
    hanging.join(60)
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
