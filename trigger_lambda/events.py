"""What S3, SNS, EventBridge and ECS say, in our words: source objects and stopped tasks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

SourceObject = dict[
    str, Any
]  # bucket, key (decoded), versionId, etag, size (bytes), sequencer; None where the event is silent


@dataclass(frozen=True)
class StoppedTask:
    """A task that reached STOPPED, and what it had been asked to load. exit_code is None if its container never ran."""

    arn: str
    objects: list[SourceObject]
    attempt: int
    memory: int  # MiB
    stop_code: str
    reason: str
    exit_code: int | None


def messages(event: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(SQS message id, JSON text) of each message in `event`; the id is empty for what did not come through SQS."""
    records = event.get("Records") or []
    source = (records[0].get("eventSource") or records[0].get("EventSource")) if records else None
    if source == "aws:sqs":
        yield from ((record["messageId"], record["body"]) for record in records)
    elif source == "aws:sns":
        yield from (("", record["Sns"]["Message"]) for record in records)
    else:
        yield "", json.dumps(event)


def source_objects(message: dict[str, Any]) -> list[SourceObject]:
    """The uploads that one message announces. Raises ValueError or KeyError for a message that is none we know."""
    if message.get("Type") == "Notification":  # SNS envelope, when raw delivery is off
        return source_objects(json.loads(message["Message"]))
    if message.get("Event") == "s3:TestEvent":
        return []
    if message.get("source") == "aws.s3" and message.get("detail-type") == "Object Created":
        found = [_from_eventbridge(message["detail"])]
    elif "Records" in message:
        created = (record for record in message["Records"] if record["eventName"].startswith("ObjectCreated:"))
        found = [_from_s3(record["s3"]) for record in created]
    else:
        raise ValueError(f"not an event the trigger knows: {json.dumps(message)[:300]}")
    return [item for item in found if not _is_marker(item)]


def _from_s3(s3: dict[str, Any]) -> SourceObject:
    """S3's own events form-encode the key: decode it exactly once."""
    item = s3["object"]
    return _source_object(s3["bucket"]["name"], unquote_plus(item["key"]), item.get("versionId"), item)


def _from_eventbridge(detail: dict[str, Any]) -> SourceObject:
    """EventBridge sends the key as it is: decoding would turn a plus into a space."""
    item = detail["object"]
    return _source_object(detail["bucket"]["name"], item["key"], item.get("version-id"), item)


def _source_object(bucket: str, key: str, version: str | None, item: dict[str, Any]) -> SourceObject:
    etag = item.get("eTag", item.get("etag"))  # the first is S3's spelling, the second EventBridge's
    size, sequencer = item.get("size"), item.get("sequencer")
    return {"bucket": bucket, "key": key, "versionId": version, "etag": etag, "size": size, "sequencer": sequencer}


def _is_marker(item: SourceObject) -> bool:
    """Folders, and the empty _SUCCESS and .crc files of Hadoop. Other empty files go on: an empty delivery is news."""
    name = item["key"].rsplit("/", 1)[-1]
    return not name or (item["size"] == 0 and name.startswith(("_", ".")))


def is_stopped_task(message: dict[str, Any]) -> bool:
    """Whether this is ECS telling that a task has come to its end."""
    return message.get("detail-type") == "ECS Task State Change" and message["detail"].get("lastStatus") == "STOPPED"


def stopped_task(detail: dict[str, Any]) -> StoppedTask | None:
    """What stopped, read from the event's own copy of our RunTask overrides; None if it was not a load of objects."""
    container: dict[str, Any] = next(iter(detail["overrides"].get("containerOverrides") or []), {})
    command = container.get("command") or []
    if command[:2] != ["load", "--objects-json"]:
        return None
    environment = {entry["name"]: entry["value"] for entry in container.get("environment") or []}
    ran: dict[str, Any] = next((c for c in detail.get("containers") or [] if c["name"] == container["name"]), {})
    return StoppedTask(
        arn=detail["taskArn"],
        objects=json.loads(command[2]),
        attempt=int(environment.get("LANDFALL_ATTEMPT", "1")),
        memory=int(detail["overrides"].get("memory") or detail.get("memory") or 0),
        stop_code=detail.get("stopCode") or "",
        reason=ran.get("reason") or detail.get("stoppedReason") or "",
        exit_code=ran.get("exitCode"),
    )
