"""How S3 announces and how Lambda polls, as AWS does both and stock moto does not."""

from __future__ import annotations

import itertools
import json
import sys
import threading
import time
import traceback
from typing import Any

from moto.awslambda.models import LambdaBackend, lambda_backends
from moto.s3 import models as s3
from moto.s3 import notifications
from moto.sqs.models import Queue, sqs_backends

RETRY_PAUSE = 1  # seconds until a message that failed is delivered again; in AWS the queue's visibility timeout (360)
_completing = threading.local()
_numbers = itertools.count(time.time_ns())
_moto_event = notifications._get_s3_event
_moto_send = notifications.send_event
_moto_complete = s3.S3Backend.complete_multipart_upload
_moto_mapping = LambdaBackend.create_event_source_mapping


def install() -> None:
    """Patch moto."""
    notifications._get_s3_event = s3_event
    notifications.send_event = send_event
    s3.S3Backend.complete_multipart_upload = complete_multipart_upload
    LambdaBackend.create_event_source_mapping = create_event_source_mapping
    # moto calls the function from inside SendMessage, one message at a time, on and on after the mapping is deleted,
    # and knows no partial failures. Here each mapping polls (below), so the queue must not know of any.
    Queue.lambda_event_source_mappings = property(lambda self: {}, lambda self, value: None)


# ---- S3


def s3_event(event_name: str, bucket: Any, key: Any, notification_id: str) -> dict[str, Any]:
    """moto's events lack the version and the sequencer, by which loads are told apart and put in order."""
    event: dict[str, Any] = _moto_event(event_name, bucket, key, notification_id)
    item = event["Records"][0]["s3"]["object"]
    item["sequencer"] = f"{next(_numbers):016X}"
    if bucket.is_versioned:
        item["versionId"] = key.version_id
    return event


def complete_multipart_upload(self: Any, *arguments: Any, **named: Any) -> Any:
    _completing.now = True
    try:
        return _moto_complete(self, *arguments, **named)
    finally:
        _completing.now = False


def send_event(account_id: str, event_name: Any, bucket: Any, key: Any) -> None:
    """moto announces a multipart upload twice, as Put and as CompleteMultipartUpload."""
    put = notifications.S3NotificationEvent.OBJECT_CREATED_PUT_EVENT
    if not (getattr(_completing, "now", False) and event_name == put):
        _moto_send(account_id, event_name, bucket, key)


# ---- SQS to Lambda


def create_event_source_mapping(self: Any, spec: dict[str, Any]) -> Any:
    """As moto, and a poller beside it."""
    mapping = _moto_mapping(self, spec)
    threading.Thread(target=poll, args=(mapping,), name=mapping.uuid, daemon=True).start()
    return mapping


def poll(mapping: Any) -> None:
    """Deliver batches for as long as the mapping exists: one at a time, where AWS has up to five side by side."""
    while mapping.uuid in lambda_backends[mapping.account_id][mapping.region]._event_source_mappings:
        try:
            messages = collect(mapping) if mapping.enabled else []
            if messages:
                deliver(mapping, messages)
        except Exception:  # noqa: BLE001 - the poller outlives every message
            traceback.print_exc()
        time.sleep(0.1)


def collect(mapping: Any) -> list[Any]:
    """Up to a batch: what comes within the batching window after the first message."""
    messages = receive(mapping, mapping.batch_size)
    closes = time.monotonic() + (mapping.max_batch_window or 0)
    while messages and len(messages) < mapping.batch_size and time.monotonic() < closes:
        time.sleep(0.1)
        messages += receive(mapping, mapping.batch_size - len(messages))
    return messages


def receive(mapping: Any, count: int) -> list[Any]:
    name = mapping.event_source_arn.split(":")[-1]
    backend = sqs_backends[mapping.account_id][mapping.region]
    if name not in backend.queues:
        return []
    queue = backend.queues[name]
    return list(backend.receive_message(name, count, 0, queue.visibility_timeout))


def deliver(mapping: Any, messages: list[Any]) -> None:
    """Call the function once for the batch; delete what it took, give back what it named as failed."""
    failed = invoke(mapping, messages)
    print("trigger called with", len(messages), "messages, of which failed", len(failed), file=sys.stderr, flush=True)
    name, backend = mapping.event_source_arn.split(":")[-1], sqs_backends[mapping.account_id][mapping.region]
    for message in messages:
        if message.id in failed:
            backend.change_message_visibility(name, message.receipt_handle, visibility_timeout=RETRY_PAUSE)
        else:
            backend.delete_message(name, message.receipt_handle)


def invoke(mapping: Any, messages: list[Any]) -> set[str]:
    """The ids of the messages that failed: all of them if the function did."""
    headers: dict[str, Any] = {}
    answer = lambda_backends[mapping.account_id][mapping.region].invoke(
        function_name=mapping.function_arn, qualifier=None, body=json.dumps(event(mapping, messages)), headers={},
        response_headers=headers,
    )  # fmt: skip
    if "x-amz-function-error" in headers:
        return {message.id for message in messages}
    return {failure["itemIdentifier"] for failure in json.loads(answer or b"{}").get("batchItemFailures", [])}


def event(mapping: Any, messages: list[Any]) -> dict[str, Any]:
    """What Lambda hands to the function."""
    common = {"eventSource": "aws:sqs", "eventSourceARN": mapping.event_source_arn, "awsRegion": mapping.region}
    return {"Records": [common | record(message) for message in messages]}


def record(message: Any) -> dict[str, Any]:
    attributes = {"ApproximateReceiveCount": str(message.approximate_receive_count)}
    return {"messageId": message.id, "receiptHandle": message.receipt_handle, "body": message.body} | {
        "attributes": attributes,
        "messageAttributes": {},
    }
