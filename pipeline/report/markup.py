"""HTML made of elements: text is escaped unless an element made it, so that nothing of a file can become markup."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from pipeline.report.style import STYLE


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


Content = str | int | None | Iterable["Content"]

# The page asks the network for nothing and runs nothing, whatever is in it.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def html(content: Content) -> Html:
    """`content` as markup: text escaped, `Html` as it is, lists one after the other, None as nothing."""
    if content is None:
        return Html("")
    if isinstance(content, Html):
        return content
    if isinstance(content, str | int):
        return Html(escape(str(content)))
    return Html("".join(html(each) for each in content))


def tag(name: str, /, *content: Content, **attributes: str | int | float | None) -> Html:
    """An element. `class_` is the attribute class, `aria_label` aria-label; an attribute of None is left out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{written}>" if name == "meta" else f"<{name}{written}>{html(content)}</{name}>")


def page(title: str, *content: Content) -> str:
    """A whole document that needs nothing beside it."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Html(STYLE)),
    )
    return f'<!doctype html>\n<html lang="en">{head}{tag("body", tag("main", *content))}</html>\n'


def section(title: str, *content: Content, note: Content = None) -> Html:
    """A part of the page under its heading; `note` says what it shows."""
    said = tag("p", note, class_="note") if note else None
    return tag("section", tag("h2", title), said, *content)


def table(caption: str, heads: Iterable[tuple[str, str]], rows: Iterable[Iterable[Content]]) -> Html:
    """A table that scrolls within the page. `heads`: each column's title and class; a row's first cell is its head."""
    heads = list(heads)
    top = tag("tr", *(tag("th", title, scope="col", class_=kind or None) for title, kind in heads))
    body = [tag("tr", *_cells(row, [kind for _, kind in heads])) for row in rows]
    inside = tag("table", tag("caption", caption), tag("thead", top), tag("tbody", *body))
    return tag("div", inside, class_="wide", tabindex=0, role="region", aria_label=caption)


def _cells(row: Iterable[Content], kinds: list[str]) -> Iterable[Html]:
    for place, (cell, kind) in enumerate(zip(row, kinds, strict=True)):
        yield tag("td", cell, class_=kind or None) if place else tag("th", cell, scope="row", class_=kind or None)
