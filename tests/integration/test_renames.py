"""A likely rename is named in the refusal: by its name, or by values that the table knows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.loader import Loader

Contract = Callable[..., Path]
COLUMNS = [
    "{name: id, logicalType: integer, primaryKey: true}",
    "{name: city, logicalType: string, classification: restricted}",
]


@pytest.fixture
def cities(sail: Loader, contract: Contract, request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A contract whose table has three cities."""
    described = contract(f"t{abs(hash(request.node.nodeid)) % 10**12}", COLUMNS, load="{mode: upsert}")
    (tmp_path / "first.csv").write_text("id,city\n1,Oslo\n2,Rome\n3,Bern\n")
    assert sail.one(tmp_path / "first.csv", described).error is None
    return described


def refusal(sail: Loader, contract: Path, text: str) -> str:
    path = contract.with_name("next.csv")
    path.write_text(text)
    receipt = sail.one(path, contract)
    assert receipt.error is not None and receipt.exit_code == 65
    return str(receipt.error["message"])


def test_a_column_with_another_name_and_known_values_is_named(sail: Loader, cities: Path) -> None:
    message = refusal(sail, cities, "id,ort,note\n4,Oslo,x\n5,Bern,y\n6,Lima,z\n7,Bern,\n")
    assert "columns are missing: city." in message
    assert message.endswith("ort looks like city: the table has 2 of its 3 first values")
    assert "Oslo" not in message


def test_values_that_the_table_does_not_know_name_nothing(sail: Loader, cities: Path) -> None:
    assert "looks like" not in refusal(sail, cities, "id,ort\n4,Lima\n5,Quito\n6,Oslo\n")
    assert "looks like" not in refusal(sail, cities, "id,ort\n4,\n")


def test_a_table_that_is_not_there_yet_or_may_not_be_read_changes_nothing(
    sail: Loader, contract: Contract, request: pytest.FixtureRequest
) -> None:
    described = contract(f"t{abs(hash(request.node.nodeid)) % 10**12}", COLUMNS, load="{mode: upsert}")
    assert "columns are missing: city." in refusal(sail, described, "id,ort\n4,Oslo\n")
