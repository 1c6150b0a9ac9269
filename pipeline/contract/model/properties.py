"""The properties of a schema object: columns of the target table, told apart by `logicalType`."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, Tag

from pipeline.contract.model.base import Documented, Free, NonEmpty, Number, Part, ScalarValue, tag, told_apart_by
from pipeline.contract.model.custom import PlainProperty
from pipeline.contract.model.quality import ColumnQuality

PhysicalType = Annotated[str | None, Field(description="The PostgreSQL type; see the table of types.")]
_CHECK_BY_RULE = "Landfall does not check it; say it with a row rule (quality: type custom, engine spark)"
_WRITE_PHYSICAL = "write the width as physicalType"


class EnumValue(Part):
    """One allowed value."""

    value: Annotated[ScalarValue, Field(description="The value, of the property's type (dates and times as ISO text).")]
    label: Free = None
    description: Free = None
    id: Free = None
    tags: Free = None
    custom_properties: Free = None
    authoritative_definitions: Free = None


class NoOptions(Part):
    """A type without options."""


class StringOptions(Part):
    """Options of `logicalType: string`."""

    min_length: Annotated[int | None, Field(ge=0, description="Fewest characters.")] = None
    max_length: Annotated[int | None, Field(ge=0, description="Most characters.")] = None
    pattern: Annotated[str | None, Field(description="A regular expression (RE2) that must match; use ^ and $.")] = None
    format: Annotated[
        Literal["uuid"] | None, Field(description="`uuid`: the text must be a UUID; the column is UUID by default.")
    ] = None


class NumericOptions(Part):
    """Options of `logicalType: integer` and `number`."""

    refused: ClassVar = {"format": _WRITE_PHYSICAL}
    minimum: Annotated[Number | None, Field(description="Smallest allowed value.")] = None
    maximum: Annotated[Number | None, Field(description="Largest allowed value.")] = None
    exclusive_minimum: Annotated[Number | None, Field(description="Values must be above it.")] = None
    exclusive_maximum: Annotated[Number | None, Field(description="Values must be below it.")] = None
    multiple_of: Annotated[Number | None, Field(gt=0, description="Values must be a multiple of it.")] = None


class TemporalOptions(Part):
    """Options of `logicalType: date` and `time`. Bounds are ISO 8601 text."""

    refused: ClassVar = {
        "timezone": "a time of day has no zone in Landfall: use timestamp",
        "defaultTimezone": "only a timestamp has it",
    }
    format: Annotated[
        str | None,
        Field(
            description="How the text is written, as a JDK DateTimeFormatter pattern (`dd/MM/yyyy`). Default: ISO 8601."
        ),
    ] = None
    minimum: Annotated[str | None, Field(description="Earliest allowed value, ISO 8601.")] = None
    maximum: Annotated[str | None, Field(description="Latest allowed value, ISO 8601.")] = None
    exclusive_minimum: Annotated[str | None, Field(description="Values must be after it.")] = None
    exclusive_maximum: Annotated[str | None, Field(description="Values must be before it.")] = None


class TimestampOptions(TemporalOptions):
    """Options of `logicalType: timestamp`."""

    refused: ClassVar = {}
    timezone: Annotated[
        bool | None, Field(description="false: `timestamp` without time zone. Default true: `timestamptz`.")
    ] = None
    default_timezone: Annotated[
        str | None, Field(description="The zone (IANA name) of text that names no offset. Default: UTC.")
    ] = None


class ArrayOptions(Part):
    """Options of `logicalType: array`."""

    refused: ClassVar = {"uniqueItems": _CHECK_BY_RULE}
    min_items: Annotated[int | None, Field(ge=0, description="Fewest items.")] = None
    max_items: Annotated[int | None, Field(ge=0, description="Most items.")] = None


class ObjectOptions(Part):
    """`logicalType: object` and `map` have no options that are checked."""

    refused: ClassVar = dict.fromkeys(("minProperties", "maxProperties", "required"), _CHECK_BY_RULE)


class ItemOptions(Part):
    """Options of an array's items: how their text is read."""

    refused: ClassVar = dict.fromkeys(
        (
            "minimum",
            "maximum",
            "exclusiveMinimum",
            "exclusiveMaximum",
            "multipleOf",
            "pattern",
            "minLength",
            "maxLength",
        ),
        f"inside an array: {_CHECK_BY_RULE}",
    )
    format: Annotated[str | None, Field(description="`uuid` for strings, else a JDK pattern, as for a property.")] = (
        None
    )
    timezone: Annotated[bool | None, Field(description="As for a timestamp property.")] = None
    default_timezone: Annotated[str | None, Field(description="As for a timestamp property.")] = None


LogicalType = Literal["string", "integer", "number", "boolean", "date", "timestamp", "time", "array", "object", "map"]


class Nested(Documented):
    """A value inside an array, object or map. Inside a JSON value only documentation is possible."""

    refused: ClassVar = dict.fromkeys(
        ("required", "unique", "enum", "quality", "transformLogic", "primaryKey"),
        f"inside another value: {_CHECK_BY_RULE}",
    )
    name: Annotated[str | None, Field(description="The field's name inside an object.")] = None
    logical_type: Annotated[LogicalType | None, Field(description="The type of the value inside.")] = None
    physical_type: PhysicalType = None
    logical_type_options: Annotated[ItemOptions | None, Field(description="How the text of an item is read.")] = None
    properties: Annotated[list[Nested] | None, Field(description="Fields of an object (documentation).")] = None
    items: Annotated[Nested | None, Field(description="Items of an array inside (documentation).")] = None
    map: Annotated[MapSides | None, Field(description="Key and value of a map inside (documentation).")] = None
    custom_properties: Annotated[list[PlainProperty] | None, Field(description="For other tools.")] = None


class MapSides(Part):
    """Key and value of a map (documentation: the column is JSONB)."""

    key: Annotated[Nested | None, Field(description="The key.")] = None
    value: Annotated[Nested | None, Field(description="The value.")] = None


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
    map: Annotated[MapSides | None, Field(description="Key and value (documentation).")] = None


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
