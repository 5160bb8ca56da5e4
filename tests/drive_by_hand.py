"""Let a scripted person drive the page for driving by hand and record whole laps, with real keys or a gamepad.

The documents' films and the models learned from them begin so:

    python -m tests.drive_by_hand recordings/by-hand-keys --laps 2
    python -m tests.drive_by_hand recordings/by-hand-gamepad --with gamepad --laps 2
"""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.scripted_drivers import KeyboardDriver, PadDriver
from tests.server_process import ServerProcess

DRIVERS = {"keys": KeyboardDriver, "gamepad": PadDriver}


def main() -> None:
    """Drive, record, and print how it went."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("out", type=Path, help="the folder for TRACK/driving_log.csv")
    parser.add_argument("--with", dest="driver", choices=DRIVERS, default="keys", help="(default %(default)s)")
    parser.add_argument("--laps", type=int, default=2, help="(default %(default)s)")
    parser.add_argument("--speed", type=float, default=15.0, metavar="MPH", help="(default %(default)g)")
    parser.add_argument("--track", default="lake", help="(default %(default)s)")
    options = parser.parse_args()
    print(record_laps(options.out, options.driver, options.laps, options.speed, options.track))


def record_laps(out: Path, driver: str = "keys", laps: int = 2, speed_mph: float = 15.0, track: str = "lake") -> str:
    """Record whole laps into out/TRACK; returns what the page says of it. Raises AssertionError off the road."""
    arguments = ("-m", "simulator", "--by-hand", "--port", "0", "--out", str(out), "--track", track)
    with ServerProcess(*arguments) as simulator, sync_playwright() as playwright:
        chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(f"http://127.0.0.1:{simulator.port}/")
        page.wait_for_selector("#cover", state="hidden")
        hands = DRIVERS[driver](page, speed_mph)
        page.click("#record")
        state = hands.drive(laps=laps)
        page.click("#record")
        state = hands.look_until(lambda state: not state["recording"])
        browser.close()
    assert state["off_road"] == 0, f"{state['off_road']} times off the road"
    return f"{state['notice']}; last lap {state['last_lap_s']} s\n{state['command']}"


if __name__ == "__main__":
    main()
