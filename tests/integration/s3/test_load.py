"""From S3 into PostgreSQL and back: objects by event, contracts by prefix, receipts and rejects in the lake."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from pipeline.history import receipt_of
from pipeline.lake import keep
from pipeline.load import ledger
from pipeline.load.connect import Destination
from pipeline.run import Run
from pipeline.settings import Settings
from tests.integration.command_line import Done, run

Bucket = Callable[..., str]
Contract = Callable[..., Path]
Query = Callable[..., list[tuple[Any, ...]]]
Landfall = Callable[..., Done]

ITEMS = [
    "{name: id, logicalType: integer, primaryKey: true}",
    "{name: name, logicalType: string, required: true}",
    "{name: file, logicalType: string, transformLogic: _metadata.file_name}",
]


@pytest.fixture
def landfall(database: Destination, aws: dict[str, str]) -> Landfall:
    """Runs a command against the module's database and moto."""
    url = database.url.render_as_string(hide_password=False)
    return lambda *arguments, **extra: run(*arguments, **{"LANDFALL_DATABASE_URL": url, **aws, **extra})


@pytest.fixture
def landing(s3: Any, bucket: Bucket) -> str:
    return bucket("landing")


@pytest.fixture
def contracts(s3: Any, bucket: Bucket, landing: str, contract: Contract, request: pytest.FixtureRequest) -> str:
    """An S3 prefix with the contract of `items/*` in the landing bucket, and misleading neighbours."""
    name = "s" + request.node.name[5:].split("[")[0][:50]
    path = contract(name, ITEMS, load="{mode: upsert, rejects: {max: 50, unit: percent}}", location="items/**")
    text = path.read_text().replace("s3://landing/", f"s3://{landing}/")
    lake = bucket("lake")
    s3.put_object(Bucket=lake, Key=f"contracts/{name}.odcs.yaml", Body=text.encode())
    s3.put_object(Bucket=lake, Key="contracts/README.md", Body=b"no contract")
    s3.put_object(Bucket=lake, Key="contracts-old/broken.odcs.yaml", Body=b"no: contract")
    return f"s3://{lake}/contracts"


def schema_of(contracts: str, s3: Any) -> str:
    lake = contracts.removeprefix("s3://").split("/")[0]
    (key,) = [key for key in keys(s3, lake) if key.startswith("contracts/") and key.endswith(".odcs.yaml")]
    return str(key.split("/")[1].removesuffix(".odcs.yaml"))


def keys(s3: Any, bucket: str) -> list[str]:
    return [item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def event(put: dict[str, Any], bucket: str, key: str, sequencer: str | None = None) -> dict[str, Any]:
    """An object as the trigger passes it, from the answer to its upload."""
    found = {"bucket": bucket, "key": key, "versionId": put.get("VersionId"), "etag": put["ETag"].strip('"')}
    return {**found, "sequencer": sequencer} if sequencer else found


def test_receipt_and_rejects_go_to_the_lake_and_the_object_stays_as_it_is(
    landfall: Landfall, s3: Any, landing: str, contracts: str, rows: Query
) -> None:
    lake = contracts.removesuffix("/contracts") + "/reports/"
    put = s3.put_object(Bucket=landing, Key="items/a.csv", Body="id,name\n1,é\n2,\n".encode(), Metadata={"by": "ana"})
    before = s3.head_object(Bucket=landing, Key="items/a.csv")
    uri = f"s3://{landing}/items/a.csv"
    done = landfall("load", uri, "--contracts", contracts, "--lake", lake, "--json")
    (receipt,) = done.receipts
    assert (done.code, receipt["status"], receipt["source"]) == (0, "loaded", uri)
    assert receipt["version"] == put["VersionId"]
    name, bucket = receipt["dataset"], lake.split("/")[2]
    kept = f"reports/loaded/{name}/{receipt['load_id']}"
    assert sorted(key for key in keys(s3, bucket) if key.startswith("reports/")) == [
        f"{kept}/receipt.json",
        f"{kept}/rejects.csv",
    ]
    assert json.loads(s3.get_object(Bucket=bucket, Key=f"{kept}/receipt.json")["Body"].read()) == receipt
    sent_back = s3.get_object(Bucket=bucket, Key=f"{kept}/rejects.csv")["Body"].read()
    assert sent_back == b'id,name,reason\n2,,"required: name is required, and missing"\n'
    assert sent_back == landfall("rejects", receipt["load_id"], "--csv").raw
    after = s3.head_object(Bucket=landing, Key="items/a.csv")
    for fact in ("ETag", "VersionId", "LastModified", "Metadata"):
        assert after[fact] == before[fact]
    assert len(s3.list_object_versions(Bucket=landing)["Versions"]) == 1
    ledger = rows("SELECT bucket, key, version, etag FROM landfall.load WHERE load_id = %s", receipt["load_id"])
    assert ledger == [(landing, "items/a.csv", put["VersionId"], put["ETag"].strip('"'))]
    assert rows(f"SELECT id, name, file FROM {name}.target") == [(1, "é", "a.csv")]


def test_each_outcome_has_its_place_in_the_lake(landfall: Landfall, s3: Any, landing: str, contracts: str) -> None:
    lake = contracts.removesuffix("/contracts")
    bodies = {"good": b"id,name\n1,a\n", "refused": b"id,name\n1,\n", "failed": b"", "same": b"id,name\n1,a\n"}
    for key, body in bodies.items():
        s3.put_object(Bucket=landing, Key=f"items/{key}.csv", Body=body)
    s3.put_object(Bucket=landing, Key="stray/x.csv", Body=b"x")
    sources = [f"s3://{landing}/items/{key}.csv" for key in bodies] + [f"s3://{landing}/stray/x.csv"]
    done = landfall("load", *sources, "--contracts", contracts, "--json", LANDFALL_LAKE=lake)
    assert done.code == 64
    statuses = ["loaded", "refused", "failed", "already_loaded", "failed"]
    assert [receipt["status"] for receipt in done.receipts] == statuses
    good, refused, failed, _, stray = done.receipts
    name = good["dataset"]
    found = [key for key in keys(s3, lake.removeprefix("s3://")) if not key.startswith("contracts")]
    (unknown,) = [key for key in found if key.startswith("failed/unknown/")]
    assert json.loads(s3.get_object(Bucket=lake.removeprefix("s3://"), Key=unknown)["Body"].read()) == stray
    assert sorted({*found} - {unknown}) == [
        f"failed/{name}/{failed['load_id']}/receipt.json",
        f"loaded/{name}/{good['load_id']}/receipt.json",
        f"rejected/{name}/{refused['load_id']}/receipt.json",
        f"rejected/{name}/{refused['load_id']}/rejects.csv",
    ]


def test_the_ledgers_session_is_idle_once_the_rejects_are_read(
    landfall: Landfall, s3: Any, landing: str, contracts: str, database: Destination, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.put_object(Bucket=landing, Key="items/a.csv", Body=b"id,name\n1,a\n2,\n")
    (receipt,) = landfall("load", f"s3://{landing}/items/a.csv", "--contracts", contracts, "--json").receipts
    states = []
    with Run(Settings(database_url=database.url, lake="s3://lake")) as this:

        def note(*_: object, **__: object) -> None:
            states.append(this.connection.info.transaction_status)

        monkeypatch.setattr("pipeline.s3.client.client", lambda: SimpleNamespace(upload_fileobj=note, put_object=note))
        keep(receipt_of(ledger.load(this.connection, receipt["load_id"])), this)
    assert states == [TRANSACTION_STATUS_IDLE] * 2


def test_a_lake_that_is_not_there_changes_no_result(landfall: Landfall, s3: Any, landing: str, contracts: str) -> None:
    s3.put_object(Bucket=landing, Key="items/a.csv", Body=b"id,name\n1,a\n2,\n")
    arguments = ("load", f"s3://{landing}/items/a.csv", "--contracts", contracts, "--json")
    done = landfall(*arguments, "--lake", "s3://no-such-lake-0815/x")
    assert (done.code, done.receipts[0]["status"]) == (0, "loaded")
    (remark,) = done.remarks
    assert f"load {done.receipts[0]['load_id']} stands" in remark
    assert "no such bucket" in remark
    assert landfall(*arguments, "--lake", "file:///tmp/lake").code == 2


@pytest.mark.parametrize("versioned", [True, False])
def test_objects_as_the_trigger_passes_them(
    landfall: Landfall, s3: Any, bucket: Bucket, landing: str, contracts: str, rows: Query, versioned: bool
) -> None:
    """Overwritten between event and read: in a versioned bucket the event's own version is loaded."""
    if not versioned:
        s3.put_bucket_versioning(Bucket=landing, VersioningConfiguration={"Status": "Suspended"})
    keys = ["items/with space+plus.csv", "items/per%20cent.csv", "items/ünï/cødé.csv", "items/a?b=c&d.csv"]
    events = []
    for number, key in enumerate(keys, 1):
        put = s3.put_object(Bucket=landing, Key=key, Body=f"id,name\n{number},first\n".encode())
        events.append(event(put, landing, key))
    s3.put_object(Bucket=landing, Key=keys[0], Body=b"id,name\n1,overwritten\n")
    done = landfall("load", "--objects-json", json.dumps(events), "--contracts", contracts, "--json")
    assert (done.code, [receipt["status"] for receipt in done.receipts]) == (0, ["loaded"] * 4), done.err
    assert [receipt["source"] for receipt in done.receipts] == [f"s3://{landing}/{key}" for key in keys]
    name = schema_of(contracts, s3)
    assert rows(f"SELECT id, name, file FROM {name}.target ORDER BY id") == [
        (1, "first" if versioned else "overwritten", "with space+plus.csv"),
        (2, "first", "per%20cent.csv"),
        (3, "first", "cødé.csv"),
        (4, "first", "a?b=c&d.csv"),
    ]
    again = landfall("load", "--objects-json", json.dumps(events), "--contracts", contracts, "--json")
    assert [receipt["status"] for receipt in again.receipts] == ["already_loaded"] * 4


def test_an_older_event_after_a_newer_object_is_stale(
    landfall: Landfall, s3: Any, landing: str, contracts: str, rows: Query
) -> None:
    older = s3.put_object(Bucket=landing, Key="items/a.csv", Body=b"id,name\n1,older\n")
    newer = s3.put_object(Bucket=landing, Key="items/a.csv", Body=b"id,name\n1,newer\n")
    events = [
        event(newer, landing, "items/a.csv", "0055AED6DCD90281E6"),
        event(older, landing, "items/a.csv", "0055AED6DCD90281E5"),
    ]
    done = landfall("load", "--objects-json", json.dumps(events), "--contracts", contracts, "--json")
    assert [receipt["status"] for receipt in done.receipts] == ["loaded", "stale"]
    assert rows(f"SELECT name FROM {schema_of(contracts, s3)}.target") == [("newer",)]


def test_what_is_missing_is_said(landfall: Landfall, s3: Any, landing: str, contracts: str) -> None:
    uri = f"s3://{landing}/items/absent.csv"
    done = landfall("load", uri, "--contracts", contracts)
    assert done.code == 66
    assert f"{uri}: no such object" in done.out
    empty = landfall("load", uri, "--contracts", f"s3://{landing}/nothing")
    assert (empty.code, "there are no contracts" in empty.out) == (64, True)
    absent = landfall("load", uri, "--contracts", "s3://no-such-bucket-0815/contracts/")
    assert (absent.code, "there is no such bucket" in absent.out) == (66, True)
    silent = landfall("load", uri, "--contracts", contracts, AWS_ENDPOINT_URL="http://127.0.0.1:1")
    assert (silent.code, "S3 does not answer" in silent.out) == (75, True)
    key = landfall("load", uri, "--contracts", contracts + "/absent.odcs.yaml")
    assert (key.code, "no such object" in key.out) == (66, True)


def test_one_contract_by_its_key_and_a_compressed_object(
    landfall: Landfall, s3: Any, landing: str, contracts: str, rows: Query
) -> None:
    import gzip

    name = schema_of(contracts, s3)
    body = gzip.compress(b"id,name\n" + b"".join(b"%d,n\n" % n for n in range(2000)))
    s3.put_object(Bucket=landing, Key="items/deep/er/a.csv.gz", Body=body)
    uri = f"s3://{landing}/items/deep/er/a.csv.gz"
    done = landfall("load", uri, "--contracts", f"{contracts}/{name}.odcs.yaml", "--json", "--engine", "sail")
    assert (done.code, done.receipts[0]["bytes"]) == (0, len(body))
    assert rows(f"SELECT count(*) FROM {name}.target") == [(2000,)]
