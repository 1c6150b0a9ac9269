"""The options of a property's type, and the values inside arrays, objects and maps."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pipeline.contract.model.base import Documented, Free, Number, Part, ScalarValue
from pipeline.contract.model.custom import PlainProperty

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

    key: Annotated[Nested, Field(description="The type of the keys, for example {logicalType: string}.")]
    value: Annotated[Nested, Field(description="The type of the values, for example {logicalType: string}.")]


Nested.model_rebuild()
