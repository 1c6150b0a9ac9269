"""Each promise of the README, on a real PostgreSQL, with each engine that can run here."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pipeline.load.connect import Connection, Destination, connect
from pipeline.receipt import Receipt
from tests.integration.loader import Loader

Query = Callable[..., list[tuple[Any, ...]]]
Contract = Callable[..., Path]

ORDERS = [
    "{name: order_no, logicalType: string, primaryKey: true}",
    "{name: amount, logicalType: number, physicalType: 'NUMERIC(10,2)', required: true, logicalTypeOptions: {minimum: 0}}",
    "{name: status, logicalType: string, enum: [{value: open}, {value: paid}]}",
]
GOOD = 'order_no,amount,status\nA1,10.00,open\nA2,20.50,paid\nA3,,paid\n"A4\n",1,open\nA5,x,lost\nA6,-1,open\nA7,5,paid,extra\n'
PATIENT = "{mode: upsert, rejects: {max: 90, unit: percent}}"


def balanced(receipt: Receipt) -> bool:
    counts = receipt.rows
    parts = ("inserted", "updated", "unchanged", "duplicate", "filtered", "rejected")
    return counts["read"] == sum(counts[part] for part in parts)


@pytest.fixture
def orders(contract: Contract, request: pytest.FixtureRequest) -> Path:
    """A contract whose schema is this test's own."""
    name = f"t{abs(hash(request.node.nodeid)) % 10**12}"
    return contract(name, ORDERS, load=PATIENT)


def schema_of(contract: Path) -> str:
    return contract.name.removesuffix(".odcs.yaml")


def test_promise_1_nothing_is_lost_silently(load: Loader, orders: Path, tmp_path: Path, rows: Query) -> None:
    file = tmp_path / "orders.csv"
    file.write_text(GOOD)
    receipt = load.one(file, orders)
    assert receipt.error is None
    assert receipt.rows["read"] == 7
    assert receipt.rows["inserted"] == 3
    assert receipt.rows["rejected"] == 4
    assert balanced(receipt)
    (kept,) = rows(
        "SELECT rows_read, rows_inserted, rows_rejected FROM landfall.load WHERE load_id = %s", receipt.load_id
    )
    assert kept == (7, 3, 4)
    assert len(rows("SELECT * FROM landfall.reject WHERE load_id = %s", receipt.load_id)) == 4


def test_promise_2_exactly_once_by_content(load: Loader, orders: Path, tmp_path: Path, rows: Query) -> None:
    file = tmp_path / "orders.csv"
    file.write_text("order_no,amount,status\nA1,10.00,open\n")
    first = load.one(file, orders)
    again = [load.one(file, orders) for _ in range(3)]
    copy = tmp_path / "copy_of_orders.csv"
    copy.write_bytes(file.read_bytes())
    again.append(load.one(copy, orders))
    assert first.status == "loaded"
    assert [receipt.status for receipt in again] == ["already_loaded"] * 4
    assert {receipt.previous_load for receipt in again} == {first.load_id}
    assert rows(f"SELECT count(*), max(_load_id::text) FROM {schema_of(orders)}.target") == [(1, first.load_id)]


def test_promise_2_two_tasks_at_once_have_one_effect(sail: Loader, orders: Path, tmp_path: Path, rows: Query) -> None:
    import subprocess
    import sys

    file = tmp_path / "orders.csv"
    file.write_text("order_no,amount,status\n" + "".join(f"A{n},1.00,open\n" for n in range(5000)))
    url = sail.destination.url.render_as_string(hide_password=False)
    command = [
        sys.executable,
        "-m",
        "pipeline",
        "load",
        str(file),
        "--contracts",
        str(orders),
        "--json",
        "--database-url",
        url,
    ]
    with ThreadPoolExecutor(3) as several:
        outputs = list(
            several.map(lambda _: subprocess.run(command, capture_output=True, text=True, check=True), range(3))
        )
    import json

    assert sorted(json.loads(done.stdout)["status"] for done in outputs) == [
        "already_loaded",
        "already_loaded",
        "loaded",
    ]
    assert rows(f"SELECT count(*), count(DISTINCT _load_id) FROM {schema_of(orders)}.target") == [(5000, 1)]


def test_promise_3_all_or_nothing(
    load: Loader, orders: Path, tmp_path: Path, database: Destination, rows: Query
) -> None:
    schema = schema_of(orders)
    file = tmp_path / "orders.csv"
    file.write_text("order_no,amount,status\nA0,1.00,open\n")
    load.one(file, orders)
    seen: set[int] = set()
    done = threading.Event()

    def watch() -> None:
        session: Connection = connect(database, "watch")
        session.autocommit = True
        with session.cursor() as cursor:
            while not done.is_set():
                cursor.execute(f"SELECT count(*) FROM {schema}.target")
                seen.add(cursor.fetchall()[0][0])
                time.sleep(0.002)
        session.close()

    watcher = threading.Thread(target=watch)
    watcher.start()
    big = tmp_path / "big.csv"
    big.write_text("order_no,amount,status\n" + "".join(f"B{n},1.00,open\n" for n in range(60_000)))
    load.one(big, orders)
    time.sleep(0.05)
    done.set()
    watcher.join()
    assert seen == {1, 60_001}


def test_promise_4_a_bad_row_costs_one_row(load: Loader, orders: Path, tmp_path: Path, rows: Query) -> None:
    file = tmp_path / "orders.csv"
    file.write_text(GOOD)
    receipt = load.one(file, orders)
    found = rows(
        "SELECT line, raw, column_name, rule, message, status FROM landfall.reject WHERE load_id = %s ORDER BY line",
        receipt.load_id,
    )
    assert [(line, bytes(raw), column, rule) for line, raw, column, rule, _, _ in found] == [
        (4, b"A3,,paid", "amount", "required"),
        (7, b"A5,x,lost", "amount", "type"),
        (8, b"A6,-1,open", "amount", "range"),
        (9, b"A7,5,paid,extra", None, "structure"),
    ]
    assert found[1][4] == "'x' is not a numeric(10,2)"
    assert {status for *_, status in found} == {"open"}
    (reasons,) = rows("SELECT reasons FROM landfall.reject WHERE load_id = %s AND line = 7", receipt.load_id)[0]
    assert [reason["rule"] for reason in reasons] == ["type", "enum"]
    assert receipt.rejects_by_rule == {"required": 1, "type": 1, "range": 1, "structure": 1}


def test_promise_4_past_the_budget_nothing_loads_and_the_rejects_are_kept(
    load: Loader, contract: Contract, tmp_path: Path, rows: Query
) -> None:
    strict = contract(f"budget_{load.engine}", ORDERS, load="{mode: upsert, rejects: {max: 3, unit: rows}}")
    file = tmp_path / "orders.csv"
    file.write_text(GOOD)
    receipt = load.one(file, strict)
    assert (receipt.status, receipt.exit_code) == ("refused", 65)
    assert receipt.error is not None
    assert "4" in receipt.error["message"]
    assert rows("SELECT to_regclass(%s)", f"budget_{load.engine}.target") == [(None,)] or rows(
        f"SELECT count(*) FROM budget_{load.engine}.target"
    ) == [(0,)]
    assert rows("SELECT count(*) FROM landfall.reject WHERE load_id = %s", receipt.load_id) == [(4,)]
    assert rows("SELECT status FROM landfall.load WHERE load_id = %s", receipt.load_id) == [("refused",)]


def test_promise_5_your_table_stays_yours(
    load: Loader, orders: Path, tmp_path: Path, conn: Connection, rows: Query
) -> None:
    schema = schema_of(orders)
    file = tmp_path / "orders.csv"
    file.write_text("order_no,amount,status\n" + "".join(f"A{n},1.00,open\n" for n in range(100)))
    load.one(file, orders)
    with conn, conn.cursor() as cursor:
        cursor.execute(f"CREATE VIEW {schema}.open AS SELECT * FROM {schema}.target WHERE status = 'open'")
        cursor.execute(f"CREATE INDEX by_status ON {schema}.target (status)")
        cursor.execute(f"CREATE TABLE {schema}.note (order_no text REFERENCES {schema}.target, note text)")
        cursor.execute(f"INSERT INTO {schema}.note VALUES ('A7', 'kept')")
    before = dict(rows(f"SELECT order_no, ctid::text FROM {schema}.target"))
    file.write_text("order_no,amount,status\n" + "".join(f"A{n},{2 if n == 7 else 1}.00,open\n" for n in range(100)))
    receipt = load.one(file, orders)
    after = dict(rows(f"SELECT order_no, ctid::text FROM {schema}.target"))
    assert (receipt.rows["updated"], receipt.rows["unchanged"]) == (1, 99)
    assert {key for key in after if after[key] != before[key]} == {"A7"}
    assert rows(f"SELECT count(*) FROM {schema}.open") == [(100,)]
    assert rows(f"SELECT note FROM {schema}.note") == [("kept",)]
    assert rows("SELECT count(*) FROM pg_indexes WHERE schemaname = %s AND indexname = 'by_status'", schema) == [(1,)]


def test_promise_6_the_contract_is_a_standard(load: Loader, rows: Query) -> None:
    """The samples' contracts are ODCS (an outside tool checks that, see tests/cloud/test_datacontract.py) and they load."""
    sources = ("samples/acme/orders/orders_2026-11-20.csv", "samples/flights", "samples/web", "samples/trips")
    receipts = load(*sources, contracts=Path("samples/contracts"), force=True)
    assert [receipt.status for receipt in receipts] == ["loaded"] * 4
    assert all(balanced(receipt) for receipt in receipts)
