"""Which object is loaded, which is loaded already, and which comes too late: the ledger's decisions."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg2
import pytest

from pipeline.contract.dataset import Column, ColumnType, Dataset, LoadPlan, Mode, ReadOptions
from pipeline.errors import TransientError, UsageError
from pipeline.load import ledger
from pipeline.load.begin import Begun, SourceFacts, begin, release
from pipeline.load.connect import Connection, Destination, connect

numbers = itertools.count()


def dataset(mode: Mode = "append", **plan: Any) -> Dataset:
    """A dataset of its own for each test."""
    columns = (Column("name", ColumnType("string", "text"), "name"),)
    name = f"dataset-{next(numbers)}"
    load = LoadPlan(mode=mode, **plan)
    return Dataset(name, "1", "p", "c" * 64, "*", ReadOptions("csv"), "public", "t", columns, ("name",), load)


def facts(content: str, uri: str = "s3://landing/a.csv", **more: str | None) -> SourceFacts:
    """An object by its content; `version` and `etag` as in a bucket without versions unless given."""
    sha256 = hashlib.sha256(content.encode()).hexdigest()
    etag = hashlib.md5(content.encode()).hexdigest()
    return SourceFacts(uri, sha256, len(content), **{"version": etag, "etag": etag, **more})


def run(conn: Connection, source: SourceFacts, of: Dataset, force: bool = False) -> Begun:
    """Begin and, if it has to run, load."""
    begun = begin(conn, source, of, "sail", force, wait=0.2)
    if begun.status == "running":
        with conn:
            ledger.finish(conn, begun.load_id, {"read": 1, "inserted": 1}, {}, {"file": source.uri})
    release(conn, begun)
    return begun


def outcome(begun: Begun) -> tuple[str, UUID | None]:
    return begun.status, begun.previous


@pytest.fixture(autouse=True)
def _ledger(prepared: Destination) -> None:
    """Every test here needs one."""


@pytest.mark.parametrize("mode", ["append", "upsert", "replace", "scd2"])
def test_the_same_object_is_loaded_once(conn: Connection, mode: Mode) -> None:
    of = dataset(mode)
    first = run(conn, facts("one"), of)
    assert outcome(first) == ("running", None)
    for _ in range(10):
        assert outcome(run(conn, facts("one"), of)) == ("already_loaded", first.load_id)


def test_a_new_version_is_loaded_and_knows_the_one_before(conn: Connection) -> None:
    of = dataset()
    first = run(conn, facts("one"), of)
    assert outcome(run(conn, facts("two"), of)) == ("running", first.load_id)


def test_the_same_bytes_uploaded_again_are_not_a_new_version(conn: Connection) -> None:
    of = dataset()
    first = run(conn, facts("one", version="v1"), of)
    assert outcome(run(conn, facts("one", version="v2"), of)) == ("already_loaded", first.load_id)


def test_without_versions_an_object_may_return_to_older_content(conn: Connection) -> None:
    of = dataset("upsert")
    run(conn, facts("one"), of)
    second = run(conn, facts("two"), of)
    assert outcome(run(conn, facts("one"), of)) == ("running", second.load_id)


def test_with_versions_a_redelivered_older_one_is_not_loaded_again(conn: Connection) -> None:
    of = dataset()
    first = run(conn, facts("one", version="v1"), of)
    run(conn, facts("two", version="v2"), of)
    assert outcome(run(conn, facts("one", version="v1"), of)) == ("already_loaded", first.load_id)


def test_with_versions_older_content_under_a_new_version_is_loaded(conn: Connection) -> None:
    of = dataset("upsert")
    run(conn, facts("one", version="v1", sequencer="0A"), of)
    second = run(conn, facts("two", version="v2", sequencer="0B"), of)
    assert outcome(run(conn, facts("one", version="v3", sequencer="0C"), of)) == ("running", second.load_id)


def test_an_older_event_after_a_newer_one_is_stale(conn: Connection) -> None:
    of = dataset()
    newer = run(conn, facts("two", version="v2", sequencer="0055AED6DCD9"), of)
    assert outcome(run(conn, facts("one", version="v1", sequencer="0055AED6DC"), of)) == ("stale", newer.load_id)
    later = facts("three", version="v3", sequencer="0055AED6DCD90281E5")
    assert outcome(run(conn, later, of)) == ("running", newer.load_id)


def test_datasets_do_not_know_each_others_objects(conn: Connection) -> None:
    run(conn, facts("one"), dataset())
    assert run(conn, facts("one"), dataset()).status == "running"


def test_append_skips_the_same_bytes_under_another_name(conn: Connection) -> None:
    of = dataset("append")
    first = run(conn, facts("one"), of)
    run(conn, facts("two", "s3://landing/b.csv"), of)
    assert outcome(run(conn, facts("one", "s3://landing/c.csv"), of)) == ("already_loaded", first.load_id)


def test_append_loads_bytes_that_a_newer_version_of_their_object_has_replaced(conn: Connection) -> None:
    of = dataset("append")
    run(conn, facts("one"), of)
    run(conn, facts("two"), of)
    assert run(conn, facts("one", "s3://landing/c.csv"), of).status == "running"


@pytest.mark.parametrize("mode", ["upsert", "replace", "scd2"])
def test_other_modes_skip_the_same_bytes_only_if_they_were_loaded_last(conn: Connection, mode: Mode) -> None:
    of = dataset(mode)
    first = run(conn, facts("one"), of)
    assert outcome(run(conn, facts("one", "s3://landing/b.csv"), of)) == ("already_loaded", first.load_id)
    run(conn, facts("two", "s3://landing/b.csv"), of)
    assert run(conn, facts("one", "s3://landing/c.csv"), of).status == "running"


def test_the_same_bytes_are_loaded_if_the_contract_says_so(conn: Connection) -> None:
    of = dataset(same_content="load")
    run(conn, facts("one"), of)
    assert outcome(run(conn, facts("one", "s3://landing/b.csv"), of)) == ("running", None)


def test_force_loads_anyway_after_the_latest_load_of_the_same_object(conn: Connection) -> None:
    of = dataset()
    first = run(conn, facts("one"), of)
    assert outcome(run(conn, facts("one"), of, force=True)) == ("running", first.load_id)
    assert outcome(run(conn, facts("one", "s3://landing/b.csv"), of, force=True)) == ("running", None)


@pytest.mark.parametrize("status", ["failed", "refused"])
def test_a_load_that_failed_does_not_count(conn: Connection, status: str) -> None:
    of = dataset()
    begun = begin(conn, facts("one"), of, "sail")
    ledger.fail(conn, begun.load_id, status, TransientError("no luck"))
    release(conn, begun)
    assert outcome(run(conn, facts("one"), of)) == ("running", None)


def test_the_same_object_or_the_same_bytes_wait_for_each_other(conn: Connection, prepared: Destination) -> None:
    of = dataset()
    begun = begin(conn, facts("one"), of, "sail")
    other = connect(prepared, "test", wait=10)
    for rival in (facts("two"), facts("one", "s3://landing/b.csv")):
        with pytest.raises(TransientError, match="another process has been loading s3://landing"):
            begin(other, rival, of, "sail", wait=0.5)
    ok = begin(other, facts("two", "s3://landing/b.csv"), of, "sail", wait=0.5)
    assert ok.status == "running"
    release(conn, begun)
    release(other, ok)
    assert begin(other, facts("two"), of, "sail", wait=0.5).status == "running"
    other.close()


def test_the_same_bytes_do_not_wait_for_each_other_if_both_are_wanted(conn: Connection, prepared: Destination) -> None:
    of = dataset(same_content="load")
    begun = begin(conn, facts("one"), of, "sail")
    other = connect(prepared, "test", wait=10)
    assert begin(other, facts("one", "s3://landing/b.csv"), of, "sail", wait=0).status == "running"
    release(conn, begun)
    other.close()


def test_locks_are_given_back(conn: Connection) -> None:
    def held() -> int:
        with conn, conn.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
            (count,) = cursor.fetchone() or (0,)
        return int(count)

    of = dataset()
    begun = begin(conn, facts("one"), of, "sail")
    assert held() == 3
    release(conn, begun)
    assert held() == 0
    run(conn, facts("one"), of)
    run(conn, facts("one"), of)
    assert held() == 0
    with pytest.raises(psycopg2.errors.NotNullViolation):
        begin(conn, facts("two"), replace(of, sha256=None), "sail")  # type: ignore[arg-type]
    assert held() == 0


def test_release_is_silent_on_a_lost_connection(prepared: Destination, conn: Connection) -> None:
    doomed = connect(prepared, "test-doomed", wait=10)
    begun = begin(doomed, facts("one"), dataset(), "sail")
    with conn, conn.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'landfall:test-doomed'"
        )
    release(doomed, begun)
    release(doomed, begun)


def test_what_a_load_leaves_in_the_ledger(conn: Connection) -> None:
    of = dataset("upsert")
    source = facts("one", version="v1", sequencer="0A", bucket="landing", key="a.csv")
    begun = run(conn, source, of)
    row = ledger.load(conn, str(begun.load_id))
    expected = {
        "load_id": str(begun.load_id), "dataset": of.id, "uri": source.uri, "bucket": "landing", "key": "a.csv",
        "version": "v1", "etag": source.etag, "sequencer": "0A", "sha256": source.sha256, "bytes": 3, "contract_id": of.id,
        "contract_version": "1", "contract_sha256": "c" * 64, "engine": "sail", "mode": "upsert", "target": "public.t",
        "status": "loaded", "rows_read": 1, "rows_inserted": 1, "rows_updated": None, "rejects_by_rule": {},
        "error_kind": None, "error_message": None, "previous_load": None, "receipt": {"file": source.uri},
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected
    assert row["started_at"] < row["finished_at"]


def test_a_load_that_needed_no_run_is_in_the_ledger_too(conn: Connection) -> None:
    of = dataset()
    first = run(conn, facts("one"), of)
    again = run(conn, facts("one"), of)
    rows = list(ledger.loads(conn, of.id))
    assert [(row["load_id"], row["status"], row["previous_load"]) for row in rows] == [
        (str(again.load_id), "already_loaded", str(first.load_id)),
        (str(first.load_id), "loaded", None),
    ]
    assert rows[0]["finished_at"] is not None
    assert [row["status"] for row in ledger.loads(conn, of.id, status="loaded")] == ["loaded"]
    assert list(ledger.loads(conn, of.id, since=rows[0]["started_at"]))[-1]["status"] == "already_loaded"
    conn.rollback()


def test_only_our_own_messages_enter_the_ledger(conn: Connection) -> None:
    of = dataset()
    for error, kind, message in [
        (TransientError("the disk is full"), "transient", "the disk is full"),
        (ValueError("value of a row"), "bug", "ValueError"),
    ]:
        begun = begin(conn, facts("one"), of, "sail")
        with pytest.raises(psycopg2.Error), conn.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")
        ledger.fail(conn, begun.load_id, "failed", error, {"read": 7}, {"type": 2}, {"uri": "u"})
        release(conn, begun)
        row = ledger.load(conn, begun.load_id)
        assert (row["error_kind"], row["error_message"], row["rows_read"]) == (kind, message, 7)
        assert (row["rejects_by_rule"], row["receipt"]) == ({"type": 2}, {"uri": "u"})


def test_a_load_that_is_over_cannot_be_published_or_failed(conn: Connection) -> None:
    begun = run(conn, facts("one"), dataset())
    ledger.fail(conn, begun.load_id, "failed", TransientError("too late"))
    assert ledger.load(conn, begun.load_id)["status"] == "loaded"
    with pytest.raises(TransientError, match="right to publish"):
        ledger.finish(conn, begun.load_id, {}, {}, {})
    conn.rollback()


def test_rejects_are_read_in_the_order_of_the_file(conn: Connection) -> None:
    begun = run(conn, facts("one"), dataset())
    with conn, conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO landfall.reject (load_id, line, ordinal, raw, rule, message) VALUES (%s, %s, %s, %s, 'type', 'm')",
            [(str(begun.load_id), line, ordinal, b"\x00\xff") for line in (5000, 3, 4) for ordinal in (2, 1)],
        )
    found = list(ledger.rejects(conn, begun.load_id))
    assert [(row["line"], row["ordinal"]) for row in found] == [(3, 1), (3, 2), (4, 1), (4, 2), (5000, 1), (5000, 2)]
    assert found[0]["raw"] == b"\x00\xff"
    assert found[0]["status"] == "open"
    conn.rollback()


@pytest.mark.parametrize("unknown", ["01890000-0000-7000-8000-000000000000", "no-uuid", "'; --"])
def test_an_unknown_load_is_a_usage_error(conn: Connection, unknown: str) -> None:
    with pytest.raises(UsageError, match="landfall loads"):
        ledger.load(conn, unknown)
