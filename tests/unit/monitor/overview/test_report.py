"""The report: one file that needs nothing else, in which data stay data."""

import re
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa
import pytest

from setpoint.domain.value import replace
from setpoint.monitor.overview.build import overview_of
from setpoint.monitor.report import svg
from setpoint.monitor.report.page import MOST_CARDS
from setpoint.monitor.report.writing import brief, number, share
from setpoint.monitor.tables.compared import compare
from tests.unit.monitor.overview.conftest import a_finding, gather, numbers

VOID = {"meta", "br", "rect", "link", "img"}
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


class Page(HTMLParser):
    """What a page holds; an element that is closed out of turn, or not at all, is an error."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.words, self.attributes = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID - {"rect"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def page(at_hand):
    return Page(overview_of(at_hand).to_html())


def test_the_page_is_whole_and_needs_nothing_else(quiet):
    text = overview_of(replace(quiet, findings=(a_finding(),))).to_html()
    found = Page(text)
    assert "script" not in found.tags
    assert not [value for name, value in found.attributes if name in ("src", "href", "action", "data")]
    assert not re.findall(r"https?://|@import|url\(", text)
    assert {"h1", "h2", "h3", "svg", "title", "table", "th"} <= set(found.tags)
    assert found.tags.count("svg") == sum(name == "aria-label" for name, _ in found.attributes)


def test_names_levels_and_details_stay_text():
    rng = np.random.default_rng(0)
    levels = np.array([HOSTILE, "plain"], object)
    reference, now = ({HOSTILE: rng.choice(levels, n), "x": rng.normal(size=n)} for n in (500, 200))
    findings = (
        a_finding(column=HOSTILE, detail=HOSTILE), a_finding(column="x", segment=HOSTILE, detail=HOSTILE),
        a_finding(metric="rule", column="x", detail=HOSTILE),
    )  # fmt: skip
    overview = overview_of(gather(reference, now, findings=findings))
    for text in (overview.to_html(), overview._repr_html_()):
        found = Page(text)
        assert not {"script", "img"} & set(found.tags)
        assert any(HOSTILE in words for words in found.words)


def test_the_most_important_columns_have_pictures_and_the_rest_a_table():
    wide = gather(numbers(300, 500), numbers(200, 500, seed=1), findings=(a_finding(column="x321"),))
    text = overview_of(wide).to_html()
    cards, table = text.split(f"{501 - MOST_CARDS} more columns")
    assert cards.count('<article class="card quiet">') == MOST_CARDS - 1 + 1  # and the objective
    assert ">x321<" in re.sub(r"\s*</h3>", "<", cards.partition("Columns, the most")[2][:1_500])
    assert table.count("<tr>") == 501 - MOST_CARDS + 1
    assert len(text) < 1_000_000


def test_fifty_columns_fit_into_a_megabyte(quiet):
    assert len(overview_of(gather(numbers(500, 50), numbers(700, 50, seed=1))).to_html()) < 1_000_000


def test_a_very_long_name_is_cut():
    long = "x" * 10_000
    text = overview_of(gather(numbers(300) | {long: np.arange(300.0)}, numbers(60) | {long: np.arange(60.0)})).to_html()
    assert max(len(words) for words in Page(text).words if "sp {" not in words) < 1_000


def test_a_notebook_shows_the_same_with_fewer_pictures(quiet):
    part = overview_of(quiet)._repr_html_()
    assert "<html" not in part
    assert "Everything is within the set point" in part


def test_a_line_has_gaps_and_a_single_number_is_a_dot():
    plot = svg.plot_of(6, [1.0, 2.0])
    drawn = svg.line(plot, (1.0, 2.0, None, 1.5, None, None), "now")
    assert drawn.count("M") == 2
    assert drawn.count("<circle") == 1


@pytest.mark.parametrize("numbers", [[0.0], [5.0, 5.0], [-1e308, 1e308], [float("inf"), 1.0], [5e-324, 0.0], []])
def test_any_numbers_can_be_drawn(numbers):
    plot = svg.plot_of(max(len(numbers), 1), numbers)
    drawn = svg.line(plot, tuple(numbers), "now") + svg.axes(
        plot, [(t, "") for t in svg.ticks_of(plot.low, plot.high)], []
    )
    assert not re.search("nan|inf", drawn)


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "–"), (0.0, "0 %"), (1.0, "100 %"), (0.00001, "<0.1 %"), (0.99999, ">99.99 %"), (0.5, "50.0 %")],
)
def test_a_share_that_is_not_quite_all_is_not_said_to_be_all(value, said):
    assert share(value) == said


def test_numbers_are_written_in_few_digits():
    assert [number(v) for v in (None, 1.23456, -12_345.6, 1e20)] == ["–", "1.235", "−12,346", "1e+20"]
    assert [brief(v) for v in (0.25, 12_000, 2.5e6, 1e12)] == ["0.25", "12k", "2.5M", "1e12"]
    assert [brief(v) for v in (999.6, 1_380, -9_999)] == ["1000", "1380", "−9999"]


def test_a_comparison_is_a_page_of_the_same_parts():
    rng = np.random.default_rng(0)
    before = pa.table({"x": rng.normal(size=5_000), HOSTILE: rng.choice(["a", "b"], 5_000), "gone": np.arange(5_000)})
    after = pa.table({"x": rng.normal(3, 1, 5_000), HOSTILE: rng.choice(["a", HOSTILE], 5_000)})
    comparison = compare(before, after)
    found = Page(comparison.to_html())
    assert not {"script", "img"} & set(found.tags)
    assert "3 of 3 columns changed" in found.words
    assert found.tags.count("article") == 3
    assert found.tags.count("svg") == 1
    related = compare(before, after, relations=True).to_html()
    assert "What columns do together" in "".join(Page(related).words)
    assert "bars" not in comparison.to_dict()["columns"][0]
