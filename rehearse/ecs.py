"""ECS whose tasks really run. Stock moto keeps a task as a record that always ends with exit code 0.

`install` replaces RunTask and StopTask: the task definition's own image runs in Docker, the task's status follows the
container, and its true exit code, stop code and log go where ECS would put them.
"""

from __future__ import annotations

import datetime as dt
import sys
import threading
import time
import traceback
from functools import cache
from typing import Any

import docker
from docker.errors import ImageNotFound
from moto.ecs import models, responses
from moto.events.models import events_backends
from moto.moto_api import state_manager

from rehearse.task_container import aws, docker_arguments, essential

_runs: dict[str, TaskRun] = {}
_answers: dict[str, Any] = {}  # by clientToken
_moto_run_task = models.EC2ContainerServiceBackend.run_task
_moto_answer = responses.EC2ContainerServiceResponse.run_task


def install() -> None:
    """Patch moto."""
    # moto advances a task's status each time somebody looks; here only its container does.
    state_manager.set_transition("ecs::task", {"progression": "manual", "times": 10**9})
    models.EC2ContainerServiceBackend.run_task = run_task
    models.EC2ContainerServiceBackend.stop_task = stop_task
    responses.EC2ContainerServiceResponse.run_task = answer_once_per_token


@cache
def engine() -> docker.DockerClient:
    return docker.from_env()


def run_task(self: Any, cluster_str: str, task_definition_str: str, *rest: Any, **named: Any) -> list[Any]:
    """RunTask: moto checks and records, then each task gets a thread of its own."""
    definition = self.describe_task_definition(task_definition_str)
    tasks = _moto_run_task(self, cluster_str, task_definition_str, *rest, **named)
    for task in tasks:
        task.created_at, task.status = now(), "PROVISIONING"
        for container, described in zip(task.containers, definition.container_definitions, strict=False):
            container.name, container.image, container.task_arn = described["name"], described["image"], task.task_arn
            del container.exitCode  # moto claims 0 before anything ran
        _runs[task.id] = run = TaskRun(task, definition)
        threading.Thread(target=run.live, name=task.id, daemon=True).start()
    return list(tasks)


def answer_once_per_token(self: Any) -> Any:
    """clientToken: the same token means the same task. moto would start a second one."""
    token = self._get_param("clientToken")
    if token is None:
        return _moto_answer(self)
    if token not in _answers:
        _answers[token] = _moto_answer(self)
    return _answers[token]


def stop_task(self: Any, cluster_str: str, task_str: str, reason: str) -> Any:
    """StopTask: SIGTERM, then after the container's stopTimeout SIGKILL."""
    run = _runs[task_str.split("/")[-1]]
    run.task.desired_status = "STOPPED"
    run.stop(reason or "Task stopped by user")
    return run.task


class TaskRun:
    """One task from PROVISIONING to STOPPED."""

    def __init__(self, task: Any, definition: Any) -> None:
        self.task, self.definition = task, definition
        self.container: Any = None
        self.stop_reason: str | None = None

    def live(self) -> None:
        """Start, wait, report. Whatever goes wrong before the container runs is what ECS calls TaskFailedToStart."""
        try:
            self.become("PENDING")
            self.container = engine().containers.run(**docker_arguments(self.task, self.definition))
            self.task.started_at = now()
            self.become("RUNNING")
            self.end(self.container.wait()["StatusCode"])
        except ImageNotFound as error:
            self.stopped("TaskFailedToStart", f"CannotPullContainerError: {error}")
        except Exception as error:  # noqa: BLE001 - a thread's last word: the task must not stay RUNNING for ever
            traceback.print_exc()
            self.stopped("TaskFailedToStart", f"ResourceInitializationError: {error!r}")

    def end(self, exit_code: int) -> None:
        """The container is done: keep its log, remove it, say how it ended."""
        self.keep_log()
        self.container.reload()
        out_of_memory = self.container.attrs["State"].get("OOMKilled")
        self.container.remove(v=True)
        for container in self.task.containers:
            container.exit_code = exit_code
        if self.stop_reason:
            self.stopped("SpotInterruption" if "Spot" in self.stop_reason else "UserInitiated", self.stop_reason)
        else:
            reason = "OutOfMemoryError: container killed" if out_of_memory else "Essential container in task exited"
            self.stopped("EssentialContainerExited", reason)

    def stop(self, reason: str) -> None:
        self.stop_reason = reason
        if self.container is None:
            return  # it starts in this moment; whoever stops it looks again
        timeout = int(essential(self.definition).get("stopTimeout") or 30)
        threading.Thread(target=lambda: self.container.stop(timeout=timeout), daemon=True).start()

    def stopped(self, code: str, reason: str) -> None:
        task = self.task
        task.stop_code, task.stopped_reason, task.desired_status, task.stopped_at = code, reason, "STOPPED", now()
        self.become("STOPPED")

    def become(self, status: str) -> None:
        """Set the status and tell EventBridge, which moto's ECS never does."""
        self.task.status = status
        for container in self.task.containers:
            container.last_status = status
        code = getattr(self.task, "stop_code", "")
        print("task", self.task.id, status, code, self.task.stopped_reason, file=sys.stderr, flush=True)
        for bus in events_backends[self.task._account_id][self.task.region_name].event_buses.values():
            for rule in bus.rules.values():
                rule.send_to_targets(self.event(status))

    def event(self, status: str) -> Any:
        """As ECS words it; fields that nobody here reads are left out."""
        task = self.task
        detail = {
            "clusterArn": task.cluster_arn, "taskArn": task.task_arn, "taskDefinitionArn": task.task_definition_arn,
            "lastStatus": status, "desiredStatus": task.desired_status, "startedBy": task.started_by,
            "stopCode": getattr(task, "stop_code", None), "stoppedReason": task.stopped_reason,
            "memory": self.definition.memory, "overrides": task.overrides,
            "containers": [described(container) for container in task.containers],
        }  # fmt: skip
        return {
            "version": "0", "id": task.id, "source": "aws.ecs", "detail-type": "ECS Task State Change",
            "account": task._account_id, "region": task.region_name, "resources": [task.task_arn],
            "time": time.time(), "ingestion-time": time.time(), "detail": detail,
        }  # fmt: skip

    def keep_log(self) -> None:
        """What the awslogs driver does, at the end and in one go."""
        container = essential(self.definition)
        options = container["logConfiguration"]["options"]
        names = {
            "logGroupName": options["awslogs-group"],
            "logStreamName": f"{options['awslogs-stream-prefix']}/{container['name']}/{self.task.id}",
        }
        lines = self.container.logs().decode(errors="replace").splitlines()
        events = [{"timestamp": int(time.time() * 1000), "message": line} for line in lines if line]
        logs = aws("logs", options["awslogs-region"])
        logs.create_log_stream(**names)
        for start in range(0, len(events), 1000):
            logs.put_log_events(**names, logEvents=events[start : start + 1000])


def described(container: Any) -> dict[str, Any]:
    """A container in an event: without exit code if it never ran."""
    ran = {"exitCode": container.exit_code} if hasattr(container, "exit_code") else {}
    return {"name": container.name, "lastStatus": container.last_status, **ran}


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
