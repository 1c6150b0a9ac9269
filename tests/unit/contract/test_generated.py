"""What is generated from the model and kept: the editor's schema and the reference page."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import jsonschema
import pytest

from pipeline.contract import jsonschema as schema
from pipeline.contract import reference
from pipeline.contract.document import parse
from pipeline.contract.model import contract, custom, options, properties, quality
from pipeline.contract.model.base import Part
from tests.unit.contract.contracts import DATA, VALID

VALIDATOR = jsonschema.Draft202012Validator(json.loads(schema.FILE.read_text(encoding="utf-8")))


def plain(value: Any) -> Any:
    """A document's values as JSON has them."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return float(value) if isinstance(value, Decimal) else value


def fits(text: str) -> bool:
    return VALIDATOR.is_valid(plain(parse(text, "c.yaml", {}).data))


def test_the_editor_schema_is_current() -> None:
    """`python -m pipeline.contract.jsonschema` makes it so."""
    assert schema.FILE.read_text(encoding="utf-8") == schema.schema_text()


def test_the_reference_is_current() -> None:
    """`python -m pipeline.contract.reference` makes it so."""
    assert reference.FILE.read_text(encoding="utf-8") == reference.reference_text()


def test_the_editor_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(VALIDATOR.schema)


@pytest.mark.parametrize("path", sorted(DATA.glob("*.yaml")), ids=lambda path: path.name)
def test_the_editor_schema_accepts_the_samples(path: Any) -> None:
    assert fits(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("id: shop-orders", "idd: shop-orders"),
        ("mode: upsert", "mode: upset"),
        ("logicalType: date", "logicalType: datum"),
        ("primaryKey: true", "primaryKeyy: true"),
        ("{header: true}", "{heeder: true}"),
        ("format: csv", "format: tsv"),
        ("metric: rowCount", "metric: rowcount"),
        ("{minimum: 0}", "{pattern: x}"),
        ("engine: spark", "engine: soda"),
        ("property: load", "property: load\n        extra: 1"),
    ],
)
def test_the_editor_schema_refuses_what_check_refuses(old: str, new: str) -> None:
    assert fits(VALID)
    assert not fits(VALID.replace(old, new))


def test_every_key_has_a_description() -> None:
    for module in (contract, custom, options, properties, quality):
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, Part):
                for name, field in kind.model_fields.items():
                    inherited = name in ("property", "value", "logical_type")
                    assert field.description or inherited, f"{kind.__name__}.{name}"


def test_the_reference_tells_every_key_of_load_and_read_options() -> None:
    page = reference.reference_text()
    for part in (custom.Load, custom.ReadOptions, custom.Rejects, custom.Evolution):
        for key in part.key_names():
            assert f"| `{key}` |" in page
    assert "<!--" not in page
