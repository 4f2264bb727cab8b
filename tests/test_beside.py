"""Views beside each other: one is shown, the others are there without scripts."""

import re

import pandas as pd
import pytest

from maskdet import networks
from maskdet.config import Evolution
from maskdet.faces import matching
from maskdet.figures import relaxation
from maskdet.figures.beside import MOST, Beside, Table
from maskdet.figures.code import Calls, Code
from maskdet.networks import architectures

TABLE = pd.DataFrame({"accuracy": [0.9]})


class Drawn:
    def _repr_html_(self):
        return "<svg>drawn</svg>"


def test_every_view_is_there_under_its_title_and_the_first_is_chosen():
    page = Beside({"recorded, <wobot>": Drawn(), "this build": TABLE}, "accuracy & success")._repr_html_()
    assert page.count('role="group"') == page.count('type="radio"') == 2
    assert "<svg>drawn</svg>" in page and "0.9" in page
    assert "recorded, &lt;wobot&gt;</label>" in page and 'aria-label="accuracy &amp; success"' in page
    assert re.findall(r'id="[^"]*-(\d)" checked', page) == ["0"]
    assert "<script" not in page and "<caption>accuracy &amp; success (this build)</caption>" in page


def test_columns_of_words_are_marked_by_their_place():
    frame = pd.DataFrame({"count": [1, 2], "share": ["9.1 % (1/11)", "–"], "kind": ["a file", "no file"]})
    assert 'class="dataframe text-4"' in Table(frame, "x")._repr_html_()
    assert 'class="dataframe text-5"' in Table(frame.set_index("kind", append=True).assign(
        kind=["a", "b"]), "x")._repr_html_()
    assert 'class="dataframe"' in Table(frame[["count"]], "x")._repr_html_()


def test_names_in_the_markup_of_two_views_of_the_same_figure_are_not_the_same():
    drawn = relaxation(-1.0, 2.0)
    page = Beside({"a": drawn, "b": drawn}, "x")._repr_html_()
    names = re.findall(r' id="([^"]+)"', page)
    assert len(names) == len(set(names)) > 4
    assert set(re.findall(r'(?:url\(|href=")#([^")]+)', page)) <= set(names)


def test_a_line_says_whether_two_views_show_the_same_whatever_their_titles():
    shown = Beside({"a": TABLE, "b": TABLE.copy(), "c": TABLE + 1}, "x")
    assert shown.same("a", "b") and not shown.same("a", "c")
    assert "<p>as &lt;recorded&gt;</p>" in shown.noted("as <recorded>")._repr_html_()


def test_views_are_the_same_bytes_each_time_and_other_views_do_not_share_their_buttons():
    one, same, other = (Beside({"a": TABLE, "b": TABLE}, about)._repr_html_() for about in ("x", "x", "y"))
    assert one == same
    names = [set(re.findall(r'name="([^"]*)"', page)) for page in (one, other)]
    assert len(names[0]) == len(names[1]) == 1 and names[0] != names[1]


def test_none_too_many_or_what_cannot_be_shown_is_refused():
    for count in (0, MOST + 1):
        with pytest.raises(ValueError, match=f"expected 1 to {MOST} views, got {count}"):
            Beside({str(number): TABLE for number in range(count)}, "x")
    with pytest.raises(TypeError, match="expected a figure or a table, got int"):
        Beside({"a": 3}, "x")._repr_html_()


def test_code_of_the_package_is_shown_as_it_runs():
    shown = Code(architectures.resnet, matching.match)
    assert shown._repr_markdown_().startswith("```python\ndef resnet(scaling: str)")
    assert "linear_sum_assignment(table, maximize=True)" in repr(shown) and shown._repr_markdown_().endswith("\n```")


def test_calls_are_described_by_signature_and_docstring_and_one_without_is_refused():
    shown = Calls(matching.match, networks.load)
    page = shown._repr_html_()
    assert "<b>faces.match</b>(boxes: ndarray, labelled: ndarray)" in page and "<b>networks.load</b>(name: str)" in page
    assert "scale: tuple[float, float] = (0.5, 1.0)" in repr(Calls(Evolution))
    assert "<code>boxes</code>" in page and "faces.match(boxes" in repr(shown)
    with pytest.raises(ValueError, match="expected calls with a docstring, got .*<lambda> without"):
        Calls(lambda: 0)
