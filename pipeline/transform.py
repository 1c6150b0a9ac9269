"""Raw to values: pure Column logic, the engine's part of a load.

In a fixed order: missing values, `where`, `explode`, expressions. What comes out has, for the contract's column i,
`v<i>` (the value, not yet cast) and, where its expression can refuse a value, `f<i>` (true when it did); then
`_line` (bigint) and `_keep` (boolean, false where `where` says no). Casts and rules follow in Arrow: see `typed`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention
from pyspark.sql.types import NullType, StringType, StructField, StructType

from pipeline.contract.dataset import Column, ColumnType, Dataset
from pipeline.contract.metadata import METADATA, FileFacts

if TYPE_CHECKING:
    from pipeline.expression import Expression


def values_of(raw: DataFrame, schema: pa.Schema, dataset: Dataset, file: FileFacts) -> DataFrame:
    """The values of every contract column for every raw row (after `explode`, if any). `schema`: of the raw rows.

    The engine is asked for a schema only where it alone knows it: each question costs a small file 5 ms.
    """
    return _values(raw, schema, dataset, file)[0]


def values_to_map(raw: DataFrame, schema: pa.Schema, dataset: Dataset, file: FileFacts) -> DataFrame:
    """The same, for `mapInArrow` only."""
    return with_names(*_values(raw, schema, dataset, file))


def with_names(frame: DataFrame, names: list[str]) -> DataFrame:
    """The frame, to be mapped by `mapInArrow` and nothing else: that would ask the engine for the columns' names."""
    if hasattr(frame, "_cached_schema"):  # Spark Connect's note of what it asked for before
        frame._cached_schema = StructType([StructField(name, NullType()) for name in names])  # type: ignore[attr-defined]
    return frame


def _values(raw: DataFrame, schema: pa.Schema, dataset: Dataset, file: FileFacts) -> tuple[DataFrame, list[str]]:
    rows = _with_metadata(_without_missing(raw, schema, dataset.read.missing_values), file)
    rows = rows.withColumn("_keep", _keep(dataset))
    names = {*schema.names, *METADATA.values()}
    if dataset.load.explode:
        from pipeline.expression import adapt

        rows = rows.selectExpr("*", adapt(dataset.load.explode, f"{dataset.path}: explode"))
        names = set(rows.columns)
    selected = {"_line": F.col("_line"), "_keep": F.col("_keep")}
    for index, column in enumerate(dataset.columns):
        selected |= _value(rows, names, column, index, dataset)
    return rows.select(*[column.alias(name) for name, column in selected.items()]), list(selected)


def _without_missing(raw: DataFrame, schema: pa.Schema, missing: tuple[str, ...]) -> DataFrame:
    """NULL for the text values that the contract calls missing; other columns as they are."""
    if not missing:
        return raw
    texts = {field.name for field in schema if pa.types.is_string(field.type)}
    return raw.select(
        *[
            F.when(~F.col(_quoted(name)).isin(*missing), F.col(_quoted(name))).alias(name)
            if name in texts
            else F.col(_quoted(name))
            for name in schema.names
        ]
    )


def _with_metadata(rows: DataFrame, file: FileFacts) -> DataFrame:
    facts = {"file_name": file.name, "file_path": file.path, "file_size": file.size}
    return rows.withColumns({column: F.lit(facts[field]) for field, column in METADATA.items()})


def _keep(dataset: Dataset) -> SparkColumn:
    """As in SQL's WHERE: a row is kept when the condition is true, neither when false nor when NULL."""
    if dataset.load.where is None:
        return F.lit(True)
    from pipeline.expression import adapt

    return F.coalesce(F.expr(adapt(dataset.load.where, f"{dataset.path}: where")), F.lit(False))


def _value(rows: DataFrame, names: set[str], column: Column, index: int, dataset: Dataset) -> dict[str, SparkColumn]:
    if column.expression is None:
        return {f"v{index}": F.col(_quoted(column.source)) if column.source in names else F.lit(None).cast("string")}
    from pipeline.expression import compile_expression  # late: see `contract.spark_sql`

    where = f"{dataset.path}: transformLogic of {column.name}"
    expression = _cast_by_us(rows, column, where) or compile_expression(column.expression, where)
    value = F.expr(expression.sql)
    if not expression.fallible:
        return {f"v{index}": value}
    present = F.lit(True)
    for name in expression.inputs:
        present = present & F.expr(name).isNotNull()
    return {f"v{index}": value, f"f{index}": present & value.isNull()}


def _cast_by_us(rows: DataFrame, column: Column, where: str) -> Expression | None:
    """The inside of an outermost cast of text to the column's own type: our cast is strict, an engine's rounds."""
    from pipeline.expression import compile_expression, outermost_cast

    cast = outermost_cast(column.expression or "")
    if cast is None or not _same_type(cast[1], column.type):
        return None
    inner = compile_expression(cast[0], where)
    return inner if isinstance(rows.select(F.expr(inner.sql)).schema[0].dataType, StringType) else None


def _same_type(spark_type: str, column_type: ColumnType) -> bool:
    name = spark_type.lower().split("(")[0].strip()
    kinds = {
        "integer": ("tinyint", "smallint", "int", "integer", "bigint", "long"),
        "decimal": ("decimal", "numeric", "dec"),
        "double": ("double", "float", "real"),
        "boolean": ("boolean",),
        "date": ("date",),
        "timestamptz": ("timestamp", "timestamp_ltz"),
        "timestamp": ("timestamp", "timestamp_ntz"),
    }
    return name in kinds.get(column_type.kind, ())


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
