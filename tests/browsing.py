"""Chromium, and the book that it is given: what tests of pages need."""

import functools
import http.server
import sys
import threading

import numpy as np
import pytest
from PIL import Image

from maskdet import drawing
from maskdet.config import ROOT

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import print_book

PATIENCE = 120_000  # milliseconds: other work may go on beside


@pytest.fixture(scope="session")
def chromium():
    """Where the browser lies."""
    try:
        return print_book.browser()
    except FileNotFoundError as error:
        pytest.skip(str(error))


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site(build):
    """The address of the book that the tests built, and its folder."""
    folder = build / "smoke/_build/html"
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", folder
    server.shutdown()


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    """What the browser's camera sees: two drawn people who move sideways, as raw video."""
    path = tmp_path_factory.mktemp("camera") / "clip.y4m"
    scene = Image.fromarray(drawing.scene(rng=np.random.default_rng(3), people=2).photograph).resize((640, 480))
    with path.open("wb") as file:
        file.write(b"YUV4MPEG2 W640 H480 F30:1 Ip A1:1 C420jpeg\n")
        for moved in range(0, 20, 2):
            shown = scene.transform(scene.size, Image.Transform.AFFINE, (1, 0, moved, 0, 1, 0)).convert("YCbCr")
            light, *colours = shown.split()
            file.write(b"FRAME\n" + light.tobytes() + b"".join(one.resize((320, 240)).tobytes() for one in colours))
    return path


@pytest.fixture(scope="module")
def browser(chromium, clip):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # As root, in a container, Chromium has no sandbox and little shared memory.
        browser = playwright.chromium.launch(executable_path=chromium, args=[
            "--no-sandbox", "--disable-dev-shm-usage", "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={clip}"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser, site):
    """A page that notes all that goes wrong in it, `page.faults`, and all that it is given, `page.answers`."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.faults, page.answers = [], []
    page.on("console", lambda message: message.type in ("error", "warning") and page.faults.append(message.text))
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("requestfailed", lambda request: page.faults.append(f"failed: {request.url}"))
    page.on("response", lambda answer: answer.status >= 400 and page.faults.append(f"{answer.status}: {answer.url}"))
    page.on("request", lambda request: request.url.startswith((site[0], "data:", "blob:"))
            or page.faults.append(f"another host: {request.url}"))
    page.on("response", lambda answer: page.answers.append(answer))
    yield page
    context.close()
