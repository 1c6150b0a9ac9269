"""What RunTask is asked, and what becomes of a message when ECS says no."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trigger_lambda import handler

from .conftest import SIZES, TASK

Event = Callable[[str], dict[str, Any]]
Calls = list[dict[str, Any]]
NO_ROOM = {"tasks": [], "failures": [{"reason": "Capacity is unavailable at this time. Please try again later."}]}


def upload(key: str = "orders/a.csv", size: int = 100, version: str | None = "v1") -> dict[str, Any]:
    return {"bucket": "landing", "key": key, "versionId": version, "etag": "e", "size": size, "sequencer": "01"}


def sqs(*objects: dict[str, Any]) -> dict[str, Any]:
    """An SQS batch with one EventBridge upload per message, ids m0, m1, ..."""
    return {"Records": [sqs_record(f"m{n}", item) for n, item in enumerate(objects)]}


def sqs_record(message_id: str, item: dict[str, Any]) -> dict[str, Any]:
    inner = {name: item[name] for name in ("key", "etag", "size", "sequencer")} | {"version-id": item["versionId"]}
    detail = {"bucket": {"name": item["bucket"]}, "object": inner}
    body = json.dumps({"source": "aws.s3", "detail-type": "Object Created", "detail": detail})
    return {"eventSource": "aws:sqs", "messageId": message_id, "body": body}


def sent_objects(call: dict[str, Any]) -> list[dict[str, Any]]:
    return json.loads(call["overrides"]["containerOverrides"][0]["command"][2])


def failures(answer: dict[str, Any]) -> list[str]:
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_one_upload_is_one_task(event: Event, ecs: Stubber, calls: Calls, plenty_of_time: SimpleNamespace) -> None:
    ecs.add_response("run_task", TASK)
    assert handler.lambda_handler(event("s3_put"), plenty_of_time) == {"batchItemFailures": []}
    (call,) = calls
    token = call.pop("clientToken")
    assert len(token) == 64
    assert call == {
        "cluster": "arn:aws:ecs:eu-west-1:123456789012:cluster/landfall",
        "taskDefinition": "arn:aws:ecs:eu-west-1:123456789012:task-definition/landfall-load:7",
        "capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1}],
        "networkConfiguration": {
            "awsvpcConfiguration": {
                "subnets": ["subnet-a", "subnet-b", "subnet-c"],
                "securityGroups": ["sg-task"],
                "assignPublicIp": "DISABLED",
            }
        },
        "overrides": {
            "cpu": "1024",
            "memory": "4096",
            "ephemeralStorage": {"sizeInGiB": 30},
            "containerOverrides": [
                {
                    "name": "landfall",
                    "command": [
                        "load",
                        "--objects-json",
                        '[{"bucket":"landfall-landing-123456789012","key":"orders/orders 2026-11-20(1).csv",'
                        '"versionId":"096fKKXTRTtl3on89fVO.nfljtsv6qko","etag":"d41d8cd98f00b204e9800998ecf8427e",'
                        '"size":1048,"sequencer":"0055AED6DCD90281E5"}]',
                    ],
                    "environment": [{"name": "LANDFALL_ATTEMPT", "value": "1"}],
                }
            ],
        },
        "startedBy": f"landfall/{token[:32]}",
    }


def test_small_uploads_share_a_task(ecs: Stubber, calls: Calls) -> None:
    ecs.add_response("run_task", TASK)
    handler.lambda_handler(sqs(*(upload(f"orders/{n}.csv") for n in range(10))), None)
    assert [item["key"] for item in sent_objects(calls[0])] == [f"orders/{n}.csv" for n in range(10)]


def test_the_same_event_twice_in_a_batch_is_one_object(ecs: Stubber, calls: Calls) -> None:
    ecs.add_response("run_task", TASK)
    handler.lambda_handler(sqs(upload(), upload()), None)
    assert sent_objects(calls[0]) == [upload()]


def test_the_same_large_upload_twice_in_a_batch_is_one_task(ecs: Stubber, calls: Calls) -> None:
    ecs.add_response("run_task", TASK)
    handler.lambda_handler(sqs(upload(size=2**40), upload(size=2**40)), None)
    assert len(calls) == 1


def test_two_versions_of_a_key_are_two_objects(ecs: Stubber, calls: Calls) -> None:
    ecs.add_response("run_task", TASK)
    handler.lambda_handler(sqs(upload(version="v1"), upload(version="v2")), None)
    assert [item["versionId"] for item in sent_objects(calls[0])] == ["v1", "v2"]


def test_a_large_upload_gets_its_own_task_of_the_right_size(ecs: Stubber, calls: Calls) -> None:
    for _ in range(3):
        ecs.add_response("run_task", TASK)
    handler.lambda_handler(sqs(upload("a.csv"), upload("big.csv", 2**30), upload("b.csv")), None)
    assert [[item["key"] for item in sent_objects(call)] for call in calls] == [["a.csv"], ["big.csv"], ["b.csv"]]
    assert [call["overrides"]["memory"] for call in calls] == ["4096", "8192", "4096"]


@pytest.mark.parametrize(
    ("key", "size", "memory"),
    [
        ("a.csv", 0, 4096),
        ("a.csv", 256 * 2**20, 4096),
        ("a.csv", 256 * 2**20 + 1, 8192),
        ("a.CSV.GZ", 256 * 2**20, 8192),  # eight times that once unpacked
        ("a.parquet", 2**30, 16384),
        ("a.csv", 2**40, 16384),  # larger than the largest size: tried there
        ("a.csv", None, 4096),
    ],
)
def test_sizes_follow_bytes_once_decompressed(key: str, size: int, memory: int) -> None:
    assert handler.size_for([upload(key, size)]).memory == memory


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(min_size=1, max_size=200).filter(lambda key: not key.endswith("/")), min_size=1, max_size=60))
def test_no_task_exceeds_the_overrides_limit_and_no_upload_is_lost(keys: list[str]) -> None:
    uploads = [(f"m{n}", upload(key, version=f"v{n}")) for n, key in enumerate(keys)]
    planned = list(handler.tasks(uploads))
    for objects, _ in planned:
        assert len(json.dumps(handler.overrides(objects, 3, handler.sizes()[-1]))) <= 8192
    assert [item for objects, _ in planned for item in objects] == [item for _, item in uploads]
    assert set.union(*(ids for _, ids in planned)) == {message_id for message_id, _ in uploads}


def test_the_overrides_limit_is_kept_to_the_character() -> None:
    filler = [(f"m{n}", upload("k" * 160, version=f"v{n}")) for n in range(27)]
    lengths = []
    for length in range(1, 1024):
        objects, _ = next(handler.tasks([*filler, ("last", upload("k" * length))]))
        lengths.append(len(json.dumps(handler.overrides(objects, 1, handler.sizes()[-1]))))
    assert max(lengths) == 8192


def test_keys_are_sent_as_they_are_and_escaped_only_once() -> None:
    command = handler.overrides([upload("水.csv")], 1, handler.sizes()[0])["containerOverrides"][0]["command"]
    assert '"key":"水.csv"' in command[2]


@pytest.mark.parametrize("character", ["a", '"', "é", "水", "🌊", "\\"])
def test_the_longest_possible_key_fits(character: str) -> None:
    longest = upload(character * (1024 // len(character.encode())), version="v" * 32)
    assert len(json.dumps(handler.overrides([longest], 1, handler.sizes()[-1]))) <= 8192


def test_tasks_are_packed_tightly() -> None:
    uploads = [(f"m{n}", upload(f"orders/2026/11/{n:04}.csv")) for n in range(1000)]
    planned = list(handler.tasks(uploads))
    assert all(len(objects) > 40 for objects, _ in planned[:-1])


def test_failures_come_with_http_200_and_send_the_message_back(ecs: Stubber) -> None:
    ecs.add_response("run_task", NO_ROOM)
    assert failures(handler.lambda_handler(sqs(upload()), None)) == ["m0"]


def test_an_answer_without_tasks_is_a_failure(ecs: Stubber) -> None:
    ecs.add_response("run_task", {"tasks": [], "failures": []})
    with pytest.raises(handler.LaunchError, match="no task and no reason"):
        handler.launch([upload()], 1, handler.sizes()[0], None)


def test_only_the_failed_messages_come_back(ecs: Stubber) -> None:
    ecs.add_response("run_task", TASK)
    ecs.add_client_error("run_task", "ThrottlingException", "Rate exceeded", 400)
    ecs.add_response("run_task", TASK)
    batch = sqs(upload("a.csv"), upload("big.csv", 2**30), upload("b.csv"))
    batch["Records"].append({"eventSource": "aws:sqs", "messageId": "poison", "body": "{not json"})
    assert failures(handler.lambda_handler(batch, None)) == ["m1", "poison"]
    ecs.assert_no_pending_responses()


def test_every_message_of_a_failed_task_comes_back(ecs: Stubber) -> None:
    ecs.add_response("run_task", NO_ROOM)
    assert failures(handler.lambda_handler(sqs(upload("a.csv"), upload("b.csv"), upload("a.csv")), None)) == [
        "m0",
        "m1",
        "m2",
    ]


def test_without_sqs_a_failure_is_raised_for_the_caller_to_retry(event: Event, ecs: Stubber) -> None:
    ecs.add_response("run_task", NO_ROOM)
    with pytest.raises(handler.LaunchError, match="must try again"):
        handler.lambda_handler(event("s3_put"), None)


def test_a_retry_of_a_launch_has_the_same_token_and_the_same_parameters(ecs: Stubber, calls: Calls) -> None:
    for _ in range(2):
        ecs.add_response("run_task", TASK)
        handler.lambda_handler(sqs(upload()), None)
    assert calls[0] == calls[1]


def test_tokens_differ_by_object_attempt_and_capacity(ecs: Stubber, calls: Calls) -> None:
    size = handler.sizes()[0]
    launches = [(upload(), 1, "FARGATE"), (upload(version="v2"), 1, "FARGATE"), (upload(), 2, "FARGATE")]
    for item, attempt, provider in [*launches, (upload(), 1, "FARGATE_SPOT")]:
        ecs.add_response("run_task", TASK)
        handler.run_task([item], attempt, size, provider)
    assert len({call["clientToken"] for call in calls}) == 4


def test_without_spot_room_the_task_runs_on_demand(ecs: Stubber, calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAPACITY_PROVIDERS", "FARGATE_SPOT,FARGATE")
    ecs.add_response("run_task", NO_ROOM)
    ecs.add_response("run_task", TASK)
    assert failures(handler.lambda_handler(sqs(upload()), None)) == []
    assert [call["capacityProviderStrategy"][0]["capacityProvider"] for call in calls] == ["FARGATE_SPOT", "FARGATE"]
    assert calls[0]["clientToken"] != calls[1]["clientToken"]


def test_capacity_named_in_an_exception_falls_back_too(
    ecs: Stubber, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAPACITY_PROVIDERS", "FARGATE_SPOT,FARGATE")
    ecs.add_client_error("run_task", "ClientException", "Capacity is unavailable at this time.")
    ecs.add_response("run_task", TASK)
    assert failures(handler.lambda_handler(sqs(upload()), None)) == []


def test_throttling_does_not_change_the_capacity_provider(
    ecs: Stubber, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an unclear answer the task may exist: only the same call with the same token is safe."""
    monkeypatch.setenv("CAPACITY_PROVIDERS", "FARGATE_SPOT,FARGATE")
    ecs.add_client_error("run_task", "ThrottlingException", "Rate exceeded", 400)
    with pytest.raises(ClientError):
        handler.launch([upload()], 1, handler.sizes()[0], None)
    assert len(calls) == 1


def test_a_token_used_before_a_deploy_means_the_task_exists(ecs: Stubber) -> None:
    ecs.add_client_error("run_task", "ConflictException", "token in use", modeled_fields={"resourceIds": ["arn:x"]})
    assert failures(handler.lambda_handler(sqs(upload()), None)) == []


def test_with_no_time_left_messages_go_back_instead_of_being_cut_off(ecs: Stubber, calls: Calls) -> None:
    late = SimpleNamespace(get_remaining_time_in_millis=lambda: 29_999)
    assert failures(handler.lambda_handler(sqs(upload()), late)) == ["m0"]
    assert calls == []


def test_a_burst_of_1000_events_against_a_throttled_ecs_loses_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of three RunTask calls are throttled; SQS delivers what failed again until nothing is left."""
    started: list[dict[str, Any]] = []
    answers = 0

    def throttled(params: dict[str, Any], **_: Any) -> tuple[SimpleNamespace, dict[str, Any]]:
        nonlocal answers
        answers += 1
        if answers % 3:
            error = {"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}
            return SimpleNamespace(status_code=400), error
        overrides = json.loads(params["body"])["overrides"]
        started.extend(json.loads(overrides["containerOverrides"][0]["command"][2]))
        return SimpleNamespace(status_code=200), TASK

    handler.ecs().meta.events.register("before-call.ecs.RunTask", throttled)
    queue = [sqs_record(f"m{n}", upload(f"burst/{n}.csv", size=n * 2**20)) for n in range(1000)]
    deliveries = 0
    while queue and deliveries < 1000:
        batch, queue = queue[:50], queue[50:]
        again = set(failures(handler.lambda_handler({"Records": batch}, None)))
        queue += [record for record in batch if record["messageId"] in again]
        deliveries += 1
    assert not queue
    assert sorted(item["key"] for item in started) == sorted(f"burst/{n}.csv" for n in range(1000))


def test_sizes_come_from_the_environment() -> None:
    assert [size._asdict() for size in handler.sizes()] == SIZES
