"""Who hears of a load and of a replay: an SNS topic, the lake; a replay reads the version that its load had read."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.load.connect import Destination
from pipeline.notify import notify
from pipeline.receipt import Receipt
from tests.integration.command_line import run

Contract = Callable[..., Path]
Query = Callable[..., list[tuple[Any, ...]]]

COLUMNS = [
    "{name: id, logicalType: integer, primaryKey: true}",
    "{name: kind, logicalType: string, enum: [{value: ant}ALSO]}",
]
LOAD = "{mode: upsert, rejects: {max: 90, unit: percent}}"


@pytest.fixture
def topic(aws: dict[str, str]) -> tuple[str, Callable[[], list[dict[str, Any]]]]:
    """An SNS topic's ARN, and what its subscriber got since it was last asked: subject and message."""
    sns, sqs = (boto3.client(name, region_name=aws["AWS_REGION"]) for name in ("sns", "sqs"))
    arn = sns.create_topic(Name="loads")["TopicArn"]
    url = sqs.create_queue(QueueName="subscriber")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue)

    def got() -> list[dict[str, Any]]:
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        bodies = [json.loads(message["Body"]) for message in messages]
        return [{"subject": body["Subject"], **json.loads(body["Message"])} for body in bodies]

    return arn, got


def test_a_topic_gets_the_receipt(topic: tuple[str, Callable[[], list[dict[str, Any]]]]) -> None:
    arn, got = topic
    receipt = Receipt("id", "refused", "größen", "s.t", "s3://b/k", error={"kind": "refused", "message": "no"})
    notify(receipt, [arn])
    notify(Receipt("id", "loaded", "d", "s.t", "s3://b/k"), [arn])
    (told,) = got()
    assert told["subject"] == "Landfall: refused gr??en"
    assert (told["status"], told["error"]["message"]) == ("refused", "no")


def parquet(kinds: list[str]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({"id": range(1, len(kinds) + 1), "kind": kinds}), out)
    return out.getvalue()


def test_a_replay_is_told_and_reads_its_own_version(
    database: Destination,
    aws: dict[str, str],
    s3: Any,
    bucket: Callable[..., str],
    topic: tuple[str, Callable[[], list[dict[str, Any]]]],
    contract: Contract,
    rows: Query,
) -> None:
    landing, lake, (arn, got) = bucket(), bucket("lake"), topic
    strict, fixed = ([line.replace("ALSO", also) for line in COLUMNS] for also in ("", ", {value: bee}"))
    s3.put_object(Bucket=landing, Key="items.parquet", Body=parquet(["ant", "bee", "cat"]))
    source = "    format: parquet"
    items = contract("told", strict, load=LOAD, source=source, location="*.parquet")
    url = database.url.render_as_string(hide_password=False)
    where = [
        "--contracts",
        items,
        "--database-url",
        url,
        "--quiet",
        "--json",
        "--notify",
        arn,
        "--lake",
        f"s3://{lake}/kept",
    ]
    items.write_text(items.read_text().replace("s3://landing/", f"s3://{landing}/"))
    first = run("load", f"s3://{landing}/items.parquet", *where, **aws)
    assert first.code == 0, first.err
    (told,) = got()
    assert (told["status"], told["rows"]["rejected"]) == ("loaded", 2)
    s3.put_object(Bucket=landing, Key="items.parquet", Body=parquet(["bee"]))
    contract("told", fixed, load=LOAD, source=source, location="*.parquet")
    items.write_text(items.read_text().replace("s3://landing/", f"s3://{landing}/"))
    again = run("replay", first.receipts[0]["load_id"], *where, **aws)
    assert again.code == 0, again.err
    assert rows("SELECT id, kind FROM told.target ORDER BY id") == [(1, "ant"), (2, "bee")]
    (told,) = got()
    assert (told["load_id"], told["rows"]["inserted"]) == (again.receipts[0]["load_id"], 1)
    assert told["subject"] == "Landfall: loaded told, 1 rejected"
    kept = {entry["Key"] for entry in s3.list_objects_v2(Bucket=lake)["Contents"]}
    assert f"kept/loaded/told/{again.receipts[0]['load_id']}/receipt.json" in kept
    assert f"kept/loaded/told/{again.receipts[0]['load_id']}/rejects.csv" in kept
    wrong = run("replay", first.receipts[0]["load_id"], "--contracts", items, "--lake", "file:///tmp", **aws)
    assert (wrong.code, "expected s3://bucket/prefix" in wrong.err) == (2, True)
