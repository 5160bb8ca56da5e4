"""What the page's tests share: cars that drive for the page, and what is drawn on it."""

import base64
import io
import itertools
import math

import numpy as np
from PIL import Image

from server.health.slowness import RECENT
from tests.api_client import GREY
from tests.browser import expect_text
from tests.live_server import LiveServer
from tests.raw_client import RawClient, telemetry_packet

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


def lose_the_server(open_page):
    """A page that has shown a drive, and whose server has ended."""
    server = LiveServer()
    try:
        page = open_page(url(server), server_ends=True)
        with RawClient(server.port) as client:
            drive(client, 3)
            expect_text(page, "#speed-now", "12.0")
    finally:
        server.close()
    expect_text(page, "#findings", "The server does not answer")
    return page
