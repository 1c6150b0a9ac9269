"""What an engine's worker does with its partition: cast and check the rows, stage the valid ones and the rejects.

Without row rules both happen in one pass. Row rules are conditions for the engine, over typed columns: then the typed
rows go through the engine once more, which adds a flag `r<i>` for rule i, before they are staged.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention
from pyspark.sql.pandas.types import from_arrow_schema

from pipeline.cast import arrow_type, strict_cast
from pipeline.contract.dataset import Column, ColumnType, Dataset
from pipeline.contract.metadata import FileFacts
from pipeline.direct import values_in, without_sql
from pipeline.extract.parts import RawPart
from pipeline.load.copy import StagingWriter
from pipeline.load.staging import StagingTarget
from pipeline.transform import values_to_map, with_names
from pipeline.typed import gathered, typed_batches

Read = Callable[[Iterable[pa.RecordBatch]], Iterable[pa.RecordBatch]]
CONFIRMATION = pa.schema(
    [
        ("attempt", pa.int32()),
        ("staged", pa.int64()),
        ("rejected", pa.int64()),
        ("filtered", pa.int64()),
        ("warned", pa.string()),
    ]
)
# Not as DDL, which the engine would have to be asked to parse.
_CONFIRMATION_TYPE = from_arrow_schema(CONFIRMATION)
_REJECTS = pa.schema(
    [("line", pa.int64())] + [(name, pa.string()) for name in ("column_name", "rule", "message", "reasons")]
)


def staged_part(
    engine: SparkSession, part: RawPart, schema: pa.Schema, dataset: Dataset, file: FileFacts, target: StagingTarget
) -> DataFrame:
    """`staged` of a part, which has this schema and is of this file: one COPY, since streams are parts side by side."""
    values, read = values_in_part(engine, part, schema, dataset, file)
    return staged(values, dataset, target, read)


def values_in_part(
    engine: SparkSession, part: RawPart, schema: pa.Schema, dataset: Dataset, file: FileFacts
) -> tuple[DataFrame, Read]:
    """The values of a part for `mapInArrow`, or what stands for them and how a worker then reads them."""
    if part.form == "arrow" and without_sql(dataset):
        return with_names(engine.range(0, 1, 1, 1), ["id"]), values_in(part.path, dataset)
    raw = engine.read.format(part.form).load(str(part.path))
    return values_to_map(raw, schema, dataset, file).coalesce(1), _as_they_are


def _as_they_are(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
    return batches


def staged(values: DataFrame, dataset: Dataset, target: StagingTarget, read: Read = _as_they_are) -> DataFrame:
    """One row per attempt, in the shape of `CONFIRMATION`, once the returned frame is collected.

    `read`: makes values of what `values` holds, if that is something else. `warned` is JSON: for each row rule of
    severity warning or info, the number of staged rows that break it.
    """
    types = [column.type for column in dataset.columns]
    if not dataset.row_rules:

        def typed_and_staged(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            writer = StagingWriter(target, types)
            return stage(typed_batches(read(batches), dataset, for_csv=not writer.binary), dataset, writer)

        return values.mapInArrow(typed_and_staged, _CONFIRMATION_TYPE)

    def flagged_and_staged(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return stage(from_engine(batches, dataset), dataset, StagingWriter(target, types))

    return flagged(values, dataset, read).mapInArrow(flagged_and_staged, _CONFIRMATION_TYPE)


def flagged(values: DataFrame, dataset: Dataset, read: Read = _as_they_are) -> DataFrame:
    """Typed rows, with a flag `r<i>` for each row rule i: true where the row breaks it."""

    def typed(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return (_for_engine(batch, dataset) for batch in typed_batches(read(batches), dataset))

    from pipeline.expression import adapt

    rows = values.mapInArrow(typed, engine_schema(dataset))
    flags = [
        F.expr(f"not ({adapt(rule.condition, f'{dataset.path}: rule {rule.name}')})").alias(f"r{index}")
        for index, rule in enumerate(dataset.row_rules)
    ]
    return rows.select("*", *flags)


def stage(batches: Iterable[pa.RecordBatch], dataset: Dataset, writer: StagingWriter) -> Iterator[pa.RecordBatch]:
    """Write typed batches to staging in one transaction and yield its confirmation."""
    warned: Counter[str] = Counter()
    try:
        for batch in batches:
            kept = _where(batch, batch.column("_keep"))
            reasons = all_reasons(kept, dataset, warned)
            valid = pc.is_null(reasons)
            writer.write(
                _where(kept, valid),
                rejects_of(kept.column("_line").filter(pc.invert(valid)), reasons.drop_null()),
                batch.num_rows - kept.num_rows,
            )
        confirmation = writer.close()
    except BaseException:
        writer.abort()
        raise
    yield pa.RecordBatch.from_pylist(
        [
            {
                "attempt": confirmation.attempt,
                "staged": confirmation.staged,
                "rejected": confirmation.rejected,
                "filtered": confirmation.filtered,
                "warned": json.dumps(warned),
            }
        ],
        CONFIRMATION,
    )


def _where(batch: pa.RecordBatch, mask: pa.Array) -> pa.RecordBatch:
    """The rows of which `mask` is true; without a copy where that is all of them."""
    return batch if pc.all(mask).as_py() else batch.filter(mask)


def all_reasons(batch: pa.RecordBatch, dataset: Dataset, warned: Counter[str]) -> pa.Array:
    """The reasons of casts and column rules, then those of row rules; a warning rejects nothing, it is counted."""
    reasons = batch.column("_reasons")
    for index, rule in enumerate(dataset.row_rules):
        broken = pc.fill_null(batch.column(f"r{index}"), False)
        if not pc.any(broken).as_py():
            continue
        if rule.severity != "error":
            warned[rule.name] += pc.sum(pc.and_(broken, pc.is_null(reasons))).as_py()
            continue
        reason = {"column": None, "rule": "row_rule", "message": f"{rule.name}: {rule.condition} does not hold"}
        reasons = _appended(reasons, broken, reason)
    return reasons


def _appended(reasons: pa.Array, mark: pa.Array, reason: dict[str, str | None]) -> pa.Array:
    texts = reasons.to_pylist()
    for row in pc.indices_nonzero(mark).to_pylist():
        texts[row] = json.dumps([*json.loads(texts[row] or "[]"), reason], ensure_ascii=False)
    return pa.array(texts, pa.string())


def rejects_of(lines: pa.Array, reasons: pa.Array) -> pa.RecordBatch:
    """What a `StagingWriter` takes of rejected rows. `reasons`: JSON lists of `{column, rule, message}`."""
    first = [json.loads(text)[0] for text in reasons.to_pylist()]
    return pa.RecordBatch.from_arrays(
        [
            lines,
            pa.array([reason["column"] for reason in first], pa.string()),
            pa.array([reason["rule"] for reason in first], pa.string()),
            pa.array([reason["message"] for reason in first], pa.string()),
            reasons,
        ],
        schema=_REJECTS,
    )


def engine_schema(dataset: Dataset) -> str:
    """Spark DDL of typed rows. Engines have no type for a time of day: it travels as text."""
    columns = [f"{_quoted(column.name)} {_spark_type(column.type)}" for column in dataset.columns]
    return ", ".join([*columns, "_line bigint", "_keep boolean", "_reasons string"])


def _spark_type(column_type: ColumnType) -> str:
    kind = column_type.kind
    if kind == "array" and column_type.item is not None:
        return f"array<{_spark_type(column_type.item)}>"
    if kind == "decimal":
        return f"decimal({column_type.precision or 38},{column_type.scale or 0})"
    if kind == "integer":
        return {16: "smallint", 32: "int", 64: "bigint"}[column_type.bits]
    if kind == "double":
        return "float" if column_type.bits == 32 else "double"
    return {
        "boolean": "boolean",
        "date": "date",
        "timestamp": "timestamp_ntz",
        "timestamptz": "timestamp",
        "bytes": "binary",
    }.get(kind, "string")


def _for_engine(batch: pa.RecordBatch, dataset: Dataset) -> pa.RecordBatch:
    arrays = [_timeless(batch.column(column.name), column.type) for column in dataset.columns]
    names = [column.name for column in dataset.columns]
    extra = ["_line", "_keep", "_reasons"]
    return pa.RecordBatch.from_arrays([*arrays, *(batch.column(name) for name in extra)], names=[*names, *extra])


def from_engine(batches: Iterable[pa.RecordBatch], dataset: Dataset) -> Iterator[pa.RecordBatch]:
    """Typed batches again, out of the rows of `flagged`; the flags stay with them."""
    names = [column.name for column in dataset.columns]
    extra = ["_line", "_keep", "_reasons", *(f"r{index}" for index in range(len(dataset.row_rules)))]
    for batch in gathered(batches):
        arrays = [_restored(batch.column(column.name), column) for column in dataset.columns]
        arrays += [batch.column(name) for name in extra]
        yield pa.RecordBatch.from_arrays(arrays, names=[*names, *extra])


def _timeless(array: pa.Array, column_type: ColumnType) -> pa.Array:
    """Times of day as ISO 8601, the rest as it is."""
    if column_type.kind == "time":
        return pc.cast(array, pa.string())
    if column_type.kind == "array" and column_type.item is not None and column_type.item.kind == "time":
        return pc.cast(array, pa.list_(pa.string()))
    return array


def _restored(array: pa.Array, column: Column) -> pa.Array:
    wanted, item = arrow_type(column.type), column.type.item
    if "time" in (column.type.kind, item and item.kind):
        iso = replace(column.type, format=None, item=item and replace(item, format=None))
        return strict_cast(array, iso)[0]
    return array if array.type == wanted else pc.cast(array, wanted)


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
