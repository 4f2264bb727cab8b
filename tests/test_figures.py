"""Figures: no person is ever shown, nothing to show is no error, and the same bytes each time."""

import base64
import io
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from maskdet import figures
from maskdet.attack import Attempt
from maskdet.counts import Estimate
from maskdet.experiment.curve import Curve
from maskdet.figures import style

rng = np.random.default_rng(0)
PHOTOGRAPHS = list(rng.integers(0, 256, (2, 60, 80, 3), dtype=np.uint8))
CROPS = rng.integers(0, 256, (2, 50, 50, 3), dtype=np.uint8)
BOXES = [pd.DataFrame({"left": [5], "top": [5], "right": [20], "bottom": [30], "label": ["bare"], "face": [True],
                       "found": [False], "matched": [True]})] * 2
VERDICTS = [Attempt(1, ((3, 40, 255, 0, 0),), (0.2, 0.8), (0.9, 0.1), 400)] * 2

DRAWINGS = {
    "labelled": lambda veiled: figures.labelled(PHOTOGRAPHS, BOXES, veiled=veiled),
    "detections": lambda veiled: figures.detections(PHOTOGRAPHS, BOXES, BOXES, veiled=veiled),
    "mistakes": lambda veiled: figures.mistakes(CROPS, ["a", "b"], veiled=veiled),
    "flips": lambda veiled: figures.flips(CROPS, VERDICTS, veiled=veiled),
}


def rasters(drawing):
    """The pictures inside an SVG."""
    found = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=\s]+)", drawing.svg + drawing.narrow)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB")) for text in found]


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_veiled_figure_holds_no_pixel_of_a_photograph(name):
    shown, veiled = (rasters(DRAWINGS[name](veiled)) for veiled in (False, True))
    assert len(shown) == len(veiled) == 4, "wide and narrow"
    assert all(len(np.unique(image.reshape(-1, 3), axis=0)) > 100 for image in shown)
    assert all((image == 128).all() for image in veiled)


def test_nothing_to_show_is_said_and_no_error():
    none = np.empty((0, 50, 50, 3), np.uint8)
    assert figures.mistakes(none, [], veiled=False).svg and figures.flips(none, [], veiled=False).svg
    empty = {"net": np.empty(0)}
    assert figures.margins(empty, empty, {"net": np.empty(0, bool)}).svg


def test_speeds_of_any_size_are_drawn_with_their_numbers():
    panels = {"net": [("ours", 1234.5, True), ("theirs", 0.5, False)],
              "other": [("ours", 7.0, True), ("theirs", 7.0, False)]}
    assert len(figures.throughput(panels).svg) > 1000


def test_ways_of_doing_the_experiment_are_drawn_also_where_nothing_is_wrong_or_flipped():
    points = {"folds": [((0.02, (0.01, 0.03)), (0.01, (0.0, 0.02)))],
              "lines": [((0.0, (0.0, 0.01)), (0.0, (0.0, 0.1)))]}
    svg = figures.plane(points, (0.058, 0.0177)).svg
    assert "nan" not in svg and len(svg) > 1000


def test_a_point_is_drawn_for_each_network_and_a_line_and_a_shade_for_each_curve(tmp_path):
    groups = {f"training {number}": rng.random((3, 2)) for number in range(4)}
    drawn = figures.seeds({"resnet": groups, "figure2": groups}, (0.942, 0.0177)).svg
    assert drawn.count("<use ") >= 2 * 12
    curve = Curve([60, 120, 4600], [0.8, 0.9], [0.8, 0.9, 0.97], [0.7, 0.8, 0.9], [0.9, 0.95, 0.99],
                  Estimate(1.2, 1.1, 1.3))
    both = {"resnet": curve, "figure2": curve}
    svg = figures.curves({"accuracy": both, "success": both}, {"accuracy": 0.942, "success": 0.0177}).svg
    assert svg.count("fill-opacity: 0.2") == 4 and "NaN" not in svg


def test_a_figure_is_the_same_bytes_each_time_and_its_ink_is_that_of_the_text_around_it():
    one, two = (DRAWINGS["labelled"](False) for _ in range(2))
    assert one._repr_html_() == two._repr_html_() and "currentColor" in one.svg and style.INK not in one.svg


def test_a_narrow_page_has_a_layout_of_its_own_with_panels_below_each_other():
    drawn = figures.training({name: pd.DataFrame({"accuracy": [0.5, 0.6], "held_out": [0.5, 0.6]})
                              for name in ("resnet", "figure2")})
    wide, narrow = (tuple(map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups()))
                    for svg in (drawn.svg, drawn.narrow))
    assert narrow[0] < 270 < 450 < wide[0] and narrow[1] > 1.5 * wide[1]
    assert "network, on the training crops" in drawn.alt or drawn.alt.startswith("Accuracy after each epoch")


def test_names_in_the_markup_are_of_one_figure_alone():
    page = DRAWINGS["labelled"](False)._repr_html_() + DRAWINGS["mistakes"](False)._repr_html_()
    names = re.findall(r' id="([^"]+)"', page)
    assert len(names) == len(set(names)) > 4
    assert set(re.findall(r'(?:url\(|href=")#([^")]+)', page)) <= set(names)
    assert "<style type" not in page, "its rules would hold for the whole page"



def test_curves_and_calibration_are_drawn_a_line_or_panel_a_network():
    curve = np.array([[0, 0], [0.1, 0.9], [1, 1]])
    table = pd.DataFrame({"predicted": [0.1, 0.9], "share": [0.0, 1.0], "low": [0, 0.8], "high": [0.2, 1],
                          "faces": [3, 9]})
    assert len(figures.roc({"a": curve, "b": curve}).svg) > 1000
    one, two = (figures.calibration(tables).svg for tables in ({"a": table}, {"a": table, "b": table}))
    assert len(two) > len(one) > 1000


def test_a_map_of_vulnerability_marks_the_places_that_flip_and_hides_a_person():
    moved, flips = rng.random((2, 50, 50)), np.zeros((2, 50, 50), bool)
    none = figures.vulnerability(CROPS, moved, flips, ["a", "b"], veiled=True)
    assert sum((image == 128).all() for image in rasters(none)) == 4, "both faces, wide and narrow, not the maps"
    flips[0, 7, 9] = True
    assert len(figures.vulnerability(CROPS, moved, flips, ["a", "b"], veiled=True).svg) > len(none.svg)
    spots = {"net": (moved[0], {"black": 1, "white": 3, "another": 0})}
    assert len(figures.weak_spots(spots).svg) > 1000
