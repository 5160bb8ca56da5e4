"""The page for driving by hand in a real browser: scripted hands drive, record, and take turns with a model."""

import re

import pytest

from protocol.recording import read_recording
from tests.browser import NEEDS_CHROMIUM, sync_api
from tests.scripted_drivers import KeyboardDriver, PadDriver
from tests.server_process import ServerProcess

pytestmark = NEEDS_CHROMIUM
NOBODY = "http://127.0.0.1:9"
BY_HAND = ("-m", "simulator", "--by-hand", "--port", "0", "--url", NOBODY)
PHONE = {"viewport": {"width": 360, "height": 780}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def by_hand(browser, tmp_path):
    """by_hand(*options, **context) -> a page that drives into tmp_path; it must write nothing to the console."""
    complaints, ends = [], []

    def open_(*options, **context):
        process = ServerProcess(*BY_HAND, "--out", str(tmp_path), *options)
        ends.append(process.stop)
        tab = browser.new_context(**context)
        ends.insert(0, tab.close)
        page = tab.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"http://127.0.0.1:{process.port}/")
        page.wait_for_selector("#cover", state="hidden")
        return page

    yield open_
    for end in ends:
        end()
    assert complaints == []


def expect(page, selector, text, timeout_s=20):
    sync_api.expect(page.locator(selector)).to_contain_text(text, timeout=timeout_s * 1000)


def test_scripted_keys_drive_and_record(by_hand, tmp_path):
    page = by_hand()
    driver = KeyboardDriver(page)
    page.keyboard.press("r")
    state = driver.drive(rows=90)
    assert state["off_road"] == 0
    assert state["speed_mph"] > 10
    assert abs(state["cte_m"]) < 1.5
    expect(page, "#mark", "recording")
    page.keyboard.press("r")
    expect(page, "#notice", f"rows in {tmp_path / 'lake'}")
    expect(page, "#notice code", "python -m training")
    samples = read_recording(tmp_path / "lake").samples
    assert len(samples) >= 90
    twentieths = [s.steering for s in samples if abs(s.steering * 20 - round(s.steering * 20)) < 1e-4]
    assert len(twentieths) > len(samples) / 2, "as a keyboard steers"
    assert any(s.steering for s in samples)
    assert page.locator("#latency").text_content() != "-"


def test_a_gamepad_steers_drives_and_records(by_hand, tmp_path):
    page = by_hand()
    driver = PadDriver(page)
    expect(page, "#gamepad", "left stick steers")
    driver.press(2)
    state = driver.drive(rows=70)
    driver.press(2)
    assert state["off_road"] == 0
    assert state["speed_mph"] > 10
    expect(page, "#notice", "Recorded")
    samples = read_recording(tmp_path / "lake").samples
    assert len({round(s.steering, 3) for s in samples}) > 20, "a stick steers finely"
    assert all(s.left and s.right for s in samples)


def test_the_mouse_steers_as_far_as_it_is_dragged(by_hand):
    page = by_hand()
    driver = KeyboardDriver(page)
    box = page.locator("#camera").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + box["width"] / 3, middle[1])
    driver.look_until(lambda state: state["steering"] == pytest.approx(0.5, abs=0.01))
    page.mouse.up()
    driver.look_until(lambda state: state["steering"] == 0)


def test_thumbs_steer_and_drive_on_a_phone(by_hand):
    page = by_hand(**PHONE)
    driver = KeyboardDriver(page)
    assert page.locator("#pads").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360, "nothing sticks out on a phone"
    session = page.context.new_cdp_session(page)
    steering, pedal = (page.locator(f"#pad-{name}").bounding_box() for name in ("steering", "pedal"))

    def thumbs(kind, x=0, y=0):
        points = [
            {"x": steering["x"] + steering["width"] / 2 + x, "y": steering["y"] + 70, "id": 1},
            {"x": pedal["x"] + pedal["width"] / 2, "y": pedal["y"] + 70 + y, "id": 2},
        ]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [] if kind == "touchEnd" else points})

    thumbs("touchStart")
    thumbs("touchMove", x=-35, y=-70)
    driver.look_until(lambda state: (state["steering"], state["throttle"]) == pytest.approx((-0.5, 1), abs=0.05))
    thumbs("touchEnd")
    driver.look_until(lambda state: not state["steering"] and not state["throttle"])
    page.click("#tilt")
    page.wait_for_selector("#tilt[aria-pressed=true]")  # the browser is asked for permission first
    page.evaluate("dispatchEvent(new DeviceOrientationEvent('deviceorientation', { gamma: -15 }))")
    driver.look_until(lambda state: state["steering"] == -0.5)
    page.click("#tilt")
    driver.look_until(lambda state: state["steering"] == 0)


def test_keys_are_released_when_the_page_loses_them_and_a_hidden_page_stands_still(by_hand):
    page = by_hand()
    driver = KeyboardDriver(page)
    page.keyboard.down("ArrowUp")
    driver.look_until(lambda state: state["throttle"] == 1)
    page.evaluate("dispatchEvent(new Event('blur'))")
    driver.look_until(lambda state: state["throttle"] == 0)
    page.keyboard.up("ArrowUp")
    page.evaluate(
        """() => { Object.defineProperty(document, 'hidden', { value: true, configurable: true });
                   document.dispatchEvent(new Event('visibilitychange')); }"""
    )
    assert (
        page.evaluate(
            """() => new Promise((use) => { let pictures = 0;
             document.addEventListener('drive', () => { pictures += 1; });
             setTimeout(() => use(pictures), 1500); })"""
        )
        <= 3
    ), "those that were under way"
    page.evaluate("() => { delete document.hidden; document.dispatchEvent(new Event('visibilitychange')); }")
    driver.look()


LATENCY = """async ([count, ms]) => {
  window.stopwatch ??= new (await import("/page/latency.js")).Latency();
  for (let number = 1; number <= count; number += 1) stopwatch.changed(number, performance.now() - ms);
  stopwatch.drawn(count);
  return stopwatch.warning;
}"""


def test_the_page_says_when_a_key_takes_too_long_and_does_not_flicker(by_hand):
    page = by_hand()
    for count, ms, slow in ((4, 200, False), (15, 60, False), (15, 90, True), (15, 75, True), (15, 65, False)):
        warning = page.evaluate(LATENCY, [count, ms])
        assert ("more than 80 ms" in warning) == slow, ms


SLOW_PICTURES = """() => {
  const decode = window.createImageBitmap;
  window.undrawn = 0;
  window.createImageBitmap = async (blob) => {
    window.undrawn += 1;
    const picture = await decode(blob);
    await new Promise((use) => setTimeout(use, 500));
    setTimeout(() => { window.undrawn -= 1; });
    return picture;
  };
}"""


def test_another_page_takes_the_wheel_and_gives_it_back(by_hand):
    page = by_hand()
    page.evaluate(SLOW_PICTURES)  # a last one is drawn when the wheel is taken already; it must not clear the words
    second = page.context.new_page()
    second.goto(page.url)
    KeyboardDriver(second).look()
    expect(page, "#cover", "Another page drives now")
    page.wait_for_function("() => !undrawn")
    expect(page, "#cover", "Another page drives now")
    page.bring_to_front()
    page.click("#return")
    KeyboardDriver(page).look()
    page.keyboard.press("c")
    expect(page, "#change-camera", "behind")
    page.keyboard.press("t")
    expect(page, "#change-track", "jungle")


def test_a_model_takes_over_and_the_person_takes_back(by_hand, tmp_path):
    with ServerProcess("server/drive.py", "models/eff.h5", "--port", "0") as server:
        page = by_hand("--url", f"http://127.0.0.1:{server.port}")
        driver = KeyboardDriver(page)
        expect(page, "#driver", "A model is ready")
        driver.drive(seconds=2)
        page.keyboard.press("h")
        expect(page, "#driver", "The model drives")
        assert driver.look_until(lambda state: state["speed_mph"] > 12)["off_road"] == 0
        page.keyboard.press("ArrowLeft")
        expect(page, "#driver", "You drive")
        expect(page, "#mark", "corrections")
        driver.drive(seconds=2)
        page.keyboard.press("h")
        expect(page, "#driver", "The model drives")
        sync_api.expect(page.locator("#mark")).to_be_hidden()
        state = driver.look()
        assert state["off_road"] == 0
        assert state["recording"] is None
        page.close()
        assert "a person drives" in server.log()
    corrections = read_recording(tmp_path / "lake-corrections")
    assert len(corrections.samples) > 10
    assert not re.search("broken|missing", corrections.summary())


def test_the_live_page_opens_it_with_one_button(browser):
    with ServerProcess("server/drive.py", "models/eff.h5", "--port", "0") as server:
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.port}/")
        page.click("#by-hand")
        page.wait_for_url(lambda url: f":{server.port}/" not in url, timeout=60_000)
        expect(page, "#driver", "A model is ready")
        page.click("#server")
        expect(page, "#doctor", "a person drives")
        page.close()
