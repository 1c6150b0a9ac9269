"""A sample, read as a load would read it: the records, which of them are no rows, and how the file is laid out."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.contract.dataset import Dataset, Evolution, LoadPlan, ReadOptions
from pipeline.errors import SourceError
from pipeline.extract import PartArea, RawReject, SourceColumn, open_source
from pipeline.extract.blocks import BlockReader
from pipeline.extract.compression import Member, open_members
from pipeline.scaffold.dialect import find_dialect
from pipeline.scaffold.encoding import find_encoding
from pipeline.scaffold.form import bare_name, form_of
from pipeline.scaffold.header import has_header

SAMPLE_BYTES = 64 << 20
"""Bytes of input (unpacked) that are looked at: a smaller file as a whole, of a larger one the beginning."""
_PART_BYTES = 32 << 20
_HEAD_BYTES = 1 << 20
_KEPT_REJECTS = 3


@dataclass(frozen=True)
class Layout:
    """How the bytes are laid out, and the evidence for each option that needed some: option name to text."""

    read: ReadOptions
    said: dict[str, str]


@dataclass(frozen=True)
class Sample:
    """The records read: `table` has one column for each of `columns`, in order. `rejects`: the first records refused.

    `complete`: whether the whole file was read. `rejected`: how many records of it were refused.
    """

    layout: Layout
    columns: tuple[SourceColumn, ...]
    table: pa.Table
    rejects: tuple[RawReject, ...]
    rejected: int
    complete: bool


def read_sample(path: Path, name: str, work: Path, limit: int = SAMPLE_BYTES) -> Sample:
    """Look at the local file `path`, which messages call `name`; temporary files go to the existing directory `work`.

    Raises SourceError if the file is empty or has nothing that could be rows.
    """
    found = _read(path, name, find_layout(path, name, limit), work, limit)
    if found.layout.read.format == "xlsx" and (better := _sheet_layout(found)):
        found = _read(path, name, better, work, limit)
    if not found.table.num_rows and found.rejects:
        raise SourceError(_nothing(name, found.layout.read, found.rejects[0]))
    return found


def _read(path: Path, name: str, layout: Layout, work: Path, limit: int) -> Sample:
    extraction = open_source(path, name, _provisional(layout.read), PartArea(work, min(_PART_BYTES, limit)))
    tables, size, complete = [], 0, True
    for part in extraction.parts():
        if size >= limit:
            complete = False
            break
        tables.append(pq.read_table(part.path))
        part.path.unlink()
        size += part.size
    rejects = tuple(islice(extraction.rejects(), _KEPT_REJECTS))
    table = pa.concat_tables(tables).combine_chunks() if tables else pa.table({})
    columns = tuple(column for column in extraction.columns if not column.path)
    return Sample(layout, columns, _only(table, columns), rejects, extraction.rejected, complete)


def _sheet_layout(found: Sample) -> Layout | None:
    """A sheet whose table begins further down, below a title: at the first row that is too wide for it."""
    read = found.layout.read
    if found.rejected > found.table.num_rows:
        why = f"the rows above row {found.rejects[0].line} are narrower than the table"
        return Layout(replace(read, skip_lines=found.rejects[0].line - 1), {"header": why})
    first = [[value or "" for value in row.values()] for row in found.table.slice(0, 200).to_pylist()]
    header, why = has_header([[column.header for column in found.columns], *first])
    return None if header else Layout(replace(read, header=False), {"header": why})


def find_layout(path: Path, name: str, limit: int = SAMPLE_BYTES) -> Layout:
    """Format, encoding and dialect of a local file."""
    form = form_of(path, name)
    if form not in ("csv", "json"):
        missing = ("",) if form == "xlsx" else ()
        return Layout(ReadOptions(form, missing_values=missing), {})
    member = open_members(path, name)[0]
    with closing(member.open()) as stream:
        encoding = find_encoding(stream, limit)
    if form == "json":
        return Layout(ReadOptions("json", encoding=encoding.name, missing_values=()), {"encoding": encoding.said})
    found = find_dialect(_head(member, encoding.name, name), bare_name(name), encoding.name)
    header, why = has_header(found.values)
    said = {"encoding": encoding.said, "delimiter": found.said, "header": why}
    return Layout(replace(found.read, header=header, missing_values=()), said)


def _head(member: Member, encoding: str, name: str) -> bytes:
    """The first whole lines in UTF-8, without byte order mark; b"" if they are broken beyond reading."""
    with closing(member.open()) as stream:
        block = BlockReader(stream, encoding, _HEAD_BYTES, 1, name).next()
    return b"" if block is None or block.overlong else block.text


def _provisional(read: ReadOptions) -> Dataset:
    """A contract that knows no column and adopts every one that arrives."""
    load = LoadPlan(evolution=Evolution(new_columns="add"))
    return Dataset("sample", "1", "sample", "", "*", read, "", "", (), (), load)


def _only(table: pa.Table, columns: tuple[SourceColumn, ...]) -> pa.Table:
    rows = table.num_rows
    arrays = [table.column(c.name) if c.name in table.column_names else pa.nulls(rows, pa.string()) for c in columns]
    return pa.table(arrays, names=[column.name for column in columns])


def _nothing(name: str, read: ReadOptions, reject: RawReject) -> str:
    if read.format == "json":
        return (
            f"{name}: holds no rows: {reject.message} (line {reject.line}). Landfall reads one JSON object a line, or"
            " one array of objects; for a file that is a single object write its list on lines: jq -c '.LIST[]' FILE"
        )
    return f"{name}: holds no rows: {reject.message} (line {reject.line})"
