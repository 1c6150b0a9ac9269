"""The soak's datasets, and files for them: random rows, written by the usual libraries, none of the pipeline's code."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import random
import zipfile
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

from tests.contracts import contract_text, id_property, source_server

# Cells that are easily spoilt on their way.
NAMES = (
    None,
    "plain",
    'a "quoted" word',
    "two\nlines",
    "comma, semicolon; tab\t",
    "naïve 日本茶 🐜",
    "\\N",
    "NULL",
    "'; --",
)
FIRST_DAY = date(2020, 1, 1)
COLUMNS = (
    "{name: name, logicalType: string}",
    '{name: amount, logicalType: number, physicalType: "NUMERIC(12,2)", logicalTypeOptions: {minimum: 0}}',
    "{name: day, logicalType: date}",
)

Row = tuple[int, str | None, Decimal, date]


@dataclass(frozen=True)
class Kind:
    """A dataset: its name, the format of its files, its load mode, whether it has a key, the most rows of a file."""

    name: str
    format: str
    mode: str
    keyed: bool = True
    suffix: str = ""
    most: int = 100_000

    @property
    def contract(self) -> str:
        """Its contract, as YAML."""
        load = f"{{mode: {self.mode}, rejects: {{max: 20, unit: percent}}}}"
        source = source_server(f"format: {self.format}", location=f"{self.name}/*")
        return contract_text(self.name, [id_property(keyed=self.keyed), *COLUMNS], load=load, source=source)


KINDS = (
    Kind("orders", "csv", "append", keyed=False, suffix=".csv"),
    Kind("stock", "json", "upsert", suffix=".ndjson"),
    Kind("prices", "parquet", "replace", suffix=".parquet"),
    Kind("people", "csv", "scd2", suffix=".csv.gz", most=20_000),
    Kind("parcels", "csv", "upsert", suffix=".zip"),
    Kind("sheets", "xlsx", "replace", suffix=".xlsx", most=1_500),
)


def rows(kind: Kind, chance: random.Random, size: int | None = None) -> list[Row]:
    """Good rows of one file: `size`, else few or many, of keys that other files of a keyed dataset have, too."""
    size = size or int(10 * (kind.most / 10) ** chance.random())
    keys = chance.sample(range(2 * kind.most), size) if kind.keyed else range(size)
    return [
        (key, chance.choice(NAMES), Decimal(chance.randrange(10**9)) / 100, FIRST_DAY + timedelta(key % 3000))
        for key in keys
    ]


def with_bad(good: list[Row], chance: random.Random) -> list[Row]:
    """The rows and among them up to 5 percent that break a rule: a negative amount, under a key of their own."""
    bad = [(-1 - number, "bad", Decimal(-1), FIRST_DAY) for number in range(chance.randrange(len(good) // 20 + 1))]
    mixed = [*good, *bad]
    chance.shuffle(mixed)
    return mixed


def written(kind: Kind, found: list[Row]) -> bytes:
    """A file of the rows."""
    if kind.format == "parquet":
        return _parquet(found)
    if kind.format == "xlsx":
        return _workbook(found)
    text = _json_lines(found) if kind.format == "json" else _csv(found)
    if kind.suffix.endswith(".gz"):
        return gzip.compress(text, 1)
    return _zipped(text) if kind.suffix == ".zip" else text


def digest(row: Row) -> int:
    """A row's part in the checksum of a table: PostgreSQL computes the same with CHECKSUM."""
    number, name, amount, day = row
    text = f"{number}|{'(null)' if name is None else name}|{amount:.2f}|{day.isoformat()}"
    return int.from_bytes(hashlib.md5(text.encode(), usedforsecurity=False).digest()[:7], "big")


CHECKSUM = """
    SELECT count(*), coalesce(sum(('x' || substr(md5(id || '|' || coalesce(name, '(null)') || '|' || amount || '|' || day), 1, 14))
                                  ::bit(56)::bigint::numeric), 0)
    FROM {}
"""


def _csv(found: list[Row]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([("id", "name", "amount", "day"), *found])
    return out.getvalue().encode()


def _json_lines(found: list[Row]) -> bytes:
    lines = (
        f'{{"id": {key}, "name": {json.dumps(name)}, "amount": {amount}, "day": "{day}"}}\n'
        for key, name, amount, day in found
    )
    return "".join(lines).encode()


def _parquet(found: list[Row]) -> bytes:
    columns = list(zip(*found, strict=True))
    types = [pa.int64(), pa.string(), pa.decimal128(12, 2), pa.date32()]
    arrays = [pa.array(list(column), kind) for column, kind in zip(columns, types, strict=True)]
    out = io.BytesIO()
    pq.write_table(pa.table(arrays, names=["id", "name", "amount", "day"]), out)
    return out.getvalue()


def _workbook(found: list[Row]) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in [("id", "name", "amount", "day"), *((k, n, str(a), d.isoformat()) for k, n, a, d in found)]:
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _zipped(text: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("parcels.csv", text)
    return out.getvalue()


def save(directory: Path, kind: Kind, number: int, content: bytes) -> Path:
    """Write a file of the dataset."""
    path = directory / kind.name / f"{number}{kind.suffix}"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path
