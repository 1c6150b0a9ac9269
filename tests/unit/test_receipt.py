"""A receipt as programs and people read it."""

from __future__ import annotations

import json
from dataclasses import replace

from pipeline import account
from pipeline.errors import ContractError, RefusedError, TransientError
from pipeline.receipt import COUNTS, Receipt, lines

LOADED = Receipt(
    "id-7", "loaded", "orders", "sales.orders", "s3://landing/orders.csv", engine="sail", seconds=1.234,
    rows={**dict.fromkeys(COUNTS, 0), "read": 1_234_567, "inserted": 1_234_000, "filtered": 500, "rejected": 67},
    rejects_by_rule={"type": 60, "enum": 7},
)  # fmt: skip


def test_a_load_in_a_few_lines() -> None:
    assert lines(LOADED) == [
        "✔ loaded         s3://landing/orders.csv -> sales.orders",
        "  1,234,567 read = 1,234,000 inserted + 500 filtered + 67 rejected",
        "  rejects by rule: enum 7, type 60   (landfall rejects id-7)",
        "  load id-7, 1.23 s, engine sail",
    ]


def test_deleted_rows_stand_beside_the_balance() -> None:
    rows = {**dict.fromkeys(COUNTS, 0), "read": 2, "inserted": 2, "deleted": 3}
    assert lines(replace(LOADED, rows=rows, rejects_by_rule={}))[1] == "  2 read = 2 inserted   (3 deleted)"
    assert lines(replace(LOADED, rows=dict.fromkeys(COUNTS, 0), rejects_by_rule={}))[1] == "  0 read = 0"


def test_nothing_to_do_names_the_other_load() -> None:
    nothing = replace(LOADED, rejects_by_rule={}, previous_load="id-6")
    assert lines(replace(nothing, status="already_loaded"))[1].endswith("loaded before, by load id-6")
    assert lines(replace(nothing, status="stale"))[1].endswith(
        "newer version of this object was loaded before, by load id-6"
    )


def test_columns_rules_and_errors_are_noted() -> None:
    rule = {"name": "rowCount", "severity": "warning", "passed": False, "value": 3, "expected": "> 5"}
    passed = {**rule, "name": "other", "passed": True}
    noted = replace(
        LOADED,
        columns={"ignored": ("a", "b"), "filled": ()},
        rules=(rule, passed),
        error={"kind": "x", "message": "Why."},
    )
    assert lines(noted)[3:6] == ["  columns ignored: a, b", "  warning: rule rowCount: 3 where > 5", "  Why."]


def test_a_load_that_never_began_has_neither_counts_nor_id() -> None:
    failed = account.failed(account.opened("file:///x.csv", None), ContractError("no contract describes it"))
    assert lines(failed) == ["✘ failed         file:///x.csv", "  no contract describes it"]
    assert (failed.status, failed.exit_code) == ("failed", 64)


def test_a_name_moves_no_cursor_and_forges_no_line() -> None:
    name = "file:///z\x1b[31mred\nsecond.csv"
    failed = account.failed(account.opened(name, None), ContractError(f"{name}: no contract\ndescribes\x07 it"))
    assert lines(failed) == [
        r"✘ failed         file:///z\x1b[31mred\x0asecond.csv",
        "  file:///z\\x1b[31mred\\x0asecond.csv: no contract\ndescribes\\x07 it",
    ]


def test_a_refusal_is_the_contract_s_no() -> None:
    assert account.failed(LOADED, RefusedError("too many rejects")).status == "refused"
    assert account.failed(LOADED, TransientError("gone")).status == "failed"


def test_as_json_it_is_one_line_without_the_exit_code() -> None:
    text = replace(LOADED, source="s3://b/ünï\n.csv", exit_code=65).as_json()
    assert "\n" not in text
    assert "ünï" in text
    facts = json.loads(text)
    assert "exit_code" not in facts
    assert facts["rows"] == LOADED.rows
