"""The loop of a drive by hand: thirty times a second it steps the world, draws it, and writes what is recorded."""

from __future__ import annotations

import sys
import threading
import time

from simulator.by_hand.game import Game
from simulator.by_hand.messages import encode_picture
from simulator.by_hand.seat import Page, Seat
from simulator.render.jpeg import jpeg_of

PICTURES_PER_S = 30
PAGE_QUALITY = 85
"""JPEG quality of what the driver sees, which is larger than the game's frames."""

STILL_TICK_S = 0.1
"""How often the loop looks for a driver while the world stands still."""

LONGEST_STEP_S = 0.1
"""A computer that is too slow makes the game slow; the car never jumps."""


class Loop:
    """`run` drives until `stop` is called."""

    def __init__(self, game: Game, seat: Seat) -> None:
        self._game = game
        self._seat = seat
        self._ended = threading.Event()

    def run(self) -> None:
        """Drive until `stop`."""
        due_s = time.perf_counter()
        before_s = due_s
        while not self._ended.is_set():
            page = self._seat.page
            now_s = time.perf_counter()
            if page is not None and page.awake:
                self._tick(page, min(now_s - before_s, LONGEST_STEP_S))
                due_s = max(due_s + 1 / PICTURES_PER_S, now_s)
            else:
                self._game.update_link()
                due_s = now_s + STILL_TICK_S
            before_s = now_s
            self._ended.wait(max(0.0, due_s - time.perf_counter()))

    def stop(self) -> None:
        """End `run`."""
        self._ended.set()

    def _tick(self, page: Page, seconds: float) -> None:
        game, report, hands = self._game, page.report, page.take_input()
        try:
            for button in page.presses():
                game.press(button)
            game.advance(seconds, hands)
        except OSError as error:
            self._say(f"The recording cannot be written: {error.strerror or error}")
        head = {"picture": page.number + 1, "number": report.number, **game.state()}
        page.show(encode_picture(head, jpeg_of(game.picture(report.scale), PAGE_QUALITY)))
        game.update_link()
        try:
            game.record()
        except OSError as error:
            game.drop_recording()
            self._say(f"The recording has ended, because it cannot be written: {error.strerror or error}")

    def _say(self, notice: str) -> None:
        self._game.notice = notice
        print(f"by hand: {notice}", file=sys.stderr)
