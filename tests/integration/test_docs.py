"""What docs/ shows is what happens: the examples of formats are loaded, the ledger's queries are run."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pipeline.contract.model.custom import ReadOptions
from pipeline.load.connect import Connection
from tests.contracts import contract_text
from tests.integration.command_line import ROOT
from tests.integration.loader import Loader

Query = Callable[..., list[tuple[Any, ...]]]
FORMATS = (ROOT / "docs" / "formats.md").read_text()
LEDGER = (ROOT / "docs" / "ledger.md").read_text()
_EXAMPLE = re.compile(
    r"```yaml\n(?P<server>.*?)```\n```text\n(?P<file>.*?)```\n\n(?P<table>(?:\|[^\n]*\n)+)"
    r"(?:\nRejected: line (?P<line>\d+) \((?P<rule>\w+)\))?",
    re.DOTALL | re.MULTILINE,
)


class Example(NamedTuple):
    """A source server, a file's text, the columns with their expressions, the rows, and the one reject, if any."""

    server: str
    file: str
    columns: list[tuple[str, str | None]]
    rows: list[list[str]]
    reject: tuple[int, str] | None


def examples() -> list[Any]:
    """The examples of the page, each under the heading it stands below."""
    found = []
    for part in re.split(r"^(?=##)", FORMATS, flags=re.MULTILINE):
        title = part.splitlines()[0].strip("# ")
        for match in re.finditer(_EXAMPLE, part):
            if match["server"]:
                head, _, *rows = (cells(line) for line in match["table"].splitlines())
                columns = [(name.strip(), logic.strip() or None) for name, _, logic in (h.partition("=") for h in head)]
                reject = (int(match["line"]), match["rule"]) if match["line"] else None
                found.append(pytest.param(Example(match["server"], match["file"], columns, rows, reject), id=title))
    return found


def cells(line: str) -> list[str]:
    """The cells of a Markdown table's line, its escapes undone."""
    inside = re.split(r"(?<!\\)\|", line.strip().strip("|").replace("\\\\", "\0"))
    return [cell.strip().replace("\\|", "|").replace("\0", "\\").replace("⏎", "\n") for cell in inside]


@pytest.mark.parametrize("example", examples())
def test_the_formats_are_as_shown(example: Example, sail: Loader, tmp_path: Path, rows: Query) -> None:
    identity = "doc_" + hashlib.sha256(f"{example}".encode()).hexdigest()[:8]
    kind = "json" if "format: json" in example.server else "csv"
    file = tmp_path / f"sample.{kind}"
    file.write_text(example.file, encoding="cp1252" if "windows-1252" in example.server else "utf-8")
    properties = [
        f"{{name: {name}, logicalType: string{f', transformLogic: {logic!r}' if logic else ''}}}"
        for name, logic in example.columns
    ]
    contract = tmp_path / "sample.odcs.yaml"
    load = "{rejects: {max: 90, unit: percent}}"
    contract.write_text(contract_text(identity, properties, load=load, source=example.server))
    receipt = sail.one(file, contract)
    assert receipt.error is None
    names = ", ".join(f"coalesce({name}, 'NULL')" for name, _ in example.columns)
    assert [list(row) for row in rows(f"SELECT {names} FROM {identity}.target ORDER BY _line")] == example.rows
    rejects = rows("SELECT line, rule FROM landfall.reject WHERE load_id = %s", receipt.load_id)
    assert rejects == ([example.reject] if example.reject else [])


def test_every_read_option_has_its_example() -> None:
    titles = [parameter.id for parameter in examples()]
    options = {
        title.removeprefix("readOptions: ") for title in re.findall(r"^### (readOptions: .+)$", FORMATS, re.MULTILINE)
    }
    assert options == {field.alias or name for name, field in ReadOptions.model_fields.items()}
    assert {f"readOptions: {option}" for option in options - {"sheet"}} <= set(titles)


@pytest.fixture
def queried(sail: Loader) -> None:
    """The samples' orders, loaded, and one file refused."""
    contracts = ROOT / "samples" / "contracts"
    sail(ROOT / "samples" / "acme", contracts=contracts)


def queries() -> list[str]:
    return re.findall(r"```sql\n(.*?)```", LEDGER, re.DOTALL)


def test_the_queries_of_the_ledger_run(queried: None, conn: Connection) -> None:
    answers = []
    for query in queries():
        with conn, conn.cursor() as cursor:
            cursor.execute(query)
            answers.append(cursor.fetchall() if cursor.description else [])
    runs, late, sources, origin, unbalanced, shares, refused, gone = answers
    assert [row[3] for row in runs if row[2] == "acme-orders"] == [60, 61]
    assert {(rule, column) for _, rule, column, *_ in sources} >= {("pattern", "order_no"), ("type", "qty")}
    assert [(key, line) for key, _, line, _ in origin] == [("ORD-10001", 2)]
    assert [float(percent) for *_, percent in shares] == [6.56, 0.0]
    assert (late, unbalanced, refused, gone) == ([], [], [], [])


def test_every_column_of_the_ledger_is_described(queried: None, rows: Query) -> None:
    found = rows(
        "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'landfall'"
    )
    short = {"timestamp with time zone": "timestamptz"}
    assert documented() == {(table, column, short.get(kind, kind)) for table, column, kind in found}


def documented() -> set[tuple[str, str, str]]:
    """Table, column and type of every row of the page's tables of columns."""
    found = set()
    for part in re.split(r"^## ", LEDGER, flags=re.MULTILINE):
        table = part.splitlines()[0].removeprefix("landfall.")
        for names, kind in re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| (\w+) \| ", part, re.MULTILINE):
            found |= {(table, name, kind) for name in re.findall(r"`(\w+)`", names)}
    return found
