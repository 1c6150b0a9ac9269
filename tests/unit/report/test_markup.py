"""Promise: text of a file stays text in a report; a report needs nothing beside itself."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.report.charts import Bar, bars, parts, shape
from pipeline.report.markup import html, page, section, table, tag


class Elements(HTMLParser):
    """The elements of a page, its attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.names: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.names.append(name)
        self.attributes += attributes

    def handle_data(self, data: str) -> None:
        self.text += data


HOSTILE = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style></title><b>", "' onload='x", "&amp;"]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_is_text_wherever_it_stands(text: str) -> None:
    inside = section(text, table(text, [(text, "")], [[text]]), tag("p", text, title=text), note=text)
    chart = bars(text, [Bar(text, text, (1.0,))], [(text, "bar")]), parts(text, [(text, "bar", 1)]), shape([1], text)
    found = Elements(page(text, inside, chart))
    assert not {"script", "img", "b"} & set(found.names)
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    assert found.text.count(text) >= 8
    assert ("title", text) in found.attributes


@given(st.text(st.characters(exclude_characters="\0\r")))  # PostgreSQL has no NUL in text; HTML reads CR as LF
def test_every_text_comes_back_from_an_element(text: str) -> None:
    found = Elements(tag("p", text, title=text))
    assert found.names == ["p"]
    assert found.text == text
    assert found.attributes == [("title", text)]


def test_content_is_put_together() -> None:
    assert html(["a<", None, 3, [tag("b", "x")]]) == "a&lt;3<b>x</b>"
    assert tag("td", aria_label="l", class_="c", colspan=None) == '<td aria-label="l" class="c"></td>'


def test_a_page_asks_for_nothing() -> None:
    text = page("title", "body")
    assert any("default-src 'none'" in (value or "") for _, value in Elements(text).attributes)
    assert not {name for name, _ in Elements(text).attributes} & {"src", "href", "srcset", "data"}


def test_a_chart_of_nothing_is_drawn() -> None:
    assert "<svg" in bars("rows", [], [("rows", "bar")])
    assert "<rect" not in bars("rows", [Bar("a", "a", (0.0,))], [("rows", "bar")])
    assert shape([0, 0], "none") is None
