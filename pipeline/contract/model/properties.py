"""The properties of a schema object: columns of the target table, told apart by `logicalType`."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, Tag

from pipeline.contract.model.base import Documented, Free, NonEmpty, tag, told_apart_by
from pipeline.contract.model.custom import PlainProperty
from pipeline.contract.model.options import (
    ArrayOptions,
    EnumValue,
    MapSides,
    Nested,
    NoOptions,
    NumericOptions,
    ObjectOptions,
    PhysicalType,
    StringOptions,
    TemporalOptions,
    TimestampOptions,
)
from pipeline.contract.model.quality import ColumnQuality


class Column(Documented):
    """A column of the target table: what every property may say, whatever its type."""

    refused: ClassVar = {
        "relationships": "Landfall creates no foreign keys; create it in the database, where it survives every load",
        "encryptedName": "Landfall does not encrypt; hash or mask the value with transformLogic",
        "default": "write transformLogic: coalesce(column, value)",
        "nullable": "write required: true or false",
        "title": "write businessName",
        "items": "only logicalType array has items",
        "properties": "only logicalType object has properties",
        "map": "only logicalType map has map",
    }
    name: Annotated[
        NonEmpty,
        Field(description="The column's name; it is read from the source column of the same name in snake_case."),
    ]
    physical_name: Annotated[
        NonEmpty | None, Field(description="The column's name in the table, if other than `name`.")
    ] = None
    physical_type: PhysicalType = None
    required: Annotated[
        bool, Field(description="A row without the value is rejected (`required`); the column is NOT NULL.")
    ] = False
    unique: Annotated[bool, Field(description="No two rows of the table may have the same value (`unique`).")] = False
    primary_key: Annotated[bool, Field(description="Part of the row's key. Implies required.")] = False
    primary_key_position: Annotated[int | None, Field(description="Place within a key of several columns, from 1.")] = (
        None
    )
    transform_logic: Annotated[
        NonEmpty | None,
        Field(
            description="Spark SQL over the source columns that computes the value. Default: the source column itself."
        ),
    ] = None
    enum: Annotated[list[EnumValue] | None, Field(min_length=1, description="The allowed values (`enum`).")] = None
    quality: Annotated[list[ColumnQuality] | None, Field(description="Rules over this column of a load.")] = None
    classification: Annotated[
        str | None,
        Field(description="`restricted`, `confidential` or `secret` keeps the values out of messages and logs."),
    ] = None
    partitioned: Annotated[
        bool, Field(description="Documentation of `load.replaceBy`: only its columns may say true.")
    ] = False
    partition_key_position: Free = None
    transform_description: Free = None
    transform_source_objects: Free = None
    critical_data_element: Free = None
    semantic_type: Free = None
    examples: Free = None
    custom_properties: Annotated[list[PlainProperty] | None, Field(description="For other tools.")] = None

    @property
    def column_name(self) -> str:
        """The name in the target table."""
        return self.physical_name or self.name

    @property
    def options(self) -> dict[str, Any]:
        """`logicalTypeOptions` by their names in the file; only those that are set."""
        found = getattr(self, "logical_type_options", None)
        return found.model_dump(by_alias=True, exclude_none=True) if found else {}


class StringColumn(Column):
    """Text, UUIDs, JSON documents and bytes."""

    logical_type: Literal["string"]
    logical_type_options: Annotated[StringOptions | None, Field(description="Length, pattern, format.")] = None


class IntegerColumn(Column):
    """Whole numbers."""

    logical_type: Literal["integer"]
    logical_type_options: Annotated[NumericOptions | None, Field(description="Bounds.")] = None


class NumberColumn(Column):
    """Exact decimals (NUMERIC) and binary floating point; `physicalType` is required."""

    logical_type: Literal["number"]
    logical_type_options: Annotated[NumericOptions | None, Field(description="Bounds.")] = None


class BooleanColumn(Column):
    """true and false."""

    logical_type: Literal["boolean"]
    logical_type_options: Annotated[NoOptions | None, Field(description="None.")] = None


class DateColumn(Column):
    """Calendar days."""

    logical_type: Literal["date"]
    logical_type_options: Annotated[TemporalOptions | None, Field(description="Format and bounds.")] = None


class TimestampColumn(Column):
    """Points in time, with or without zone."""

    logical_type: Literal["timestamp"]
    logical_type_options: Annotated[TimestampOptions | None, Field(description="Format, zone and bounds.")] = None


class TimeColumn(Column):
    """Times of day."""

    logical_type: Literal["time"]
    logical_type_options: Annotated[TemporalOptions | None, Field(description="Format and bounds.")] = None


class ArrayColumn(Column):
    """Arrays of one scalar type; of anything else they are JSONB."""

    logical_type: Literal["array"]
    logical_type_options: Annotated[ArrayOptions | None, Field(description="Number of items.")] = None
    items: Annotated[Nested | None, Field(description="The type of the items.")] = None


class ObjectColumn(Column):
    """Nested objects, kept as JSONB."""

    logical_type: Literal["object"]
    logical_type_options: Annotated[ObjectOptions | None, Field(description="None.")] = None
    properties: Annotated[list[Nested] | None, Field(description="The fields inside (documentation).")] = None


class MapColumn(Column):
    """Maps, kept as JSONB."""

    logical_type: Literal["map"]
    logical_type_options: Annotated[ObjectOptions | None, Field(description="None.")] = None
    map: Annotated[
        MapSides, Field(description="The standard wants it: {key: {logicalType: ...}, value: {logicalType: ...}}.")
    ]


Property = Annotated[
    Annotated[StringColumn, Tag(tag("logicalType", "string"))]
    | Annotated[IntegerColumn, Tag(tag("logicalType", "integer"))]
    | Annotated[NumberColumn, Tag(tag("logicalType", "number"))]
    | Annotated[BooleanColumn, Tag(tag("logicalType", "boolean"))]
    | Annotated[DateColumn, Tag(tag("logicalType", "date"))]
    | Annotated[TimestampColumn, Tag(tag("logicalType", "timestamp"))]
    | Annotated[TimeColumn, Tag(tag("logicalType", "time"))]
    | Annotated[ArrayColumn, Tag(tag("logicalType", "array"))]
    | Annotated[ObjectColumn, Tag(tag("logicalType", "object"))]
    | Annotated[MapColumn, Tag(tag("logicalType", "map"))],
    told_apart_by("logicalType"),
]
