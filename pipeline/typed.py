"""Values to typed rows: strict casts and column rules, batch by batch, in Arrow, inside the engine's workers.

Shape of a typed batch: the contract's columns in order with the types of `cast.arrow_type`, `_line` (int64), `_keep`
(boolean) and `_reasons` (text: NULL for a valid row, else a JSON list of `{column, rule, message}`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.cast import strict_cast
from pipeline.cast.attempt import either, has_byte
from pipeline.contract.dataset import Column, ColumnType, Dataset
from pipeline.reasons import Reasons, quoted
from pipeline.validate import check_column

# An engine hands over batches as small as the part was written in; larger ones spread Arrow's cost per call over more.
BATCH_ROWS = 65_536
# Kinds of which PostgreSQL reads every text that our cast takes, exponents aside, as the same value
# (https://www.postgresql.org/docs/current/datatype-numeric.html, datatype-datetime.html).
_SAME_SPELLING = frozenset({"integer", "decimal", "date"})


def typed_batches(
    batches: Iterable[pa.RecordBatch], dataset: Dataset, *, for_csv: bool = False
) -> Iterator[pa.RecordBatch]:
    """Typed rows of batches in the shape of `transform.values_of`.

    With `for_csv`, numbers and dates that came as text stay the text that they were, once cast and checked: COPY reads
    the same from it, and to write them anew is most of the cost of a row.
    """
    for batch in gathered(batches):
        yield typed_batch(batch, dataset, for_csv=for_csv)


def typed_batch(batch: pa.RecordBatch, dataset: Dataset, *, for_csv: bool = False) -> pa.RecordBatch:
    """One batch of values, cast and checked. Rows that `where` drops are carried without values."""
    reasons = Reasons()
    keep = batch.column("_keep")
    dropped = None if pc.all(keep).as_py() in (True, None) else pc.invert(keep)
    columns: list[pa.Array] = []
    for index, column in enumerate(dataset.columns):
        values = _typed_column(batch, index, column, dropped, reasons)
        columns.append(_spelling(batch.column(f"v{index}"), values, column.type) if for_csv else values)
    names = [column.name for column in dataset.columns]
    rows = batch.num_rows
    return pa.RecordBatch.from_arrays(
        [*columns, batch.column("_line"), keep, reasons.as_array(rows)], names=[*names, "_line", "_keep", "_reasons"]
    )


def _typed_column(
    batch: pa.RecordBatch, index: int, column: Column, dropped: pa.Array | None, reasons: Reasons
) -> pa.Array:
    raw = batch.column(f"v{index}")
    failed = batch.column(f"f{index}") if f"f{index}" in batch.schema.names else None
    found = Reasons()
    values, bad = strict_cast(raw, column.type)
    wanted = _article(column.type)
    found.add(bad, column.name, "type", lambda row: f"{quoted(raw, row, column.restricted)} is not {wanted}")
    found.add(failed, column.name, "type", lambda _: no_value(column))
    check_column(column, values, either(bad, failed), found)
    _merge(found, dropped, reasons)
    return values


def no_value(column: Column) -> str:
    """Why a row is rejected for which the column's expression comes to nothing, or stops the engine."""
    return f"{column.expression} yields no value for this row"


def _spelling(raw: pa.Array, values: pa.Array, column_type: ColumnType) -> pa.Array:
    """The text that became `values`, if COPY reads the same from it; else the values."""
    kind = column_type.kind
    if kind not in _SAME_SPELLING or column_type.format or not pa.types.is_string(raw.type):
        return values
    # 0e-999999 is zero to our cast, and too much for PostgreSQL.
    return values if kind == "decimal" and has_byte(raw, b"e") else raw


def _merge(found: Reasons, dropped: pa.Array | None, reasons: Reasons) -> None:
    for row, items in found.by_row.items():
        if dropped is None or not dropped[row].as_py():
            reasons.by_row.setdefault(row, []).extend(items)


def gathered(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of about `BATCH_ROWS`."""
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= BATCH_ROWS:
            yield pa.concat_batches(waiting)
            waiting, rows = [], 0
    if waiting:
        yield pa.concat_batches(waiting)


def _article(column_type: ColumnType) -> str:
    """What a value should have been, for a message: `a date (dd/MM/yyyy)`, `a numeric(12,2)`."""
    name = column_type.sql.lower()
    shown = f"{name} ({column_type.format})" if column_type.format else name
    return f"{'an' if name[0] in 'aeiou' else 'a'} {shown}"
