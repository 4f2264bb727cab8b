"""*Try it*, played in a real browser: faces of the gallery, of a photograph and of the camera."""

import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from browsing import PATIENCE
from maskdet import drawing, faces, networks


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
    trying.fill("#try-column", "24")
    trying.get_by_role("button", name="green").press("Enter")
    assert trying.input_value("#try-colour") == "#00ff00"
    assert _pixel(trying, 16, 24) == [0, 255, 0] and trying.inner_text("#try-said") != before
    trying.click("#try-clear")
    assert trying.inner_text("#try-said") == before and _pixel(trying, 16, 24) != [0, 255, 0]


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
    trying.wait_for_function("!document.getElementById('try-progress').textContent.startsWith('0 of')")
    trying.click("#try-search")
    assert _pixel(trying, 0, 0) != plain
    trying.uncheck("#try-map")
    assert _pixel(trying, 0, 0) == plain


def test_the_page_holds_the_shipped_weights(site):
    text = (site[1] / "_static/data.js").read_text(encoding="utf8")
    data = json.loads(text.removeprefix("window.maskdet = ").rstrip("\n;"))
    assert list(data["networks"]) == list(networks.NETWORKS) and len(data["faces"]) == 12
    assert {face["label"] for face in data["faces"]} == {0, 1}
