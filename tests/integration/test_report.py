"""`landfall report`: a page that a person can send on; nothing of a file runs in it, nothing restricted is in it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.load.connect import Connection
from pipeline.load.profile import profile
from tests.browser import CHROMIUM, Browser, browser
from tests.integration.command_line import Done, run
from tests.integration.loader import Loader
from tests.unit.report.test_markup import Elements

Contract = Callable[..., Path]
Landfall = Callable[..., Done]

ITEMS = [
    "{name: id, logicalType: integer, primaryKey: true}",
    "{name: note, logicalType: string, logicalTypeOptions: {maxLength: 60}}",
    "{name: weight, logicalType: number, physicalType: DOUBLE PRECISION}",
    "{name: born_on, logicalType: date, description: A day}",
    "{name: cold, logicalType: boolean}",
    "{name: tags, logicalType: array, items: {logicalType: string}}",
]
LOAD = "{mode: upsert, rejects: {max: 90, unit: percent}}"
ROWS = """id,note,weight,born_on,cold,tags
1,ant,1.5,2026-01-01,true,"[""a""]"
2,"<script>document.title='owned';alert(1)</script>",NaN,2026-01-02,true,
3,"<img src=http://127.0.0.1:9/x onerror=alert(1)>",2,2026-01-03,false,
4,bee,1000,infinity,,
x,"</pre><svg onload=alert(1)>",1,2026-01-05,,
5,bee,heavy<b>,2026-01-06,,
6,ant,7,,,
"""
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (apt-get install chromium)")

# Of every element with text of its own, the contrast to what is behind it (WCAG 2.2, relative luminance).
CONTRAST = """[...document.querySelectorAll('main *')].filter(e => e.checkVisibility() && !e.closest('svg, caption')
    && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())).map(e => {
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  let behind = e;
  while (behind && (rgb(getComputedStyle(behind).backgroundColor)[3] === 0)) behind = behind.parentElement;
  const light = ([r, g, b]) => [[r, .2126], [g, .7152], [b, .0722]].map(([v, part]) =>
    part * (v / 255 <= .04045 ? v / 255 / 12.92 : ((v / 255 + .055) / 1.055) ** 2.4)).reduce((a, b) => a + b);
  const both = [light(rgb(getComputedStyle(e).color)), light(rgb(getComputedStyle(behind).backgroundColor))];
  return [(Math.max(...both) + .05) / (Math.min(...both) + .05), e.tagName + '.' + e.className]})"""


@pytest.fixture
def landfall(sail: Loader) -> Landfall:
    url = sail.destination.url.render_as_string(hide_password=False)
    return lambda *arguments: run(*arguments, "--database-url", url)


@pytest.fixture(scope="module")
def shown() -> Iterator[Browser]:
    with browser() as one:
        yield one


def loaded(sail: Loader, items: Path, directory: Path, name: str = "items.csv", rows: str = ROWS) -> str:
    file = directory / name
    file.write_text(rows)
    receipt = sail.one(file, items)
    assert receipt.load_id
    return receipt.load_id


def elements(text: str) -> Elements:
    """The page's elements, without its style."""
    return Elements(re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL))


def test_tells_of_one_load(sail: Loader, contract: Contract, tmp_path: Path, landfall: Landfall) -> None:
    load_id = loaded(sail, contract("report_one", ITEMS, load=LOAD), tmp_path)
    done = landfall("report", load_id)
    assert done.code == 0, done.err
    found = elements(done.out)
    assert "7 rows read = 4 inserted + 3 rejected." in found.text
    assert "'x' is not a bigint" in found.text
    assert 'x,"</pre><svg onload=alert(1)>",1,2026-01-05,,' in found.text
    assert "4 rows of report_one.target" in found.text
    assert "note" in found.text
    assert {"script", "img", "b", "iframe", "link"}.isdisjoint(found.names)
    receipt = json.loads(re.findall(r"The receipt as JSON(\{.*?\n\})", found.text, re.DOTALL)[0])
    assert receipt["load_id"] == load_id
    assert receipt["rows"]["rejected"] == 3


def test_profiles_the_columns_in_the_database(
    sail: Loader, contract: Contract, tmp_path: Path, conn: Connection
) -> None:
    load_id = loaded(sail, contract("report_profile", ITEMS, load=LOAD), tmp_path)
    found = profile(conn, "report_profile.target", load_id, ["note"])
    assert found is not None
    assert profile(conn, "report_profile.nothing", load_id, []) is None
    unknown = profile(conn, "report_profile.target", load_id, None)
    assert unknown is not None
    assert all(column.minimum is None and not column.top for column in unknown.columns)
    by_name = {column.name: column for column in found.columns}
    assert (found.rows, found.complete) == (4, True)
    assert (by_name["id"].minimum, by_name["id"].maximum, by_name["id"].distinct) == ("1", "6", 4)
    assert sum(by_name["id"].bars) == 4
    assert (by_name["born_on"].count, by_name["born_on"].missing, by_name["born_on"].maximum) == (3, 1, "2026-01-03")
    assert by_name["cold"].top == (("true", 2),)
    assert (by_name["note"].count, by_name["note"].distinct, by_name["note"].top) == (4, 3, ())
    assert by_name["note"].restricted
    assert (by_name["tags"].count, by_name["tags"].distinct) == (1, None)


SECRET = "geheim-4711"


@pytest.mark.parametrize("marked", ["classification: restricted", "tags: [pii]"])
def test_never_shows_a_restricted_value(
    sail: Loader, contract: Contract, tmp_path: Path, landfall: Landfall, marked: str
) -> None:
    name = f"report_secret_{len(marked)}"
    columns = [ITEMS[0], f"{{name: who, logicalType: string, enum: [{{value: {SECRET}}}], {marked}}}"]
    rows = f"id,who\n1,{SECRET}\n2,{SECRET}\nx,{SECRET}\n4,{SECRET}-other\n"
    # Loaded once before the contract knew that the column is restricted: what it says now holds for that load, too.
    before = contract(name, [ITEMS[0], columns[1].replace(f", {marked}", "")], load=LOAD)
    earlier = loaded(sail, before, tmp_path, "earlier.csv", rows)
    assert SECRET in landfall("report", earlier).out
    load_id = loaded(sail, contract(name, columns, load=LOAD), tmp_path, "now.csv", rows + "5,x\n")
    pages = [
        landfall("report", load_id).out,
        landfall("report", earlier).out,
        landfall("report", "--dataset", name).out,
    ]
    for page in pages:
        assert "its column is restricted" in page
        assert SECRET not in page


def test_tells_of_many_loads(sail: Loader, contract: Contract, tmp_path: Path, landfall: Landfall) -> None:
    items = contract("report_many", ITEMS, load=LOAD)
    load_ids = [loaded(sail, items, tmp_path, f"{n}.csv", ROWS.replace("ant", f"a{n}")) for n in range(3)]
    refused = loaded(sail, contract("report_many", ITEMS), tmp_path, "refused.csv")
    out = tmp_path / "report.html"
    done = landfall("report", "--dataset", "report_many", "--out", out)
    assert (done.code, done.out) == (0, "")
    found = elements(out.read_text())
    assert all(load_id in found.text for load_id in [*load_ids, refused])
    assert "Loads of report_many" in found.text
    assert "12 rows, by rule and column" in found.text
    assert re.search(r"loads\s*4", found.text)
    assert "There are none." in landfall("report", "--dataset", "nobody").out
    assert landfall("report", "--since", "2999-01-01").code == 0


def test_tells_of_what_is_no_longer_there(
    sail: Loader, contract: Contract, tmp_path: Path, landfall: Landfall, conn: Connection
) -> None:
    load_id = loaded(sail, contract("report_undone", ITEMS, load=LOAD), tmp_path)
    assert landfall("undo", load_id).code == 0
    assert "No row of report_undone.target is of this load." in landfall("report", load_id).out
    with conn, conn.cursor() as cursor:
        cursor.execute("DROP TABLE report_undone.target")
    assert "The table report_undone.target is not there." in landfall("report", load_id).out
    unknown = landfall("report", "01a1fe0b-ee14-79f5-8796-f935d2b4d4c8")
    assert unknown.code == 2
    assert "no load 01a1fe0b" in unknown.err
    assert "cannot be written" in landfall("report", load_id, "--out", tmp_path / "no" / "where.html").err


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("what", ["one", "many"])
def test_in_a_browser(
    sail: Loader, contract: Contract, tmp_path: Path, landfall: Landfall, shown: Browser, scheme: str, what: str
) -> None:
    load_id = loaded(
        sail,
        contract("report_browser", ITEMS, load=LOAD),
        tmp_path,
        f"{scheme}-{what}.csv",
        ROWS + "\n" * len(scheme + what),
    )
    page = tmp_path / "report.html"
    chosen = [load_id] if what == "one" else ["--dataset", "report_browser"]
    assert landfall("report", *chosen, "--out", page).code == 0
    shown.requests.clear()
    shown.open(page, scheme)
    assert shown.requests == [page.as_uri()]
    assert shown.said == []
    assert "owned" not in shown.read("document.title")
    assert shown.read("document.querySelectorAll('script, img, iframe, link, b').length") == 0
    assert "heavy<b>" in shown.read("document.body.innerText")
    assert shown.read("document.querySelectorAll('svg[role=img]:not([aria-label])').length") == 0
    assert shown.read("[...document.querySelectorAll('h1, h2, h3')].map(e => e.tagName)")[:2] == ["H1", "H2"]
    contrasts = shown.read(CONTRAST)
    assert len(contrasts) > 20
    assert min(contrasts)[0] >= 4.5, min(contrasts)
    dark = shown.read("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0] < 60")
    assert dark is (scheme == "dark")
    for width in (1100, 400):
        shown.open(page, scheme, width)
        assert shown.read("document.documentElement.scrollWidth") <= width
