"""ECS never restarts a task of its own: what the trigger does when one stops, by exit code and stop code."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from trigger_lambda import handler

from .conftest import TASK

Event = Callable[[str], dict[str, Any]]
Calls = list[dict[str, Any]]


def stopped(event: Event, code: int | None, stop_code: str = "EssentialContainerExited", attempt: int = 1) -> Any:
    """The recorded STOPPED event with another end, in an SQS message."""
    message = event("ecs_stopped_no_start" if code is None else "ecs_stopped_exit_75")
    detail = message["detail"]
    detail["stopCode"] = stop_code
    if code is not None:
        detail["containers"][0]["exitCode"] = code
    detail["overrides"]["containerOverrides"][0]["environment"] = [{"name": "LANDFALL_ATTEMPT", "value": str(attempt)}]
    return {"Records": [{"eventSource": "aws:sqs", "messageId": "m0", "body": json.dumps(message)}]}


def attempt_of(call: dict[str, Any]) -> str:
    return call["overrides"]["containerOverrides"][0]["environment"][0]["value"]


def test_success_needs_nothing(event: Event, ecs: Stubber, sns: Stubber) -> None:
    assert handler.lambda_handler(stopped(event, 0), None) == {"batchItemFailures": []}


def test_success_in_the_grace_time_of_a_spot_interruption_needs_nothing(
    event: Event, ecs: Stubber, sns: Stubber
) -> None:
    assert handler.lambda_handler(stopped(event, 0, "SpotInterruption"), None) == {"batchItemFailures": []}


@pytest.mark.parametrize(
    ("code", "stop_code"),
    [
        (75, "EssentialContainerExited"),
        (137, "EssentialContainerExited"),
        (143, "EssentialContainerExited"),
        (143, "SpotInterruption"),
        (75, "SpotInterruption"),
        (137, "TerminationNotice"),
        (137, "InfrastructureHealth"),
        (None, "TaskFailedToStart"),
        (None, "SpotInterruption"),
    ],
)
def test_what_may_succeed_later_runs_again(
    event: Event, ecs: Stubber, calls: Calls, code: int | None, stop_code: str
) -> None:
    ecs.add_response("run_task", TASK)
    batch = stopped(event, code, stop_code, attempt=1)
    assert handler.lambda_handler(batch, None) == {"batchItemFailures": []}
    before = json.loads(batch["Records"][0]["body"])["detail"]["overrides"]["containerOverrides"][0]["command"]
    assert calls[0]["overrides"]["containerOverrides"][0]["command"] == before
    assert attempt_of(calls[0]) == "2"


@pytest.mark.parametrize("code", [2, 64, 65, 66, 70, 1])
def test_what_cannot_succeed_is_told_and_not_retried(event: Event, ecs: Stubber, sns: Stubber, code: int) -> None:
    sns.add_response("publish", {"MessageId": "1"}, {"TopicArn": ANY, "Subject": ANY, "Message": ANY})
    assert handler.lambda_handler(stopped(event, code), None) == {"batchItemFailures": []}
    sns.assert_no_pending_responses()


def test_a_person_who_stops_a_task_is_obeyed(event: Event, ecs: Stubber, sns: Stubber) -> None:
    sns.add_response("publish", {"MessageId": "1"})
    handler.lambda_handler(stopped(event, 143, "UserInitiated"), None)
    sns.assert_no_pending_responses()


@pytest.mark.parametrize(("attempt", "runs_again"), [(1, True), (2, True), (3, False)])
def test_three_attempts_and_no_more(
    event: Event, ecs: Stubber, sns: Stubber, calls: Calls, attempt: int, runs_again: bool
) -> None:
    if runs_again:
        ecs.add_response("run_task", TASK)
    else:
        sns.add_response("publish", {"MessageId": "1"})
    handler.lambda_handler(stopped(event, 75, attempt=attempt), None)
    assert [attempt_of(call) for call in calls] == ([str(attempt + 1)] if runs_again else [])
    sns.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("code", "stop_code", "memory"),
    [
        (137, "EssentialContainerExited", "8192"),  # out of memory: one size up
        (137, "SpotInterruption", "4096"),  # killed for being slow to stop: the size was right
        (75, "EssentialContainerExited", "4096"),
    ],
)
def test_only_an_out_of_memory_task_grows(
    event: Event, ecs: Stubber, calls: Calls, code: int, stop_code: str, memory: str
) -> None:
    ecs.add_response("run_task", TASK)
    handler.lambda_handler(stopped(event, code, stop_code), None)
    assert calls[0]["overrides"]["memory"] == memory


@pytest.mark.parametrize(("before", "after"), [("8192", "8192"), ("16384", "16384")])
def test_a_task_never_shrinks_between_attempts(
    event: Event, ecs: Stubber, calls: Calls, before: str, after: str
) -> None:
    ecs.add_response("run_task", TASK)
    batch = stopped(event, 75, attempt=2)
    message = json.loads(batch["Records"][0]["body"])
    message["detail"]["overrides"]["memory"] = before
    batch["Records"][0]["body"] = json.dumps(message)
    handler.lambda_handler(batch, None)
    assert calls[0]["overrides"]["memory"] == after


def test_a_second_attempt_is_not_put_on_spot(
    event: Event, ecs: Stubber, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAPACITY_PROVIDERS", "FARGATE_SPOT,FARGATE")
    ecs.add_response("run_task", TASK)
    handler.lambda_handler(event("ecs_stopped_spot"), None)
    assert calls[0]["capacityProviderStrategy"] == [{"capacityProvider": "FARGATE", "weight": 1}]


def test_the_same_stop_told_twice_asks_for_the_same_task(event: Event, ecs: Stubber, calls: Calls) -> None:
    for _ in range(2):
        ecs.add_response("run_task", TASK)
        handler.lambda_handler(stopped(event, 75), None)
    assert calls[0] == calls[1]


def test_a_redrive_that_cannot_start_comes_back(event: Event, ecs: Stubber) -> None:
    ecs.add_response("run_task", {"tasks": [], "failures": [{"reason": "RESOURCE:MEMORY"}]})
    answer = handler.lambda_handler(stopped(event, 75), None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}]}


def test_a_notice_that_cannot_be_sent_comes_back(event: Event, sns: Stubber) -> None:
    sns.add_client_error("publish", "InternalErrorException")
    answer = handler.lambda_handler(stopped(event, 65), None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}]}


def test_the_notice_says_what_where_and_what_next(event: Event, sns: Stubber) -> None:
    sent: list[dict[str, Any]] = []
    handler.sns().meta.events.register_first(
        "provide-client-params.sns.Publish", lambda params, **_: sent.append(dict(params))
    )
    sns.add_response("publish", {"MessageId": "1"})
    handler.lambda_handler(stopped(event, 65), None)
    (notice,) = sent
    assert notice["TopicArn"] == "arn:aws:sns:eu-west-1:123456789012:landfall"
    assert notice["Subject"] == "Landfall: not loaded, refused: the reject budget or a rule of the dataset said no"
    assert "s3://landfall-landing-123456789012/orders/orders 2026-11-20(1).csv version 096fKKXT" in notice["Message"]
    assert "aws logs tail /landfall/load" in notice["Message"]
    assert "landfall/landfall/0a1b2c3d4e5f60718293a4b5c6d7e8f9" in notice["Message"]
    assert "upload the object again" in notice["Message"]


def test_every_exit_code_has_a_subject_that_sns_accepts(event: Event) -> None:
    for meaning in handler.EXIT_MEANING.values():
        subject = f"Landfall: not loaded, {meaning}"
        assert len(subject) <= 100
        assert subject.isascii()
        assert subject.isprintable()


def test_a_running_task_is_no_news(event: Event) -> None:
    message = event("ecs_stopped_exit_75")
    message["detail"]["lastStatus"] = "RUNNING"
    with pytest.raises(handler.LaunchError):  # the rule lets only STOPPED through: anything else is a mistake to see
        handler.lambda_handler(message, None)
