"""What every part of the model shares: strictness, names, numbers, and unions told apart by one key."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError


class Part(BaseModel):
    """One mapping of a contract. Keys are camelCase in the file. `refused`: ODCS keys that Landfall would "
    "ignore, and why."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, alias_generator=to_camel)
    refused: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def key_names(cls) -> tuple[str, ...]:
        """The keys that this mapping may have, as the file writes them."""
        return tuple(field.alias or name for name, field in cls.model_fields.items())


def _number(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | float):
        raise PydanticCustomError("number_type", "must be a number")
    number = Decimal(str(value))
    if not number.is_finite():
        raise PydanticCustomError("number_type", "must be a finite number")
    return number


def _integer_or_text(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise PydanticCustomError("integer_or_text_type", "must be a whole number or text")
    return value


def _scalar(value: object) -> object:
    if value is None or isinstance(value, dict | list):
        raise PydanticCustomError("scalar_type", "must be one value: text, a number, true or false")
    return value


Number = Annotated[Decimal, BeforeValidator(_number), WithJsonSchema({"type": "number"})]
IntegerOrText = Annotated[
    Any, BeforeValidator(_integer_or_text), WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string"}]})
]
ScalarValue = Annotated[
    Any,
    BeforeValidator(_scalar),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}]}),
]
NonEmpty = Annotated[str, Field(min_length=1)]

Free = Annotated[Any, Field(description="Documentation: for people and other tools, without effect on a load.")]


def tag(key: str, value: str) -> str:
    """The name by which a union knows one of its kinds; it stands in pydantic's error locations."""
    return f"<{key}={value}>"


def told_apart_by(key: str, fallback: str | None = None, known: tuple[str, ...] = ()) -> Discriminator:
    """A union whose kinds differ in the value of `key`. Values outside `known` are the kind `fallback`, if "
    "there is one."""

    def kind(value: Any) -> str:
        found = value.get(key) if isinstance(value, dict) else getattr(value, to_attribute(key), None)
        if fallback is not None and found not in known:
            found = fallback
        return tag(key, "" if found is None else str(found))

    return Discriminator(kind)


def to_attribute(key: str) -> str:
    """The Python attribute of a camelCase key."""
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in key)


class Documented(Part):
    """Keys that any element may carry for its readers. Landfall keeps `description`; the others have no effect."""

    id: Annotated[str | None, Field(description="A stable id, for references from other documents.")] = None
    description: Annotated[str | None, Field(description="What this is. Becomes the comment in the database.")] = None
    business_name: Free = None
    tags: Annotated[
        list[str] | None, Field(description="Free words. `pii` on a property keeps its values out of messages.")
    ] = None
    authoritative_definitions: Free = None
    deprecated: Free = None
    synonyms: Free = None
    context: Free = None
