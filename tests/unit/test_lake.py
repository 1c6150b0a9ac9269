"""Where a load's papers are kept."""

from __future__ import annotations

import pytest

from pipeline.errors import UsageError
from pipeline.lake import _place, check_lake
from pipeline.receipt import Receipt


@pytest.mark.parametrize("uri", ["s3://lake", "s3://lake/", "s3://lake/some/prefix/"])
def test_a_lake_is_a_prefix_of_s3(uri: str) -> None:
    assert check_lake(uri) == uri


@pytest.mark.parametrize("uri", ["lake", "s3://", "s3:///prefix", "https://lake", "/lake"])
def test_nothing_else_is_one(uri: str) -> None:
    with pytest.raises(UsageError, match="expected s3://bucket/prefix"):
        check_lake(uri)


@pytest.mark.parametrize(("status", "outcome"), [("loaded", "loaded"), ("refused", "rejected"), ("failed", "failed")])
def test_by_outcome_dataset_and_load(status: str, outcome: str) -> None:
    assert _place(Receipt("id-1", status, "my/orders", None, "x")) == f"{outcome}/my_orders/id-1"


def test_without_a_load_id_each_attempt_has_a_place_of_its_own() -> None:
    first, second = (
        _place(Receipt(None, "failed", None, None, "x", started_at=at)) for at in ("2026-11-21", "2026-11-22")
    )
    assert first != second
    assert first.startswith("failed/unknown/")
