"""COPY's binary format says to PostgreSQL what CSV would have said."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline.cast import arrow_type, strict_cast
from pipeline.contract.dataset import Column, ColumnType
from pipeline.load.binary import carries
from pipeline.load.connect import Connection
from pipeline.load.copy import StagingWriter
from pipeline.load.staging import StagingTarget
from pipeline.typed import typed_batch
from tests.integration.load.staged import MakeTarget, reject_rows, rows_of, valid_rows
from tests.unit.extract.reading import dataset as dataset_of

TEXTS = st.none() | st.text(st.characters(exclude_characters="\0", codec="utf-8"))
UTC_MOMENTS = st.datetimes(timezones=st.just(dt.UTC))
KINDS: dict[str, tuple[ColumnType, st.SearchStrategy[Any]]] = {
    "small": (ColumnType("integer", "smallint", bits=16), st.integers(-(2**15), 2**15 - 1)),
    "whole": (ColumnType("integer", "integer", bits=32), st.integers(-(2**31), 2**31 - 1)),
    "big": (ColumnType("integer", "bigint"), st.integers(-(2**63), 2**63 - 1)),
    "text": (ColumnType("string", "text"), TEXTS),
    "cents": (ColumnType("decimal", "numeric(12,2)", precision=12, scale=2), st.decimals(-(10**9), 10**9, places=2)),
    "digits": (ColumnType("decimal", "numeric(18,0)", precision=18, scale=0), st.integers(1 - 10**18, 10**18 - 1).map(Decimal)),
    "share": (ColumnType("decimal", "numeric(18,16)", precision=18, scale=16), st.decimals(-99, 99, places=16)),
    "odd": (ColumnType("decimal", "numeric(9,5)", precision=9, scale=5), st.decimals(-9999, 9999, places=5)),
    "code": (ColumnType("string", "char(3)", length=3, fixed=True), st.text("ab\u00e9", max_size=3)),
    "real": (ColumnType("double", "real", bits=32), st.floats(width=32, allow_nan=False)),
    "double": (ColumnType("double", "double precision"), st.floats(allow_nan=False)),
    "flag": (ColumnType("boolean", "boolean"), st.booleans()),
    "day": (ColumnType("date", "date"), st.dates()),
    "moment": (ColumnType("timestamp", "timestamp"), st.datetimes()),
    "instant": (ColumnType("timestamptz", "timestamptz"), UTC_MOMENTS),
    "clock": (ColumnType("time", "time"), st.times()),
    "document": (ColumnType("json", "jsonb"), st.sampled_from(['{"a": [1.10]}', '""', "null", "[]"])),
    "letter": (ColumnType("json", "json"), st.sampled_from(['{"b":1,  "a":2}', "3"])),
    "raw": (ColumnType("bytes", "bytea"), st.binary()),
}  # fmt: skip
TYPES = [column_type for column_type, _ in KINDS.values()]
SHOWN = [f'"{name}"::text' for name in KINDS]
AGAIN = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def stage(target: StagingTarget, rows: pa.RecordBatch, types: list[ColumnType]) -> None:
    writer = StagingWriter(target, types)
    assert writer.binary == bool(types)
    writer.write(rows, reject_rows(), 0)
    assert writer.close().staged == rows.num_rows


def columns(rows: list[tuple[Any, ...]]) -> dict[str, pa.Array]:
    cells = zip(*rows, strict=True)
    return {name: pa.array(each, arrow_type(KINDS[name][0])) for name, each in zip(KINDS, cells, strict=True)}


@AGAIN
@given(rows=st.lists(st.tuples(*(st.none() | values for _, values in KINDS.values())), min_size=1))
@example(rows=[(None,) * len(KINDS)])
@example(rows=[(None,) * len(KINDS), (0, 0, 0, "", Decimal(0), Decimal(0), Decimal(0), Decimal(0), "", 0.0, 0.0, False,
                                      dt.date(1, 1, 1), dt.datetime.min, dt.datetime(1, 1, 1, tzinfo=dt.UTC), dt.time(0),
                                      "0", "0", b"")])  # fmt: skip
def test_every_type_arrives_as_by_csv(make_target: MakeTarget, conn: Connection, rows: list[tuple[Any, ...]]) -> None:
    described = [(name, column_type.sql) for name, (column_type, _) in KINDS.items()]
    batch = valid_rows(**columns(rows))
    arrived = []
    for types in (TYPES, []):
        target = make_target(*described)
        stage(target, batch, types)
        with conn, conn.cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(SHOWN)} FROM {target.rows.as_string(conn)} ORDER BY _line")
            arrived.append(cursor.fetchall())
    assert arrived[0] == arrived[1]


def test_a_slice_of_a_batch_is_only_that(make_target: MakeTarget, conn: Connection) -> None:
    target = make_target(("n", "bigint"), ("t", "text"), ("d", "numeric(12,2)"), ("j", "jsonb"), ("full", "text"))
    types = [KINDS[name][0] for name in ("big", "text", "cents", "document", "text")]
    whole = valid_rows(
        n=pa.array([1, 2, None, 4], pa.int64()), t=pa.array(["a", None, "ccc", "d"]),
        d=pa.array([Decimal("1.10"), Decimal("-2.20"), None, Decimal("4.40")], pa.decimal128(12, 2)),
        j=pa.array(["1", None, "[3]", "4"]), full=pa.array(["k", "ll", "mmm", "n"]),
    )  # fmt: skip
    stage(target, whole.slice(1, 2), types)
    assert rows_of(conn, target.rows, "n", "t", "d", "j") == [
        (2, None, Decimal("-2.20"), None),
        (None, "ccc", None, [3]),
    ]


@pytest.mark.parametrize(
    "column_type",
    [
        ColumnType("decimal", "numeric(19,2)", precision=19, scale=2),
        ColumnType("decimal", "numeric(18,17)", precision=18, scale=17),
        ColumnType("decimal", "numeric"),
        ColumnType("uuid", "uuid"),
        ColumnType("array", "text[]", item=ColumnType("string", "text")),
    ],
)
def test_other_types_go_as_csv(column_type: ColumnType) -> None:
    assert not carries([TYPES[0], column_type])


NUMBERS = st.from_regex(r"[+-]?[0-9]{1,12}(\.[0-9]{0,4})?([eE][+-]?[0-9]{1,2})?|[+-]?\.[0-9]{1,3}", fullmatch=True)


@AGAIN
@given(texts=st.lists(NUMBERS | st.from_regex(r"[0-9]{4}-[01][0-9]-[0-3][0-9]", fullmatch=True), min_size=1))
@example(
    texts=[
        "0e-9999999",
        "0e-99999999999",
        "1e-400",
        "+0007",
        "-0",
        "-0.00",
        "1.500",
        ".5",
        "5.",
        "0001-01-01",
        "9999-12-31",
    ]
)
def test_what_stays_as_it_was_sent_is_read_as_what_we_cast_it_to(
    make_target: MakeTarget, conn: Connection, texts: list[str]
) -> None:
    """As CSV, numbers and dates keep the sender's spelling: PostgreSQL must not see another value in it."""
    for kind in ("big", "cents", "day"):
        column_type = KINDS[kind][0]
        raw = pa.array(texts)
        _, bad = strict_cast(raw, column_type)
        good = [
            text
            for text, refused in zip(texts, bad.to_pylist() if bad else [False] * len(texts), strict=True)
            if not refused
        ]
        if not good:
            continue
        rows = [_as_csv(good, column_type, for_csv=for_csv) for for_csv in (True, False)]
        arrived = []
        for batch in rows:
            target = make_target(("value", column_type.sql))
            stage(target, batch, [])
            arrived.append(rows_of(conn, target.rows, "value"))
        assert arrived[0] == arrived[1]


def _as_csv(texts: list[str], column_type: ColumnType, *, for_csv: bool) -> pa.RecordBatch:
    keep = pa.array([True] * len(texts))
    raw = pa.RecordBatch.from_arrays(
        [pa.array(texts), pa.array(range(len(texts)), pa.int64()), keep], names=["v0", "_line", "_keep"]
    )
    described = replace(dataset_of(["value"]), columns=(Column("value", column_type, "value"),))
    typed = typed_batch(raw, described, for_csv=for_csv)
    return valid_rows(value=typed.column("value"))
