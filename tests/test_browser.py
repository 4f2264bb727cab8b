"""The book in a real browser: every page in both themes, on a wide and on a narrow screen; and *Try it*, played."""

import functools
import gzip
import http.server
import io
import json
import re
import sys
import threading
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from bs4 import BeautifulSoup
from PIL import Image

from maskdet import drawing, faces, networks
from maskdet.config import ROOT
from smoke_book import make

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import print_book

PAGES = sorted(f"book/{path.stem}.html" for kind in ("ipynb", "md") for path in (ROOT / "book").glob(f"*.{kind}"))
THEMES, WIDTHS = ("light", "dark"), (1280, 360)
PATIENCE = 120_000  # milliseconds: other work may go on beside

try:
    CHROMIUM = print_book.browser()
except FileNotFoundError as error:
    pytestmark = pytest.mark.skip(reason=str(error))


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


@pytest.fixture(scope="module")
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
def browser(clip):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # As root, in a container, Chromium has no sandbox and little shared memory.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[
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


def _violations(page) -> list[str]:
    """What axe finds against WCAG 2.2, A and AA, and best practice."""
    import axe_playwright_python

    page.evaluate(Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf8"))
    # The size of targets, new in 2.2, is off by itself. With `preload`, axe would ask for style sheets, some at
    # addresses that are wrong.
    found = page.evaluate("axe.run(document, {resultTypes: ['violations'], preload: false, "
                          "rules: {'target-size': {enabled: true}}})")["violations"]
    return [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]


def _overflow(page) -> int:
    """By how many pixels the page is wider than the screen."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_in_both_themes_and_widths(page, site, name):
    page.goto(f"{site[0]}/{name}", wait_until="networkidle")
    for width in WIDTHS:
        if width != page.viewport_size["width"]:
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_timeout(600)  # the theme measures what scrolls some time after a change
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            page.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)
            # Colours change over a moment; what is only half there would be measured.
            page.wait_for_function("document.getAnimations().every(one => one.playState !== 'running')")
            assert not _overflow(page) and not _violations(page), f"{theme}, {width} px"
    assert not page.faults
    sent = sum(len(gzip.compress(answer.body())) for answer in page.answers)  # compressed, as servers send it
    assert sent < (5_000_000 if name == "book/try.html" else 1_500_000)


def test_every_link_within_the_book_leads_somewhere(site):
    _, folder = site
    soups = {path: BeautifulSoup(path.read_text(encoding="utf8"), "html.parser") for path in folder.rglob("*.html")
             if "_static" not in path.parts}
    names = {path: {element[key] for key in ("id", "name") for element in soup.find_all(attrs={key: True})}
             for path, soup in soups.items()}
    broken = []
    for path, soup in soups.items():
        for link in soup.find_all("a", href=True):
            parts = urlsplit(link["href"])
            if parts.scheme or parts.netloc or link["href"] in ("", "#"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            there = target in names and (not parts.fragment or unquote(parts.fragment) in names[target])
            if not there and (target in names or not target.exists()):
                broken.append(f"{path.name}: {link['href']}")
    assert len(soups) > len(PAGES) and not broken


@pytest.fixture
def trying(page, site):
    """*Try it*, started."""
    page.goto(f"{site[0]}/book/try.html")
    page.wait_for_selector("#try-app:not([hidden])")
    return page


def test_the_networks_in_the_browser_agree_with_keras(trying):
    rng = np.random.default_rng(562)
    images = rng.integers(0, 256, (6, 50, 50, 3), np.uint8)
    images[3:] = [np.asarray(Image.fromarray(drawing.scene(rng=rng, people=1).photograph).resize((50, 50)))
                  for _ in images[3:]]
    for name in networks.NETWORKS:
        said = trying.evaluate(
            "([name, values, count]) => [...maskdet.ready[name].logits(Float32Array.from(values), count)]",
            [name, images.ravel().tolist(), len(images)])
        logits = np.array(said).reshape(-1, 2)
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        assert np.abs(shares - networks.load(name)(images)).max() < 1e-4
    assert not trying.faults


def test_a_pixel_is_set_by_pointer_keys_and_fields_and_taken_back(trying):
    before = trying.inner_text("#try-said")
    face = trying.locator("#try-face")
    box = face.bounding_box()
    face.click(position={"x": box["width"] * 0.61, "y": box["height"] * 0.31})
    assert [trying.input_value(f"#try-{name}") for name in ("row", "column")] == ["15", "30"]
    face.press("ArrowDown")
    face.press("ArrowLeft")
    assert [trying.input_value(f"#try-{name}") for name in ("row", "column")] == ["16", "29"]
    trying.fill("#try-column", "7")
    trying.get_by_role("button", name="green").press("Enter")
    assert trying.input_value("#try-colour") == "#00ff00"
    assert _pixel(trying, 16, 7) == [0, 255, 0] and trying.inner_text("#try-said") != before
    trying.click("#try-clear")
    assert trying.inner_text("#try-said") == before and _pixel(trying, 16, 7) != [0, 255, 0]


def _pixel(page, row, column):
    """The colour that the face shows there, once what was asked for is drawn."""
    page.evaluate("new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    return page.evaluate("([row, column]) => [...document.getElementById('try-face').getContext('2d')"
                         ".getImageData(column, row, 1, 1).data.slice(0, 3)]", [row, column])


def test_a_search_flips_a_face_and_keras_says_so_too(trying):
    trying.click("#try-search")
    # What is said follows in the frame after the one that gives the button its new word.
    trying.wait_for_selector("#try-said:has-text('One pixel flipped the decision')", timeout=2 * PATIENCE)
    assert trying.inner_text("#try-search") == "Search on"
    image = np.array(trying.evaluate("maskdet.bytes(maskdet.faces[0].values).join().split(',').map(Number)"), np.uint8)
    image = image.reshape(50, 50, 3)
    after = image.copy()
    row, column = (int(trying.input_value(f"#try-{name}")) for name in ("row", "column"))
    after[row, column] = _pixel(trying, row, column)
    before, changed = networks.load("figure2")(np.array([image, after])).argmax(axis=1)
    assert before != changed and (image != after).any(axis=2).sum() == 1
    assert not trying.faults


def _file(photograph):
    file = io.BytesIO()
    Image.fromarray(photograph).save(file, "PNG")
    return {"name": "own.png", "mimeType": "image/png", "buffer": file.getvalue()}


def test_a_photograph_of_the_readers_own_is_searched_for_faces_which_can_be_attacked(trying):
    photograph = drawing.scene(rng=np.random.default_rng(0), people=3).photograph
    before = trying.inner_text("#try-said")
    trying.set_input_files("#try-file", _file(photograph))
    trying.wait_for_selector("#try-found:has-text('3 faces found')")
    labels = [button.inner_text() for button in trying.locator("#try-people button").all()]
    assert len(labels) == 3 and all(re.fullmatch(r"face \d: (masked|bare) \d+ %", label) for label in labels)
    first = trying.inner_text("#try-said")
    trying.evaluate("document.querySelector('#try-people button').textContent = 'old'")
    trying.get_by_role("radio", name="resnet").check()
    assert trying.locator("#try-people button").first.inner_text().startswith("face 1: "), "the other network is asked"
    trying.get_by_role("radio", name="figure2").check()
    trying.locator("#try-people button").nth(1).click()
    second = trying.inner_text("#try-said")
    trying.locator("#try-photograph").press("ArrowUp")
    assert len({before, first, second, trying.inner_text("#try-said")}) == 4, "each face, and the frame when it moves"
    trying.set_input_files("#try-file", {"name": "no.png", "mimeType": "image/png", "buffer": b"no image"})
    trying.wait_for_selector("#try-fault:has-text('no.png')")
    assert not trying.faults, "nothing was sent anywhere"


def test_the_page_finds_the_faces_that_the_package_finds_within_a_pixel(trying):
    detect = faces.detector("yunet")
    for seed in range(3):
        photograph = drawing.scene(rng=np.random.default_rng(seed), people=3).photograph
        height, width = photograph.shape[:2]
        found = trying.evaluate(
            "([width, height, values]) => new maskdet.Detector(maskdet.detector)"
            ".faces({width, height, values: Float32Array.from(values)}).map(({box, score}) => [...box, score])",
            [width, height, photograph.ravel().tolist()])
        boxes, scores = detect(photograph)
        mine, theirs = (np.array(sorted(map(tuple, one))) for one in (np.column_stack([boxes, scores]).tolist(), found))
        assert len(mine) == len(theirs) > 1 and np.abs(mine - theirs)[:, :4].max() < 1
        assert np.abs(mine - theirs)[:, 4].max() < 0.01


def test_the_camera_is_searched_live_and_its_picture_can_be_taken(trying):
    trying.click("#try-camera")
    trying.wait_for_selector("#try-found:has-text('2 faces')")
    trying.wait_for_selector("#try-rate:has-text('pictures a second')")
    trying.evaluate("window.track = document.getElementById('try-video').srcObject.getTracks()[0]")
    trying.get_by_role("button", name="Take this picture").click()
    trying.wait_for_selector("#try-found:has-text('found.')")
    assert trying.locator("#try-people button").count() > 0 and trying.inner_text("#try-camera") == "or your camera"
    assert trying.evaluate("track.readyState") == "ended", "the camera is off"
    trying.click("#try-camera")
    trying.wait_for_selector("#try-rate:has-text('pictures a second')")
    trying.get_by_role("button", name="Stop the camera").click()
    assert trying.evaluate("document.getElementById('try-video').srcObject") is None
    assert not trying.faults, "nothing was sent anywhere"


def test_what_was_found_is_copied_as_text_and_the_map_is_on_the_face(trying):
    trying.context.grant_permissions(["clipboard-read", "clipboard-write"])
    plain = _pixel(trying, 0, 0)
    trying.fill("#try-row", "9")
    trying.click("#try-share")
    trying.wait_for_selector("#try-shared:not(:empty)")
    text = trying.evaluate("navigator.clipboard.readText()")
    assert re.match(r"One pixel: drawn face 1, network figure2, row 9, column \d+, #[0-9a-f]{6}: bare [\d.]+ %", text)
    trying.click("#try-search")
    trying.wait_for_selector("#try-progress:not(:has-text('0 of'))")
    trying.click("#try-search")
    assert _pixel(trying, 0, 0) != plain
    trying.uncheck("#try-map")
    assert _pixel(trying, 0, 0) == plain


def test_the_page_holds_the_shipped_weights(site):
    text = (site[1] / "_static/data.js").read_text(encoding="utf8")
    data = json.loads(text.removeprefix("window.maskdet = ").rstrip("\n;"))
    assert list(data["networks"]) == list(networks.NETWORKS) and len(data["faces"]) == 12
    assert {face["label"] for face in data["faces"]} == {0, 1}


def test_the_book_prints_as_one_pdf_with_every_chapter(build):
    done = make("pdf", build=build)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    pdf = (build / "smoke/book.pdf").read_bytes()
    assert pdf.startswith(b"%PDF") and len(pdf) > 200_000
    titles = [BeautifulSoup((build / f"smoke/_build/html/{name}").read_text(encoding="utf8"), "html.parser").h1
              for name in PAGES]
    printed = _outline(pdf)
    for title in titles:
        words = title.get_text().rstrip("#").strip()
        assert any(words in entry for entry in printed), words


def _outline(pdf: bytes) -> list[str]:
    """The titles of a PDF's outline, as Chromium writes them: in plain brackets, or as UTF-16 in hexadecimal."""
    plain = [text.decode("latin1") for text in re.findall(rb"/Title \((.*?)\)\n", pdf)]
    coded = [bytes.fromhex(text.decode()).decode("utf-16") for text in re.findall(rb"/Title <([0-9A-Fa-f]+)>", pdf)]
    return plain + coded
