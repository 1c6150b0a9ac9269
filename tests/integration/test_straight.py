"""The straight way: an append of rows that nothing is compared with is copied into the target, not into staging."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.load.connect import Connection, Destination, connect
from pipeline.receipt import Receipt
from tests.integration.loader import Loader
from tests.integration.traced import Table

Query = Callable[..., list[tuple[Any, ...]]]
Contract = Callable[..., Path]


@pytest.fixture
def table(contract: Contract, request: pytest.FixtureRequest, tmp_path: Path, conn: Connection, load: Loader) -> Table:
    return Table.of(request.node.nodeid, contract, tmp_path, conn, load)


def test_rows_are_copied_into_the_target(table: Table) -> None:
    table.make()
    receipt = table.load('id,name\n1,"a ""quoted"", one"\n2,\n3,""\nx,bad\n"5\n')
    assert (receipt.status, receipt.rows["inserted"], receipt.rows["rejected"]) == ("loaded", 3, 2)
    assert table.rows("id, name, _load_id::text, _line, how") == [
        (1, 'a "quoted", one', receipt.load_id, 2, "COPY"),
        (2, None, receipt.load_id, 3, "COPY"),
        (3, None, receipt.load_id, 4, "COPY"),
    ]


def test_a_new_table_is_made_and_filled_straight(table: Table) -> None:
    receipt = table.load("id,name\n1,a\n")
    assert receipt.error is None
    assert receipt.ddl[-1].startswith("CREATE TABLE")
    assert table.rows("id, name") == [(1, "a")]


def test_many_parts_become_one_load(table: Table) -> None:
    table.make()
    receipt = table.load("id,name\n" + "".join(f"{n},{'x' * 5000}\n" for n in range(30_000)), streams=2)
    assert receipt.rows["inserted"] == 30_000
    assert table.rows("count(*), count(DISTINCT _line), min(how), max(how)") == [(30_000, 30_000, "COPY", "COPY")]


def test_a_new_version_of_the_object_is_staged_and_takes_the_place_of_the_old(table: Table) -> None:
    table.make()
    table.load("id,name\n1,a\n2,b\n")
    receipt = table.load("id,name\n1,a\n3,c\n")
    assert (receipt.rows["inserted"], receipt.rows["deleted"], receipt.rows["unchanged"]) == (1, 1, 1)
    assert table.rows() == [(1, "a", "COPY"), (3, "c", "INSE")]


@pytest.fixture
def made(conn: Connection) -> Iterator[Callable[[], list[str]]]:
    """The staging tables that were made and not taken back, those dropped since included."""
    with conn, conn.cursor() as cursor:
        cursor.execute("""
            CREATE TABLE public.made (name text);
            CREATE FUNCTION public.note() RETURNS event_trigger LANGUAGE plpgsql AS
            'BEGIN INSERT INTO public.made SELECT object_identity FROM pg_event_trigger_ddl_commands(); END';
            CREATE EVENT TRIGGER note ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION public.note()
        """)

    def names() -> list[str]:
        with conn, conn.cursor() as cursor:
            cursor.execute("SELECT name FROM public.made WHERE name LIKE 'landfall_staging.%'")
            return [name for (name,) in cursor.fetchall()]

    yield names
    with conn, conn.cursor() as cursor:
        cursor.execute("DROP EVENT TRIGGER note; DROP FUNCTION public.note; DROP TABLE public.made")


@pytest.mark.parametrize("more", ["", "x,bad\n", '"5\n'], ids=["no reject", "a bad value", "a bad record"])
def test_no_staging_table_is_made_for_nothing(table: Table, made: Callable[[], list[str]], more: str) -> None:
    table.load("id,name\n1,a\n", "first.csv")
    receipt = table.load("id,name\n2,b\n" + more)
    assert receipt.rows["rejected"] == bool(more)
    load = (receipt.load_id or "").replace("-", "")
    tables = ["raw", "rejects"] if more else []
    assert sorted(made()) == [f"landfall_staging.{name}_{load}" for name in tables]


@pytest.mark.parametrize(
    "more",
    [
        "CREATE FUNCTION pg_temp.pass() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        "CREATE TRIGGER t BEFORE INSERT ON {target} FOR EACH ROW EXECUTE FUNCTION pg_temp.pass()",
        "ALTER TABLE {target} DROP COLUMN _line",
    ],
    ids=["a trigger", "a column to add"],
)
def test_a_target_that_needs_more_is_filled_from_staging(table: Table, more: str) -> None:
    table.make(more)
    table.conn.commit()
    assert table.load("id,name\n1,a\n").error is None
    assert table.rows() == [(1, "a", "INSE")]


@pytest.mark.parametrize("column", ["_line TYPE double precision", "_line TYPE numeric", "id TYPE numeric"])
def test_a_column_of_another_type_gets_the_value_and_not_its_bytes(table: Table, column: str) -> None:
    table.make(f"ALTER TABLE {{target}} ALTER COLUMN {column}")
    table.conn.commit()
    assert table.load("id,name\n7,a\n").error is None
    assert table.rows("id, _line, how") == [(7, 2, "COPY")]


@pytest.mark.parametrize("staged", [False, True])
def test_an_identity_column_takes_what_the_file_says(table: Table, staged: bool) -> None:
    table.make("ALTER TABLE {target} ALTER id SET NOT NULL, ALTER id ADD GENERATED ALWAYS AS IDENTITY")
    table.conn.commit()
    if staged:
        table.load("id,name\n1,a\n")
    assert table.load("id,name\n7,b\n").error is None
    assert table.rows() == [(7, "b", "INSE" if staged else "COPY")]


def test_a_table_in_use_by_another_load_is_not_waited_for(table: Table, database: Destination) -> None:
    table.make()
    other = connect(database, "test", wait=10)
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"landfall target {table.name}",))
    load = subprocess.Popen(table.command("id,name\n1,a\n"), stderr=subprocess.PIPE, text=True)
    assert load.stderr is not None
    assert any('"stage": "publish"' in line for line in load.stderr)  # its rows are staged by now
    other.close()
    load.stderr.read()
    assert load.wait(60) == 0
    assert table.rows() == [(1, "a", "INSE")]


def test_over_the_budget_the_target_is_as_before_and_the_rejects_are_kept(table: Table, rows: Query) -> None:
    receipt = table.load("id,name\n1,a\nx,b\ny,c\nz,d\n")
    assert (receipt.status, receipt.exit_code, receipt.rows["rejected"]) == ("refused", 65, 3)
    assert rows("SELECT to_regclass(%s)", table.name) == [(None,)]
    kept = "SELECT line, rule, raw_text FROM landfall.reject WHERE load_id = %s ORDER BY line"
    assert rows(kept, receipt.load_id) == [(3, "type", "x,b"), (4, "type", "y,c"), (5, "type", "z,d")]
    entry = "SELECT status, receipt->>'ddl' FROM landfall.load WHERE load_id = %s"
    assert rows(entry, receipt.load_id) == [("refused", "[]")]


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ("ALTER TABLE {target} ADD CONSTRAINT small CHECK (id < 10)", "small"),
        ("ALTER TABLE {target} ADD CONSTRAINT late UNIQUE (id) DEFERRABLE INITIALLY DEFERRED", "late"),
        ("ALTER TABLE {target} ENABLE ROW LEVEL SECURITY", None),
    ],
    ids=["check", "deferred", "row security of its owner"],
)
def test_what_the_target_does_not_take_fails_as_from_staging(
    table: Table, rows: Query, more: str, named: str | None
) -> None:
    table.make(more)
    receipt = table.load("id,name\n1,a\nx,b\n11,c\n11,d\n")
    if named is None:
        assert receipt.error is None
        return
    assert receipt.error is not None
    assert (receipt.status, receipt.exit_code) == ("failed", 65)
    assert named in receipt.error["message"]
    assert table.rows() == []
    assert rows("SELECT line, rule FROM landfall.reject WHERE load_id = %s", receipt.load_id) == [(3, "type")]
    assert rows("SELECT relname FROM pg_class WHERE relname ~ %s", f"_{_hex(receipt)}$") == []
    assert rows("SELECT status FROM landfall.load WHERE load_id = %s", receipt.load_id) == [("failed",)]


def test_a_reader_sees_nothing_before_the_commit_and_an_interrupted_load_leaves_nothing(
    table: Table, rows: Query, tmp_path: Path
) -> None:
    table.make()
    load = subprocess.Popen(table.command("id,name\n" + "".join(f"{n},x\n" for n in range(2_000_000))))
    copying = "SELECT count(*) FROM pg_stat_progress_copy WHERE relid = %s::regclass AND tuples_processed > 0"
    deadline = time.monotonic() + 60
    while rows(copying, table.name) == [(0,)]:
        assert time.monotonic() < deadline and load.poll() is None
        time.sleep(0.01)
    assert table.rows() == []
    os.kill(load.pid, signal.SIGTERM)
    assert load.wait(60) == 75
    assert table.rows() == []
    assert rows("SELECT status, error_kind FROM landfall.load WHERE target = %s", table.name) == [
        ("failed", "interrupted")
    ]
    assert table.load("id,name\n1,a\n", name="b.csv").error is None


def test_when_the_connection_is_lost_the_load_begins_again_and_has_one_effect(table: Table, rows: Query) -> None:
    table.make()
    load = subprocess.Popen(
        [*table.command("id,name\n" + "".join(f"{n},x\n" for n in range(2_000_000))), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_progress_copy WHERE relid = %s::regclass"
    deadline = time.monotonic() + 60
    while not rows(end, table.name):
        assert time.monotonic() < deadline and load.poll() is None
        time.sleep(0.01)
    _, told = load.communicate(timeout=120)
    assert load.returncode == 0
    assert "Error" not in told  # neither the driver's own, see `sender`, nor Spark's, see log4j2.properties
    assert table.rows("count(*), count(DISTINCT id)") == [(2_000_000, 2_000_000)]
    entries = "SELECT status FROM landfall.load WHERE target = %s ORDER BY load_id"
    assert rows(entries, table.name) == [("failed",), ("loaded",)]


def _hex(receipt: Receipt) -> str:
    return (receipt.load_id or "").replace("-", "")
