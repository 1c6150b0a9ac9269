"""How the local AWS polls a queue for the trigger: batches, partial failures, and messages that come back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.sqs.models import sqs_backends

from rehearse import events

ACCOUNT, REGION = "123456789012", "eu-west-1"


class Function:
    """In the place of Lambda: notes the events, and answers or fails as it is told."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.fails_at: set[str] = set()
        self.breaks = False

    def invoke(self, body: str, response_headers: dict[str, Any], **_: Any) -> bytes:
        event = json.loads(body)
        self.events.append(event)
        if self.breaks:
            response_headers["x-amz-function-error"] = "Unhandled"
        failed = [record["messageId"] for record in event["Records"] if record["body"] in self.fails_at]
        return json.dumps({"batchItemFailures": [{"itemIdentifier": number} for number in failed]}).encode()

    @property
    def bodies(self) -> list[list[str]]:
        return [[record["body"] for record in event["Records"]] for event in self.events]


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Iterator[Function]:
    found = Function()
    monkeypatch.setattr(events, "lambda_backends", {ACCOUNT: {REGION: found}})
    monkeypatch.setattr(events, "RETRY_PAUSE", 0)
    with mock_aws():
        yield found


@pytest.fixture
def mapping(function: Function) -> Any:
    """A mapping of the queue `uploads`, with three messages in it."""
    sqs = boto3.client("sqs", region_name=REGION)
    url = sqs.create_queue(QueueName="uploads")["QueueUrl"]
    for body in "abc":
        sqs.send_message(QueueUrl=url, MessageBody=body)
    return SimpleNamespace(
        account_id=ACCOUNT, region=REGION, batch_size=10, max_batch_window=0, function_arn="arn:function",
        event_source_arn=f"arn:aws:sqs:{REGION}:{ACCOUNT}:uploads",
    )  # fmt: skip


def turn(mapping: Any) -> None:
    """What the poller does again and again."""
    messages = events.collect(mapping)
    if messages:
        events.deliver(mapping, messages)


def left() -> int:
    queue = sqs_backends[ACCOUNT][REGION].queues["uploads"]
    return len(queue.messages) + queue.approximate_number_of_messages_not_visible


def test_messages_come_as_one_batch_and_are_gone(mapping: Any, function: Function) -> None:
    turn(mapping)
    turn(mapping)
    assert function.bodies == [["a", "b", "c"]]
    assert function.events[0]["Records"][0]["eventSource"] == "aws:sqs"
    assert left() == 0


def test_a_batch_is_no_larger_than_the_mapping_says(mapping: Any, function: Function) -> None:
    mapping.batch_size = 2
    turn(mapping)
    turn(mapping)
    assert function.bodies == [["a", "b"], ["c"]]


def test_only_the_message_that_failed_comes_back(mapping: Any, function: Function) -> None:
    function.fails_at = {"b"}
    turn(mapping)
    function.fails_at = set()
    turn(mapping)
    assert function.bodies == [["a", "b", "c"], ["b"]]
    assert function.events[1]["Records"][0]["attributes"]["ApproximateReceiveCount"] == "2"
    assert left() == 0


def test_all_come_back_when_the_function_breaks(mapping: Any, function: Function) -> None:
    function.breaks = True
    turn(mapping)
    function.breaks = False
    turn(mapping)
    assert [sorted(bodies) for bodies in function.bodies] == [["a", "b", "c"], ["a", "b", "c"]]


def test_a_queue_that_is_gone_is_no_error(mapping: Any, function: Function) -> None:
    del sqs_backends[ACCOUNT][REGION].queues["uploads"]
    turn(mapping)
    assert function.bodies == []
