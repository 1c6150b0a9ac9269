"""What every stage knows of a dataset: one frozen value, compiled from a contract.

The ODCS file is for people and other tools (`model`); this is for the stages. Everything else (header check, engine
schema, DDL, COPY columns, docs) derives from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal[
    "string",
    "integer",
    "decimal",
    "double",
    "boolean",
    "date",
    "timestamp",
    "timestamptz",
    "time",
    "uuid",
    "json",
    "bytes",
    "array",
]
Severity = Literal["error", "warning", "info"]
Mode = Literal["append", "upsert", "replace", "scd2"]


@dataclass(frozen=True)
class ColumnType:
    """A column's type. `sql` is the PostgreSQL type as written in DDL, e.g. `NUMERIC(12,2)`, `bigint`, `text[]`.

    `bits`: 16, 32 or 64 for integers; 32 or 64 for `double` (32 is REAL). `length`: of VARCHAR(n) or CHAR(n), in
    characters. `precision`, `scale`: of a decimal, in digits. `item`: element type of an array.
    `format`: the contract's JDK DateTimeFormatter pattern of a date, time or timestamp, None for ISO 8601.
    `zone`: the zone in which a `timestamptz` text without an offset is read (IANA name).
    """

    kind: Kind
    sql: str
    bits: int = 64
    length: int | None = None
    fixed: bool = False
    precision: int | None = None
    scale: int | None = None
    item: ColumnType | None = None
    format: str | None = None
    zone: str = "UTC"


@dataclass(frozen=True)
class Rules:
    """Column rules, each None or empty when not asked. Bounds are texts, as the contract writes them."""

    enum: tuple[str, ...] = ()
    pattern: str | None = None
    minimum: str | None = None
    maximum: str | None = None
    exclusive_minimum: str | None = None
    exclusive_maximum: str | None = None
    multiple_of: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    min_items: int | None = None
    max_items: int | None = None


@dataclass(frozen=True)
class Column:
    """A target column. `source` names its source column (snake_case) unless `expression` (Spark SQL) computes it."""

    name: str
    type: ColumnType
    source: str
    expression: str | None = None
    required: bool = False
    unique: bool = False
    key_position: int | None = None
    restricted: bool = False
    rules: Rules = Rules()
    description: str | None = None


@dataclass(frozen=True)
class RowRule:
    """A Spark SQL condition over the typed columns. As in a CHECK constraint, only false breaks it.

    `error` rejects the row, the other severities are counted.
    """

    name: str
    condition: str
    severity: Severity = "error"


@dataclass(frozen=True)
class DatasetRule:
    """A rule over the whole load, evaluated in PostgreSQL.

    `metric`: rowCount, nullValues, missingValues, invalidValues, duplicateValues or `sql`. `operator`: an ODCS
    `must...` word; `bounds`: its one or two numbers. `unit`: rows or percent. `columns`: the columns meant (empty: the
    object).
    """

    name: str
    metric: str
    operator: str
    bounds: tuple[float, ...]
    unit: Literal["rows", "percent"] = "rows"
    severity: Severity = "error"
    columns: tuple[str, ...] = ()
    query: str | None = None
    arguments: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Budget:
    """How many rejects a load may have and still publish: a number of rows, or a percentage of the rows read."""

    maximum: float = 10
    unit: Literal["rows", "percent"] = "percent"


@dataclass(frozen=True)
class Evolution:
    """What happens when the file or the table has other columns than the contract."""

    new_columns: Literal["ignore", "add", "fail"] = "ignore"
    missing_columns: Literal["fill", "fail"] = "fail"
    type_change: Literal["widen", "fail"] = "fail"


@dataclass(frozen=True)
class LoadPlan:
    """How valid rows reach the target. `dedupe`: ORDER BY terms, a key's first row wins. `explode`, `where`: Spark SQL.

    `valid_from`: with scd2, the column that says since when a row holds; None: since it is loaded.
    `undo_days`: how long the rows that a load changes are kept as they were; 0: not at all.
    """

    mode: Mode = "append"
    where: str | None = None
    explode: str | None = None
    dedupe: str | None = None
    replace_by: tuple[str, ...] = ()
    track_columns: tuple[str, ...] = ()
    same_content: Literal["skip", "load"] = "skip"
    budget: Budget = Budget()
    evolution: Evolution = Evolution()
    valid_from: str | None = None
    undo_days: int = 30


@dataclass(frozen=True)
class ReadOptions:
    """How the bytes are laid out. `escape` None means a quote inside a quoted field is doubled (RFC 4180).

    `fields`: of a record of a CSV without header, where an earlier reading of the file has found out.
    """

    format: Literal["csv", "json", "parquet", "xlsx", "avro", "orc"]
    delimiter: str = ","
    encoding: str = "UTF-8"
    header: bool = True
    quote: str | None = '"'
    escape: str | None = None
    skip_lines: int = 0
    comment: str | None = None
    sheet: str | int | None = None
    json_layout: Literal["lines", "array", "auto"] = "auto"
    missing_values: tuple[str, ...] = ("",)
    read_schema: str | None = None
    fields: int | None = None


@dataclass(frozen=True)
class Dataset:
    """A contract, compiled. `source_columns`: the source columns that it uses, snake_case, in order of first use."""

    id: str
    version: str
    path: str
    sha256: str
    location: str
    read: ReadOptions
    schema: str
    table: str
    columns: tuple[Column, ...]
    source_columns: tuple[str, ...]
    load: LoadPlan = LoadPlan()
    row_rules: tuple[RowRule, ...] = ()
    dataset_rules: tuple[DatasetRule, ...] = ()
    description: str | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """The primary key's column names in their declared order; empty without one."""
        keyed = [column for column in self.columns if column.key_position is not None]
        return tuple(column.name for column in sorted(keyed, key=lambda column: column.key_position or 0))
