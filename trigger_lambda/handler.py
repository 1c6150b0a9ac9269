"""Uploads become Fargate tasks; stopped tasks become another attempt, or a message to people.

    S3 ObjectCreated --+
    ECS task STOPPED --+--> SQS --> lambda_handler --> ecs:RunTask (or sns:Publish)

Nothing is remembered here. The ledger in the database makes loads exactly-once; `clientToken` only spares most of the
duplicate tasks. A message whose task did not start goes back to the queue, in the end to the dead-letter queue.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from trigger_lambda.events import SourceObject, StoppedTask, is_stopped_task, messages, source_objects, stopped_task

MAX_ATTEMPTS = 3
OVERRIDES_LIMIT = 8192  # characters of JSON that RunTask accepts as overrides, after the RunTask API reference
RETRY_EXIT_CODES = {75, 137, 143}  # transient; killed (out of memory, or too slow after SIGTERM); SIGTERM
EXIT_MEANING = {
    2: "usage: the task was started with a command it does not understand",
    64: "contract: the contract is invalid, or none describes this object",
    65: "refused: the reject budget or a rule of the dataset said no",
    66: "source: the object is missing, unreadable or corrupt",
    70: "a bug in the pipeline",
    75: "transient: the database or S3 stayed out of reach",
    137: "killed: probably out of memory",
    143: "interrupted",
}
# How much larger than the object its rows may be in memory and on disk: a rough guess, by name, for sizing only.
EXPANSION = {".gz": 8, ".bz2": 8, ".xz": 10, ".zst": 8, ".zip": 8, ".xlsx": 8, ".parquet": 4}


class Size(NamedTuple):
    """A Fargate size and the most bytes of (expanded) input it is meant for."""

    up_to_bytes: int
    cpu: int  # units; 1024 is one vCPU
    memory: int  # MiB
    disk: int  # GiB


class LaunchError(Exception):
    """No task was started: ECS said why, or no time is left. The message must be tried again."""


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Handle one event of any known shape; messages that failed are named, so that SQS delivers only those again."""
    failed: set[str] = set()
    uploads: list[tuple[str, SourceObject]] = []
    for message_id, text in messages(event):
        try:
            uploads += [(message_id, item) for item in receive(json.loads(text), context)]
        except Exception as error:  # noqa: BLE001 - one bad message must not take its batch with it
            failed.add(message_id)
            log("message_failed", error=repr(error), message=text[:500])
    for objects, message_ids in tasks(uploads):
        try:
            launch(objects, attempt=1, size=size_for(objects), context=context)
        except Exception as error:  # noqa: BLE001 - as above: the other tasks must still start
            failed |= message_ids
            log("launch_failed", error=repr(error), objects=objects)
    if "" in failed:
        raise LaunchError("this event did not come through SQS and failed (see the log): its caller must try again")
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in sorted(failed)]}


def receive(message: dict[str, Any], context: Any) -> list[SourceObject]:
    """The uploads in a message; a stopped task is dealt with at once and announces none."""
    if not is_stopped_task(message):
        return source_objects(message)
    task = stopped_task(message["detail"])
    if task is not None and task.exit_code != 0:
        after_failure(task, context)
    return []


def after_failure(task: StoppedTask, context: Any) -> None:
    """Try again what may succeed on another try, at most MAX_ATTEMPTS times in all; tell people about the rest."""
    if not may_succeed_later(task) or task.attempt >= MAX_ATTEMPTS:
        tell(task)
        return
    out_of_memory = task.exit_code == 137 and task.stop_code == "EssentialContainerExited"
    least = task.memory + 1 if out_of_memory else task.memory
    launch(task.objects, task.attempt + 1, size_for(task.objects, least), context)


def may_succeed_later(task: StoppedTask) -> bool:
    """A person's own stop is respected; a task without exit code never ran (Spot, no image, no host)."""
    return task.stop_code != "UserInitiated" and (task.exit_code is None or task.exit_code in RETRY_EXIT_CODES)


def tasks(uploads: Iterable[tuple[str, SourceObject]]) -> Iterator[tuple[list[SourceObject], set[str]]]:
    """Group a batch into as few tasks as RunTask's limit allows; large objects get a task of their own.

    Yields the objects of a task and the ids of the messages that announced them. The same event twice counts once.
    """
    objects: list[SourceObject] = []
    message_ids: set[str] = set()
    for message_id, item in uploads:
        if objects and item not in objects and not fits([*objects, item]):
            yield objects, message_ids
            objects, message_ids = [], set()
        objects += [] if item in objects else [item]
        message_ids.add(message_id)
    if objects:
        yield objects, message_ids


def fits(objects: list[SourceObject]) -> bool:
    """Whether these objects may share a task: its overrides are short enough and the smallest size will do."""
    too_long = len(json.dumps(overrides(objects, 1, sizes()[-1]))) > OVERRIDES_LIMIT
    return not too_long and expanded_bytes(objects) <= sizes()[0].up_to_bytes


def launch(objects: list[SourceObject], attempt: int, size: Size, context: Any) -> None:
    """Start one task, on the first capacity provider that has room. Raises LaunchError or ClientError if none did."""
    if context is not None and context.get_remaining_time_in_millis() < 30_000:
        raise LaunchError("no time left in this invocation")
    reasons = []
    for provider in capacity_providers(attempt):
        failures = run_task(objects, attempt, size, provider)
        if not failures:
            return
        reasons.append(f"{provider}: {failures}")
    raise LaunchError("RunTask started nothing: " + "; ".join(reasons))


def run_task(objects: list[SourceObject], attempt: int, size: Size, provider: str) -> list[Any]:
    """Call RunTask once; returns its failures, which come with HTTP 200. An empty list means that the task exists."""
    identity = json.dumps([objects, attempt, provider], sort_keys=True)
    token = hashlib.sha256(identity.encode()).hexdigest()
    try:
        answer = ecs().run_task(
            cluster=os.environ["CLUSTER"],
            taskDefinition=os.environ["TASK_DEFINITION"],
            capacityProviderStrategy=[{"capacityProvider": provider, "weight": 1}],
            networkConfiguration={"awsvpcConfiguration": network()},
            overrides=overrides(objects, attempt, size),
            clientToken=token,
            startedBy=f"landfall/{token[:32]}",
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "ConflictException":  # launched before a deploy changed the task
            log("already_launched", objects=objects, attempt=attempt, tasks=error.response.get("resourceIds"))
            return []
        if "Capacity is unavailable" in str(error):
            return [str(error)]
        raise
    if answer.get("failures") or not answer.get("tasks"):
        return answer.get("failures") or ["no task and no reason"]
    task = answer["tasks"][0]["taskArn"]
    log("launched", task=task, attempt=attempt, provider=provider, memory=size.memory, objects=objects)
    return []


def overrides(objects: list[SourceObject], attempt: int, size: Size) -> dict[str, Any]:
    """What is special about this task. Two tries of one launch must agree on it: no time, no request id."""
    command = ["load", "--objects-json", json.dumps(objects, ensure_ascii=False, separators=(",", ":"))]
    environment = [{"name": "LANDFALL_ATTEMPT", "value": str(attempt)}]
    return {
        "cpu": str(size.cpu),
        "memory": str(size.memory),
        "ephemeralStorage": {"sizeInGiB": size.disk},
        "containerOverrides": [{"name": os.environ["CONTAINER"], "command": command, "environment": environment}],
    }


def size_for(objects: list[SourceObject], least_memory: int = 0) -> Size:
    """The smallest size for these objects with at least so much memory (MiB); the largest there is if none will do."""
    need = expanded_bytes(objects)
    fitting = (size for size in sizes() if size.up_to_bytes >= need and size.memory >= least_memory)
    return next(fitting, sizes()[-1])


def expanded_bytes(objects: list[SourceObject]) -> int:
    """Bytes of these objects once decompressed, roughly; an unknown size counts as nothing."""
    return sum((item["size"] or 0) * EXPANSION.get(PurePosixPath(item["key"]).suffix.lower(), 1) for item in objects)


def capacity_providers(attempt: int) -> list[str]:
    """In order of preference. A task that was interrupted once is not put on Spot again."""
    return os.environ["CAPACITY_PROVIDERS"].split(",") if attempt == 1 else ["FARGATE"]


def network() -> dict[str, Any]:
    subnets, groups = os.environ["SUBNETS"].split(","), os.environ["SECURITY_GROUPS"].split(",")
    return {"subnets": subnets, "securityGroups": groups, "assignPublicIp": "DISABLED"}


def tell(task: StoppedTask) -> None:
    """Publish that something was not loaded, why, and what to do next."""
    meaning = EXIT_MEANING.get(task.exit_code or 0, task.stop_code)
    container, task_id = os.environ["CONTAINER"], task.arn.rsplit("/", 1)[-1]
    lines = [
        f"A task gave up on attempt {task.attempt}: {meaning} (exit code {task.exit_code}). {task.reason}",
        "It was to load the objects below; the ledger says which of them it did load.",
        *(f"  s3://{item['bucket']}/{item['key']} version {item['versionId']}" for item in task.objects),
        "",
        "Why: select * from landfall.load, or the log of the task:",
        f"  aws logs tail {os.environ['LOG_GROUP']} --since 1d --log-stream-names {container}/{container}/{task_id}",
        "Then upload the object again: a new version is a new load. Nothing of an object that failed is in its table.",
    ]
    log("gave_up", task=task.arn, attempt=task.attempt, exit_code=task.exit_code, meaning=meaning, objects=task.objects)
    sns().publish(TopicArn=os.environ["TOPIC"], Subject=f"Landfall: not loaded, {meaning}", Message="\n".join(lines))


def log(event: str, **facts: Any) -> None:
    """One JSON line; the alarms count `gave_up`."""
    print(json.dumps({"event": event, **facts}, default=str))


@cache
def sizes() -> tuple[Size, ...]:
    """From the environment, smallest first: [{"up_to_bytes", "cpu", "memory", "disk"}, ...]."""
    return tuple(Size(**size) for size in json.loads(os.environ["TASK_SIZES"]))


@cache
def ecs() -> Any:
    # RunTask is throttled at 20 a second: adaptive retries slow down instead of failing, with the same clientToken.
    config = Config(retries={"mode": "adaptive", "max_attempts": 6}, connect_timeout=5, read_timeout=20)
    return boto3.client("ecs", config=config)


@cache
def sns() -> Any:
    return boto3.client("sns", config=Config(retries={"mode": "standard", "max_attempts": 5}))
