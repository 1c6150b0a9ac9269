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
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


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


def _with(content: bytes, **parts: str) -> bytes:
    """The workbook with other XML for its second `sheet`, its `styles` or its `workbook`."""
    names = {"xl/worksheets/sheet2.xml": "sheet", "xl/styles.xml": "styles", "xl/workbook.xml": "workbook"}
    original = zipfile.ZipFile(io.BytesIO(content))
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as changed:
        for entry in original.namelist():
            changed.writestr(entry, parts.get(names.get(entry, ""), original.read(entry)))
    return sink.getvalue()


def _written(rows: str, prefix: str = "", **parts: str) -> bytes:
    """A workbook whose second sheet has the header a, b and then these rows of XML, without references there."""
    header = "".join(f'<c t="inlineStr"><is><t>{name}</t></is></c>' for name in AB)
    sheet = f'<worksheet xmlns="{_MAIN}"><sheetData><row>{header}</row>{rows}</sheetData></worksheet>'
    if prefix:
        sheet = (
            sheet.replace("xmlns=", f"xmlns:{prefix}=")
            .replace("<", f"<{prefix}:")
            .replace(f"<{prefix}:/", f"</{prefix}:")
        )
    return _with(_book(), sheet=sheet, **parts)


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


@pytest.mark.parametrize("prefix", ["", "x"])
@pytest.mark.parametrize(
    "failed",
    ['<c t="e"><v>#DIV/0!</v></c>', "<c><f>A2+1</f></c>", "<c><f>A2+1</f><v/></c>", '<c><f t="shared" si="0"/></c>'],
)
def test_cells_without_references_are_counted(tmp_path: Path, failed: str, prefix: str) -> None:
    rows = f'<row><c><v>1</v></c>{failed}</row><row><c><v>2</v></c><c><f>1+2</f><v>3</v></c></row><row r="9">{failed}</row>'
    outcome = _read(tmp_path, _written(rows, prefix))
    assert outcome.rows == [("2", "3")]
    assert outcome.lines == [3]
    assert [(r.line, r.rule, r.column) for r in outcome.rejects] == [(2, "type", "b"), (9, "type", "a")]


def test_the_name_of_a_sheet_may_be_any_text(tmp_path: Path) -> None:
    workbook = zipfile.ZipFile(io.BytesIO(_book())).read("xl/workbook.xml").decode()
    content = _written(
        '<row><c><v>1</v></c><c t="e"><v>#N/A</v></c></row>', workbook=workbook.replace('"Sheet"', '"a>b"')
    )
    assert _read(tmp_path, content).rules == [(2, "type")]


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ("9007199254740993", "9007199254740993"),
        ("-12345678901234567890", "-12345678901234567890"),
        ("1.2345678901234568E+19", "12345678901234568000"),
        ("9.00719925474099312E15", "9007199254740993.12"),
        ("0.28999999999999998", "0.29"),
        ("1e308", "1" + "0" * 308),
    ],
)
def test_digits_beyond_a_double_are_kept_in_whole_numbers(tmp_path: Path, stored: str, text: str) -> None:
    row = f"<row><c><v>{stored}</v></c><c><v>1</v></c></row>"
    outcome = _read(tmp_path, _written(row))
    assert outcome.rows == [(text, "1")]
    assert outcome.raw(2) == [f'{{"a":"{text}","b":"1"}}'.encode()]


@pytest.mark.parametrize("stored", ["1e400", "-1e400", "NaN", "inf"])
def test_a_number_that_is_not_finite_rejects_the_row(tmp_path: Path, stored: str) -> None:
    rows = f"<row><c><v>{stored}</v></c><c><v>1</v></c></row><row><c><v>2</v></c></row>"
    outcome = _read(tmp_path, _written(rows))
    assert outcome.rows == [("2", None)]
    assert [(r.line, r.rule, r.column) for r in outcome.rejects] == [(2, "type", "a")]


@pytest.mark.parametrize(("form", "stored"), [("[h]:mm:ss", "1e9"), ("[h]:mm:ss", "-1e12"), ("yyyy-mm-dd", "-1e300")])
def test_a_duration_out_of_range_rejects_the_row(tmp_path: Path, form: str, stored: str) -> None:
    styles = (
        f'<styleSheet xmlns="{_MAIN}"><numFmts><numFmt numFmtId="200" formatCode="{form}"/></numFmts>'
        '<cellXfs><xf numFmtId="0"/><xf numFmtId="200"/></cellXfs></styleSheet>'
    )
    rows = f'<row><c><v>1</v></c><c s="1"><v>{stored}</v></c></row><row><c><v>2</v></c><c s="1"><v>1</v></c></row>'
    outcome = _read(tmp_path, _written(rows, styles=styles))
    assert [row[0] for row in outcome.rows] == ["2"]
    assert [(r.line, r.rule, r.column) for r in outcome.rejects] == [(2, "type", None)]


@pytest.mark.parametrize("cell", ["XFD1048576", "BK1048576"])
def test_a_cell_far_away_is_refused_before_memory_is_taken(tmp_path: Path, cell: str) -> None:
    with pytest.raises(SourceError, match=r"row 1,048,576 and column"):
        _read(tmp_path, _written(f'<row r="1048576"><c r="{cell}"><v>1</v></c></row>'))


def test_a_far_cell_without_a_value_takes_no_memory(tmp_path: Path) -> None:
    rows = '<row><c><v>1</v></c><c><v>2</v></c></row><row r="1048576"><c r="XFD1048576" s="0"/></row>'
    assert _read(tmp_path, _written(rows)).rows == [("1", "2")]


def test_lines_are_the_sheet_s_own_rows(tmp_path: Path) -> None:
    content = _book(["title"], [], ["a", "b"], [1, 2], [None, None], [3, 4], [5, 6, 7], top=4, left=2, failed=["D10"])
    outcome = _read(tmp_path, content, skip_lines=5)
    assert outcome.rows == [("1", "2")]
    assert outcome.lines == [8]
    assert [(r.line, r.rule, r.column) for r in outcome.rejects] == [(10, "type", "b"), (11, "structure", None)]
    assert outcome.rejects[1].raw == b'{"a":"5","b":"6","":"7"}'
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


def test_a_sheet_that_declares_entities_is_refused(tmp_path: Path) -> None:
    evil = f'<!DOCTYPE x [<!ENTITY e "x">]><worksheet xmlns="{_MAIN}"><sheetData/></worksheet>'
    with pytest.raises(SourceError, match="entity 'e'"):
        _read(tmp_path, _with(_book(AB), sheet=evil))


def test_text_named_xlsx_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="not an XLSX file"):
        _read(tmp_path, b"a,b\n1,2\n")
