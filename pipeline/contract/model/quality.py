"""Quality rules: row rules (Spark SQL), dataset rules (metrics and SQL) and plain text."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag

from pipeline.contract.model.base import Free, NonEmpty, Number, Part, tag

Severity = Annotated[
    Literal["error", "warning", "info"],
    Field(description="`error`: a row is rejected, or the load refused. `warning`, `info`: counted in the receipt."),
]
Unit = Annotated[Literal["rows", "percent"], Field(description="What the bound counts: rows, or percent of the rows.")]
Bound = Annotated[Number | None, Field(description="The bound of the count.")]
Bounds = Annotated[list[Number] | None, Field(min_length=2, max_length=2, description="Both bounds are included.")]
_ALWAYS = "Landfall checks every rule at every load"


class Rule(Part):
    """What every rule may say."""

    refused: ClassVar = {
        "schedule": _ALWAYS,
        "scheduler": _ALWAYS,
        "rule": "write metric",
        "column": "write the rule on the property",
    }
    name: Annotated[NonEmpty | None, Field(description="The rule's name in messages and receipts.")] = None
    id: Free = None
    description: Free = None
    dimension: Free = None
    business_impact: Free = None
    method: Free = None
    tags: Free = None
    authoritative_definitions: Free = None
    custom_properties: Free = None


class Bounded(Rule):
    """A rule that counts; exactly one of the operators bounds the count."""

    severity: Severity = "error"
    must_be: Bound = None
    must_not_be: Bound = None
    must_be_greater_than: Bound = None
    must_be_greater_or_equal_to: Bound = None
    must_be_less_than: Bound = None
    must_be_less_or_equal_to: Bound = None
    must_be_between: Bounds = None
    must_not_be_between: Bounds = None

    @property
    def operators(self) -> dict[str, tuple[float, ...]]:
        """The operators that are set, with their bounds."""
        found: dict[str, tuple[float, ...]] = {}
        for key, value in self.model_dump(by_alias=True, exclude_none=True).items():
            if key.startswith(("mustBe", "mustNotBe")):
                found[key] = tuple(float(bound) for bound in (value if isinstance(value, list) else [value]))
        return found


class Arguments(Part):
    """Arguments of a metric."""

    properties: Annotated[list[str] | None, Field(description="duplicateValues on the object: the columns meant.")] = (
        None
    )
    missing_values: Annotated[
        list[Any] | None, Field(description="missingValues: what counts as missing besides NULL.")
    ] = None
    valid_values: Annotated[list[Any] | None, Field(description="invalidValues: the values that are valid.")] = None
    pattern: Annotated[
        str | None, Field(description="invalidValues: the regular expression that valid values match.")
    ] = None


class LibraryRule(Bounded):
    """A metric over the rows of a load."""

    type: Annotated[Literal["library"], Field(description="`library`, or left out.")] = "library"
    metric: Annotated[
        Literal["rowCount", "nullValues", "missingValues", "invalidValues", "duplicateValues"],
        Field(
            description="What is counted. rowCount belongs on the object, nullValues, missingValues and "
            "invalidValues on a "
            "property."
        ),
    ]
    unit: Unit = "rows"
    arguments: Annotated[Arguments | None, Field(description="Arguments of the metric.")] = None


class SqlRule(Bounded):
    """A query over the rows of a load; it returns one number."""

    refused: ClassVar = {**Rule.refused, "unit": "let the query compute the percentage"}
    type: Annotated[Literal["sql"], Field(description="Write type: sql.")]
    query: Annotated[
        NonEmpty, Field(description="A PostgreSQL SELECT. `{object}` is the load's rows, `{property}` the column.")
    ]


class RowRule(Rule):
    """A Spark SQL condition over the columns of one row; a row for which it is false breaks the rule."""

    refused: ClassVar = {**Rule.refused, "unit": "the reject budget counts broken rows: load.rejects"}
    type: Annotated[Literal["custom"], Field(description="Write type: custom.")]
    engine: Annotated[Literal["spark"], Field(description="Landfall runs no other engine.")]
    implementation: Annotated[NonEmpty, Field(description="The condition, over the typed columns.")]
    severity: Severity = "error"


class TextRule(Rule):
    """A rule in words: documentation."""

    type: Annotated[Literal["text"], Field(description="Write type: text.")]
    severity: Free = None


def _kind(value: Any) -> str:
    """ODCS: the type is `library` unless said; a query without type is meant as sql."""
    if not isinstance(value, dict):
        return tag("type", str(getattr(value, "type", "library")))
    implied = "sql" if "query" in value and "metric" not in value else "library"
    return tag("type", str(value.get("type", implied)))


ColumnQuality = Annotated[
    Annotated[LibraryRule, Tag(tag("type", "library"))]
    | Annotated[SqlRule, Tag(tag("type", "sql"))]
    | Annotated[RowRule, Tag(tag("type", "custom"))]
    | Annotated[TextRule, Tag(tag("type", "text"))],
    Discriminator(_kind),
]
