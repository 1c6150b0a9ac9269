"""Every shape an upload is announced in comes out as the same source object, its key decoded exactly once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from trigger_lambda.events import messages, source_objects, stopped_task

Event = Callable[[str], dict[str, Any]]
PUT = {
    "bucket": "landfall-landing-123456789012",
    "key": "orders/orders 2026-11-20(1).csv",
    "versionId": "096fKKXTRTtl3on89fVO.nfljtsv6qko",
    "etag": "d41d8cd98f00b204e9800998ecf8427e",
    "size": 1048,
    "sequencer": "0055AED6DCD90281E5",
}


def objects_in(event: dict[str, Any]) -> list[dict[str, Any]]:
    return [item for _, text in messages(event) for item in source_objects(json.loads(text))]


@pytest.mark.parametrize("name", ["s3_put", "sqs_sns_s3", "sns_s3"])
def test_each_shape_gives_the_same_object(event: Event, name: str) -> None:
    assert objects_in(event(name)) == [PUT]


def test_messages_keep_their_sqs_ids(event: Event) -> None:
    ids = [message_id for message_id, _ in messages(event("sqs_s3"))]
    assert ids == ["11111111-0000-4000-8000-000000000001", "11111111-0000-4000-8000-000000000002"]
    assert [item["key"] for item in objects_in(event("sqs_s3"))] == [PUT["key"], "orders/second.csv"]


@pytest.mark.parametrize("name", ["eventbridge_s3", "sqs_eventbridge_s3"])
def test_eventbridge_keys_are_not_decoded(event: Event, name: str) -> None:
    assert objects_in(event(name)) == [PUT | {"key": "orders/red+flower%20.csv"}]


def test_awkward_keys_are_decoded_once(event: Event) -> None:
    assert [item["key"] for item in objects_in(event("s3_awkward_keys"))] == [
        "orders/red flower+leaf 100%.csv",
        "طلبات/größe 🌊.csv",
        "orders/%2B.csv",
        'orders/line\nbreak"quote".csv',
    ]


def test_multipart_upload_is_an_upload(event: Event) -> None:
    assert [(item["key"], item["size"]) for item in objects_in(event("s3_multipart"))] == [
        ("trips/yellow_2026-01.parquet", 52428800)
    ]


def test_without_versioning_the_version_is_none(event: Event) -> None:
    assert objects_in(event("s3_unversioned"))[0]["versionId"] is None


def test_test_event_announces_nothing(event: Event) -> None:
    assert objects_in(event("s3_test")) == []


def test_folders_markers_and_deletions_are_ignored_but_not_an_empty_delivery(event: Event) -> None:
    kept = [item["key"] for item in objects_in(event("s3_markers"))]
    assert kept == ["orders/empty.csv", "orders/_late.csv"]


@pytest.mark.parametrize("strange", [{"hello": "world"}, {}, {"source": "aws.s3", "detail-type": "Object Deleted"}])
def test_an_unknown_message_is_an_error_not_silence(strange: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not an event the trigger knows"):
        source_objects(strange)


def test_stopped_task_is_read_from_its_own_overrides(event: Event) -> None:
    task = stopped_task(event("ecs_stopped_exit_75")["detail"])
    assert task is not None
    assert (task.objects, task.attempt, task.memory, task.exit_code) == ([PUT], 1, 4096, 75)
    assert (task.stop_code, task.reason) == ("EssentialContainerExited", "Essential container in task exited")


def test_a_task_that_never_ran_has_no_exit_code(event: Event) -> None:
    task = stopped_task(event("ecs_stopped_no_start")["detail"])
    assert task is not None
    assert task.exit_code is None
    assert task.reason.startswith("CannotPullContainerError")


@pytest.mark.parametrize("command", [None, ["init", "--bootstrap-role", "landfall"], ["load", "s3://bucket/key"]])
def test_other_tasks_of_the_cluster_are_not_ours(event: Event, command: list[str] | None) -> None:
    detail = event("ecs_stopped_exit_75")["detail"]
    detail["overrides"]["containerOverrides"][0]["command"] = command
    assert stopped_task(detail) is None
