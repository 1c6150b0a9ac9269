"""Landfall's custom properties: `readOptions`, `missingValues`, `readSchema` (server) and `load` (schema object)."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, Tag, WithJsonSchema

from pipeline.contract.model.base import Free, IntegerOrText, NonEmpty, Number, Part, tag, told_apart_by

# Where each of them belongs.
OURS = {
    "readOptions": "the source server",
    "missingValues": "the source server",
    "readSchema": "the source server",
    "load": "the schema object",
}


# Landfall's own have models of their own: an editor's schema must not offer both.
_OTHER_NAME = {"type": "string", "minLength": 1, "not": {"enum": list(OURS)}}


class ReadOptions(Part):
    """How the bytes of a file are laid out, beyond `format`, `delimiter` and `encoding`."""

    refused: ClassVar = {
        "delimiter": "write it on the server itself, beside format",
        "sep": "write delimiter on the server itself, beside format",
        "encoding": "write it on the server itself, beside format",
        "charset": "write encoding on the server itself, beside format",
        "nullValue": "write the custom property missingValues",
        "dateFormat": "write logicalTypeOptions.format on the property",
        "timestampFormat": "write logicalTypeOptions.format on the property",
        "inferSchema": "the contract says the types",
        "multiLine": "a quoted field may always contain newlines",
        "mode": "bad records are always kept as rejects; the budget is load.rejects",
    }
    header: Annotated[
        bool,
        Field(
            description="csv, xlsx: the first record names the columns. false: they are `col_1`, `col_2`... or, "
            "if the contract uses no such name, its source columns in order of first use."
        ),
    ] = True
    quote: Annotated[
        str | None, Field(description='csv: the quote character. Default `"`; null: nothing is quoted.')
    ] = '"'
    escape: Annotated[
        str | None,
        Field(
            description="csv: the character before a quote inside a quoted field. Default null: the quote is doubled."
        ),
    ] = None
    skip_lines: Annotated[
        int, Field(ge=0, description="csv, xlsx: lines (rows) before the header to skip. Default 0.")
    ] = 0
    comment: Annotated[
        str | None, Field(description="csv: lines that start with this character are skipped. Default none.")
    ] = None
    sheet: Annotated[
        IntegerOrText | None, Field(description="xlsx: the sheet by name, or by number from 1. Default: the first.")
    ] = None


class Rejects(Part):
    """The reject budget: past it nothing is published."""

    max: Annotated[Number, Field(ge=0, description="How many rejects a load may have and still be published.")]
    unit: Annotated[Literal["rows", "percent"], Field(description="rows, or percent of the rows read.")]


class Evolution(Part):
    """What happens when the file or the table has other columns than the contract."""

    new_columns: Annotated[
        Literal["ignore", "add", "fail"],
        Field(
            description="The file has a column that the contract does not use. `ignore` names it in the receipt, "
            "`add` adds "
            "it to the table as text."
        ),
    ] = "ignore"
    missing_columns: Annotated[
        Literal["fill", "fail"],
        Field(description="The file lacks a column that the contract uses. `fill` reads it as missing values."),
    ] = "fail"
    type_change: Annotated[
        Literal["widen", "fail"],
        Field(description="The table's column is narrower than the contract's. `widen` alters it."),
    ] = "fail"


class Undo(Part):
    """What is kept so that a load can be undone."""

    keep_days: Annotated[
        int,
        Field(
            ge=0,
            le=36500,
            description="How many days the rows that a load updates or deletes are kept as they were, for "
            "`landfall undo` and `landfall why`. 0: not at all. Default 30.",
        ),
    ] = 30


class Load(Part):
    """How valid rows reach the table."""

    mode: Annotated[
        Literal["append", "upsert", "replace", "scd2"],
        Field(
            description="`append` inserts; `upsert` merges by primary key; `replace` makes the file the table's "
            "content; "
            "`scd2` keeps history."
        ),
    ] = "append"
    where: Annotated[
        NonEmpty | None,
        Field(description="Spark SQL over the source columns; other rows are filtered (counted, not kept)."),
    ] = None
    explode: Annotated[
        NonEmpty | None,
        Field(
            description="One row per item: `explode_outer(x) AS item`, `posexplode_outer(x) AS (pos, item)` or "
            "`inline_outer(x) AS (a, b)`."
        ),
    ] = None
    dedupe: Annotated[
        NonEmpty | None,
        Field(
            description="ORDER BY terms over the columns (`updated_at desc, version desc`): of rows with the "
            "same key in one "
            "file the first wins."
        ),
    ] = None
    replace_by: Annotated[
        list[NonEmpty] | None,
        Field(
            min_length=1,
            description="replace: only the partitions (values of these columns) that the file contains are replaced.",
        ),
    ] = None
    track_columns: Annotated[
        list[NonEmpty] | None,
        Field(
            min_length=1, description="scd2: the columns whose change makes a new version. Default: all but the key."
        ),
    ] = None
    valid_from: Annotated[
        NonEmpty | None,
        Field(
            description="scd2: the required date or timestamp column that says since when a row holds. "
            "Default: since it is loaded."
        ),
    ] = None
    same_content: Annotated[
        Literal["skip", "load"],
        Field(description="The same bytes under another name: `skip` reports already_loaded, `load` loads them."),
    ] = "skip"
    rejects: Annotated[Rejects | None, Field(description="The reject budget. Default: 10 percent.")] = None
    evolution: Annotated[Evolution, Field(description="Columns that come, go or change.")] = Evolution()
    undo: Annotated[Undo, Field(description="What is kept so that a load can be undone.")] = Undo()


class PlainProperty(Part):
    """A custom property of another tool."""

    property: Annotated[NonEmpty, Field(description="Its name."), WithJsonSchema(_OTHER_NAME)]
    value: Annotated[Any, Field(description="Its value.")] = None
    vendor: Free = None
    id: Free = None
    description: Free = None


class ReadOptionsProperty(PlainProperty):
    """`property: readOptions`."""

    property: Literal["readOptions"]
    value: Annotated[ReadOptions, Field(description="The options.")]


class MissingValuesProperty(PlainProperty):
    """`property: missingValues`: texts that mean that there is no value."""

    property: Literal["missingValues"]
    value: Annotated[
        list[str],
        Field(
            description='Texts that mean "no value". Default: the empty text for csv and xlsx, none for json and '
            "parquet."
        ),
    ]


class ReadSchemaProperty(PlainProperty):
    """`property: readSchema`: the types inside nested JSON."""

    property: Literal["readSchema"]
    value: Annotated[
        NonEmpty,
        Field(description="json: the fields and their types, as Spark DDL (`id BIGINT, user STRUCT<name:STRING>`)."),
    ]


class LoadProperty(PlainProperty):
    """`property: load`."""

    property: Literal["load"]
    value: Annotated[Load, Field(description="The load.")]


ServerProperty = Annotated[
    Annotated[ReadOptionsProperty, Tag(tag("property", "readOptions"))]
    | Annotated[MissingValuesProperty, Tag(tag("property", "missingValues"))]
    | Annotated[ReadSchemaProperty, Tag(tag("property", "readSchema"))]
    | Annotated[PlainProperty, Tag(tag("property", "*"))],
    told_apart_by("property", fallback="*", known=("readOptions", "missingValues", "readSchema")),
]
ObjectProperty = Annotated[
    Annotated[LoadProperty, Tag(tag("property", "load"))] | Annotated[PlainProperty, Tag(tag("property", "*"))],
    told_apart_by("property", fallback="*", known=("load",)),
]
