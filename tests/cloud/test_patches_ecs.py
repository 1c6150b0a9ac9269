"""The patches by which tasks really run: what ECS says of a task, without them and with them.

Without them a task is a record that ends with exit code 0 and never ran.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from rehearse.site import run
from tests.cloud.containers import engine_answers
from tests.cloud.local_aws import LocalAws, until

pytestmark = pytest.mark.skipif(not engine_answers(), reason="no Docker engine answers here")

IMAGE = os.environ.get("PYTHON_IMAGE", "python:3.11-slim-bookworm")
SLEEPS = "trap 'exit 75' TERM; echo ready; while :; do sleep 0.1; done"


def network(aws: LocalAws) -> dict[str, Any]:
    ec2 = aws.client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]
    groups = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [subnet["VpcId"]]}])["SecurityGroups"]
    return {"awsvpcConfiguration": {"subnets": [subnet["SubnetId"]], "securityGroups": [groups[0]["GroupId"]]}}


def start(aws: LocalAws, script: str, image: str = IMAGE, **options: Any) -> str:
    """A task that runs a shell script; its ARN."""
    ecs = aws.client("ecs")
    ecs.create_cluster(clusterName="one")
    logs = {"awslogs-group": "/one", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "one"}
    if not aws.client("logs").describe_log_groups(logGroupNamePrefix="/one")["logGroups"]:
        aws.client("logs").create_log_group(logGroupName="/one")
    container = {
        "name": "one", "image": image, "command": ["sh", "-c", script], "essential": True, "stopTimeout": 20, "memory": 256,
        "environment": [{"name": "FROM", "value": "definition"}, {"name": "KEPT", "value": "kept"}],
        "logConfiguration": {"logDriver": "awslogs", "options": logs},
    }  # fmt: skip
    definition = ecs.register_task_definition(
        family="one", cpu="256", memory="512", networkMode="awsvpc", requiresCompatibilities=["FARGATE"],
        containerDefinitions=[container],
    )["taskDefinition"]["taskDefinitionArn"]  # fmt: skip
    task = ecs.run_task(
        cluster="one", taskDefinition=definition, launchType="FARGATE", networkConfiguration=network(aws), **options
    )["tasks"][0]
    return str(task["taskArn"])


def described(aws: LocalAws, task: str) -> dict[str, Any]:
    return dict(aws.client("ecs").describe_tasks(cluster="one", tasks=[task])["tasks"][0])


def ended(aws: LocalAws, task: str) -> dict[str, Any]:
    """The task once it is STOPPED."""
    return dict(until(lambda: (now := described(aws, task))["lastStatus"] == "STOPPED" and now, "the task's end"))


def test_the_exit_code_is_the_containers(stock: LocalAws, patched: LocalAws) -> None:
    unreal = ended(stock, start(stock, "exit 7"))
    assert unreal["containers"][0]["exitCode"] == 0, "moto has changed: is the patch still needed?"
    real = ended(patched, start(patched, "exit 7"))
    assert real["containers"][0]["exitCode"] == 7
    assert (real["stopCode"], real["desiredStatus"]) == ("EssentialContainerExited", "STOPPED")
    assert real["createdAt"] <= real["startedAt"] <= real["stoppedAt"]


def test_a_task_that_runs_has_no_exit_code_yet(stock: LocalAws, patched: LocalAws) -> None:
    task = start(patched, SLEEPS)
    running = until(lambda: (now := described(patched, task))["lastStatus"] == "RUNNING" and now, "the task's start")
    assert "exitCode" not in running["containers"][0]
    assert described(patched, task)["lastStatus"] == "RUNNING", "looking at a task does not advance it"
    looked = [described(stock, task)["lastStatus"] for task in [start(stock, SLEEPS)] for _ in range(6)]
    assert looked[-1] == "STOPPED", "moto has changed: is the patch still needed?"
    patched.client("ecs").stop_task(cluster="one", task=task, reason="enough")
    assert ended(patched, task)["stopCode"] == "UserInitiated"


def test_stopping_is_sigterm_and_spot_is_told_apart(patched: LocalAws) -> None:
    task = start(patched, SLEEPS)
    container = "ecs-" + task.rsplit("/", 1)[-1]
    until(lambda: "ready" in run("docker", "logs", container, check=False).stdout, "the task at work")
    patched.client("ecs").stop_task(cluster="one", task=task, reason="Your Spot Task was interrupted.")
    stopped = ended(patched, task)
    assert (stopped["stopCode"], stopped["containers"][0]["exitCode"]) == ("SpotInterruption", 75)
    assert stopped["stoppedReason"] == "Your Spot Task was interrupted."


def test_one_client_token_means_one_task(stock: LocalAws, patched: LocalAws) -> None:
    token = {"clientToken": "a" * 64}
    assert len({start(stock, "exit 0", **token) for _ in range(2)}) == 2, "moto has changed: is the patch still needed?"
    assert len({start(patched, "exit 0", **token) for _ in range(2)}) == 1


def test_overrides_and_output_arrive(patched: LocalAws) -> None:
    override = {
        "name": "one",
        "command": ["sh", "-c", "echo $FROM $KEPT $AWS_REGION"],
        "environment": [{"name": "FROM", "value": "override"}],
    }
    task = start(patched, "exit 1", overrides={"containerOverrides": [override]})
    assert ended(patched, task)["containers"][0]["exitCode"] == 0
    stream = "one/one/" + task.rsplit("/", 1)[-1]
    events = patched.client("logs").get_log_events(logGroupName="/one", logStreamName=stream)["events"]
    assert [event["message"] for event in events] == ["override kept eu-west-1"]


def test_an_image_that_is_not_there_never_ran(patched: LocalAws) -> None:
    stopped = ended(patched, start(patched, "exit 0", image="localhost:1/nowhere:1"))
    assert stopped["stopCode"] == "TaskFailedToStart"
    assert "exitCode" not in stopped["containers"][0]


def told(aws: LocalAws, script: str) -> list[Any]:
    """(last status, exit code) of each event about a task that a rule hands to a queue."""
    sqs, events = aws.client("sqs"), aws.client("events")
    url = sqs.create_queue(QueueName="ends")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(
        Name="ends", EventPattern=json.dumps({"source": ["aws.ecs"], "detail": {"lastStatus": ["STOPPED"]}})
    )
    events.put_targets(Rule="ends", Targets=[{"Id": "queue", "Arn": arn}])
    task = start(aws, script)
    ended(aws, task)
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
    details = [json.loads(message["Body"])["detail"] for message in messages]
    return [
        (detail["lastStatus"], detail["containers"][0]["exitCode"]) for detail in details if detail["taskArn"] == task
    ]


def test_the_end_of_a_task_is_an_event(stock: LocalAws, patched: LocalAws) -> None:
    assert told(stock, "exit 3") == [], "moto has changed: is the patch still needed?"
    assert told(patched, "exit 3") == [("STOPPED", 3)]
