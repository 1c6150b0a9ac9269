"""XLSX: exact text of real values, and no cell that failed passes as empty."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from pipeline.errors import SourceError
from pipeline.extract import xlsx
from tests.unit.extract.reading import Outcome, dataset, read_bytes

AB = ("a", "b")


def _book(*rows: Sequence[Any], failed: Sequence[str] = (), top: int = 0, left: int = 0, sheet: str = "Data") -> bytes:
    """A workbook with an empty first sheet and these rows in the second."""
    book = openpyxl.Workbook()
    page = book.create_sheet(sheet)
    for line, row in enumerate(rows, top + 1):
        for place, value in enumerate(row, left + 1):
            page.cell(line, place, value)
    for reference in failed:
        page[reference].value = "#DIV/0!"
        page[reference].data_type = "e"
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _read(directory: Path, content: bytes, columns: Sequence[str] = AB, **options: Any) -> Outcome:
    options = {"sheet": "Data", **options}
    return read_bytes(directory, content, dataset(columns, format="xlsx", **options))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        (-0.0, "0"),
        (12.50, "12.5"),
        (0.1 + 0.2, "0.3"),
        (1e22, "10000000000000000000000"),
        (1e-7, "0.0000001"),
        (123456789012345, "123456789012345"),
        (True, "true"),
        ("007", "007"),
        (" x\ny ", " x\ny "),
        ("日本 😀", "日本 😀"),
        (datetime.date(2024, 2, 29), "2024-02-29"),
        (datetime.datetime(2024, 1, 2, 3, 4, 5), "2024-01-02T03:04:05"),
        (datetime.time(3, 4, 5), "03:04:05"),
        (datetime.timedelta(hours=30, seconds=1), "30:00:01"),
        (None, None),
        ("", None),
    ],
)
def test_a_cell_is_its_exact_text(tmp_path: Path, value: Any, text: str | None) -> None:
    assert _read(tmp_path, _book(["a", "b"], [value, "x"])).rows == [(text, "x")]


def test_an_error_or_a_formula_without_its_value_rejects_the_row(tmp_path: Path) -> None:
    content = _book(["a", "b"], [1, None], [2, "=1+1"], [3, "x"], failed=["B2"])
    outcome = _read(tmp_path, content)
    assert outcome.rows == [("3", "x")]
    assert [(r.line, r.rule, r.column, r.raw) for r in outcome.rejects] == [
        (2, "type", "b", b'{"a":"1","b":null}'),
        (3, "type", "b", b'{"a":"2","b":null}'),
    ]


def test_lines_are_the_sheet_s_own_rows(tmp_path: Path) -> None:
    content = _book(["title"], [], ["a", "b"], [1, 2], [None, None], [3, 4], [5, 6, 7], top=4, left=2, failed=["D10"])
    outcome = _read(tmp_path, content, skip_lines=5)
    assert outcome.rows == [("1", "2")]
    assert outcome.lines == [8]
    assert [(r.line, r.rule, r.column) for r in outcome.rejects] == [(10, "type", "b"), (11, "structure", None)]
    assert outcome.raw(8) == [b'{"a":"1","b":"2"}']


@pytest.mark.parametrize(
    ("sheet", "found"), [("Data", True), (2, True), (None, False), (1, False), (3, False), ("x", False)]
)
def test_a_sheet_is_chosen_by_name_or_number(tmp_path: Path, sheet: str | int | None, found: bool) -> None:
    content = _book(["a", "b"], [1, 2])
    if found:
        assert _read(tmp_path, content, sheet=sheet).rows == [("1", "2")]
    else:
        with pytest.raises(SourceError, match=r"no header|no sheet"):
            _read(tmp_path, content, sheet=sheet)


def test_without_a_header_the_contract_names_the_columns(tmp_path: Path) -> None:
    assert _read(tmp_path, _book([1, 2], [3, 4]), header=False).rows == [("1", "2"), ("3", "4")]


def test_values_of_the_path_join_the_rows(tmp_path: Path) -> None:
    described = dataset(("a", "dt"), format="xlsx", sheet=2)
    outcome = read_bytes(tmp_path, _book(["a"], [1]), described, name="dt=2024-01-01/f.xlsx")
    assert outcome.rows == [("1", "2024-01-01")]


@pytest.mark.parametrize(("columns", "row"), [(AB, ("1", "x", "2024")), (("col_2", "col_1"), ("1", "x", "2024"))])
def test_without_a_header_the_path_s_columns_stay_the_path_s(
    tmp_path: Path, columns: Sequence[str], row: tuple[str, ...]
) -> None:
    described = dataset((*columns, "dt"), location="dt=*/f.xlsx", format="xlsx", sheet=2, header=False)
    outcome = read_bytes(tmp_path, _book([1, "x"]), described, name="s3://x/dt=2024/f.xlsx")
    assert outcome.rows == [row]


def test_truncated_anywhere_it_is_an_error(tmp_path: Path) -> None:
    content = _book(["a", "b"], *([i, str(i)] for i in range(200)))
    for fiftieth in range(50):
        with pytest.raises(SourceError, match="XLSX"):
            _read(tmp_path, content[: len(content) * fiftieth // 50])


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "EXPANSION_FREE", 1 << 16)
    monkeypatch.setattr(xlsx, "EXPANSION_RATIO", 2)
    with pytest.raises(SourceError, match="bomb"):
        _read(tmp_path, _book(["a", "b"], *([1, 2] for _ in range(5_000))))


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    original = zipfile.ZipFile(io.BytesIO(_book(["a", "b"], ["x", "y"])))
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as evil:
        for entry in original.infolist():
            content = original.read(entry)
            if entry.filename == "xl/sharedStrings.xml":
                doctype = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
                content = doctype + content[content.index(b"<sst") :].replace(b">x<", b">&e;<")
            evil.writestr(entry.filename, content)
    try:
        rows = _read(tmp_path, sink.getvalue()).rows
    except SourceError:
        return
    assert not any(cell and "root:" in cell for row in rows for cell in row)


def test_text_named_xlsx_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="not an XLSX file"):
        _read(tmp_path, b"a,b\n1,2\n")
