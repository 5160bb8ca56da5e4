"""The live page in a real browser, with the built-in simulator on the other end: it moves, its buttons work."""

import json
from pathlib import Path

from protocol.recording import read_recording
from server.health.model_answers import VIEWS
from tests.browser import NEEDS_CHROMIUM, expect_text
from tests.model_files import pilotnet, saved
from tests.raw_client import RawClient, packet
from tests.raw_messages import drive_past_views
from tests.server_process import ROOT, ServerProcess

pytestmark = NEEDS_CHROMIUM


def speed(page, above=-1, below=100):
    """Wait until the page shows a speed between the two, in mph."""
    condition = (
        "([a, b]) => { const v = Number(document.querySelector('#speed-now').textContent); return a < v && v < b; }"
    )
    page.wait_for_function(condition, arg=[above, below], timeout=30_000)


def test_a_drive_is_seen_and_operated(open_page, tmp_path):
    arguments = ("models/eff.h5", "--port", "0", "--record", str(tmp_path), "--simulator", "lake", "--laps", "20")
    with ServerProcess("server/drive.py", *arguments) as server:
        page = open_page(f"http://127.0.0.1:{server.port}/")
        expect_text(page, "#doctor", "The model drives simulator 1")
        expect_text(page, "#about", "eff.h5: litert")
        expect_text(page, "#facts", "630,433 parameters")
        first = page.locator("#camera").get_attribute("src")
        page.wait_for_function("old => document.querySelector('#camera').src !== old", arg=first)
        assert page.evaluate("document.querySelector('#camera').naturalWidth") == 320
        turned = page.locator("#rim").get_attribute("style")
        page.wait_for_function("old => document.querySelector('#rim').getAttribute('style') !== old", arg=turned)
        speed(page, above=5)

        page.keyboard.press("l")
        expect_text(page, "#notice", "Pink: where the network's features are strong", timeout_s=120)
        assert page.locator("#look").get_attribute("aria-pressed") == "true"
        marked = page.locator("#camera").get_attribute("src")
        page.wait_for_function("old => document.querySelector('#camera').src !== old", arg=marked)
        page.click("#look")
        assert page.locator("#look").get_attribute("aria-pressed") == "false"
        expect_text(page, "#place-lap", "1")
        expect_text(page, "#place-off_road", "0 times")

        expect_text(page, "#record", "Stop recording")
        page.click("#record")
        expect_text(page, "#notice", "Recorded")
        page.keyboard.press("s")
        expect_text(page, "#notice", f"pictures in {tmp_path.resolve()}")

        page.focus("#pause")
        page.keyboard.press("Enter")
        expect_text(page, "#doctor", "Paused")
        speed(page, below=1)
        page.keyboard.press("p")
        expect_text(page, "#doctor", "The model drives simulator 1")
        page.focus("#speed")
        for _ in range(5):
            page.keyboard.press("ArrowLeft")
        page.wait_for_function("() => document.querySelector('#speed-number').value === '10'")
        speed(page, above=9, below=11)

        page.select_option("#model", "baseline.h5")
        page.click("#switch")
        expect_text(page, "#facts", "baseline.h5", timeout_s=60)
        expect_text(page, "#doctor", "The model drives simulator 1")
        page.close()  # before the server ends, of which the browser would complain
    for folder in tmp_path.iterdir():
        assert len(read_recording(folder).samples) > 10
        assert json.loads((folder / "run.json").read_text())["frames_left_out"] == 0
    assert len(list(tmp_path.iterdir())) == 2


def test_it_waits_for_a_simulator_and_lets_one_of_two_be_chosen(open_page):
    with ServerProcess("server/drive.py", "models/eff.h5", "--port", "0") as server:
        page = open_page(f"http://127.0.0.1:{server.port}/", viewport={"width": 390, "height": 844})
        expect_text(page, "#doctor", "Waiting for the simulator")
        assert page.locator("#no-camera").is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, "nothing sticks out on a phone"
        with RawClient(server.port) as first, RawClient(server.port) as second:
            for client in (first, second):
                client.send(packet('42["telemetry",{}]'))
                client.receive_until(b"42")
            expect_text(page, "#doctor", "a person drives")
            page.click("#simulators button:nth-child(2)")
            page.wait_for_selector("#simulators button:nth-child(2)[aria-pressed=true]")
        expect_text(page, "#doctor", "Waiting for the simulator")
        page.close()


def test_a_model_that_answers_in_degrees_is_named(open_page, tmp_path):
    path = saved(pilotnet(0.5, 12.5, "linear"), tmp_path / "net.h5")
    with ServerProcess("server/drive.py", str(path), "--port", "0") as server:
        page = open_page(f"http://127.0.0.1:{server.port}/", viewport={"width": 390, "height": 844})
        expect_text(page, "#doctor", "Waiting for the simulator")
        drive_past_views(server.port, VIEWS + 5)
        expect_text(page, "#doctor .bad", "net.h5 answers from 12.")
        expect_text(page, "#doctor .bad", '--preprocess "..., steer=1/25"')
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, "nothing sticks out on a phone"
        page.close()


def test_a_token_opens_the_page_and_stays_out_of_its_address(open_page):
    token = "a-token-of-twenty-chars"
    with ServerProcess("server/drive.py", "models/eff.h5", "--port", "0", "--token", token) as server:
        page = open_page(f"http://127.0.0.1:{server.port}/?token={token}")
        expect_text(page, "#doctor", "Waiting for the simulator")
        assert token not in page.url
        page.close()


def test_the_pages_files_are_small_and_from_here():
    files = list(Path(ROOT, "server", "web", "page").iterdir())
    assert sum(file.stat().st_size for file in files) < 60_000
    for file in files:
        assert "https://" not in file.read_text(encoding="utf-8")
