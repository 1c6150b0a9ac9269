"""The real stack on a site: deployed by deploy.sh, planned again, used, taken down by destroy.sh."""

from __future__ import annotations

import json
import shutil
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rehearse.site import ROOT, Site, run

SETTINGS = {
    "TF_VAR_demo": "true",
    "TF_VAR_db_sslmode": "require",  # the certificate is self-signed
    "TF_VAR_launch_tries": "2",  # instead of 50: the dead-letter queue is to be seen
    "TF_VAR_monthly_budget_usd": "0",  # moto has no subscribers of budgets
    "TF_IN_AUTOMATION": "1",
    "LANDFALL_AUTO_APPROVE": "1",
}
ENDED = "status <> 'running'"


@dataclass
class Stack:
    """A copy of the project's stack in `folder`, for one image (the id of a local one)."""

    site: Site
    folder: Path
    image: str

    def deploy(self) -> None:
        """terraform/deploy.sh, everything but build and push. The role of the master secret is made in its midst."""
        for part in ("terraform", "trigger_lambda", "samples/contracts"):
            leave_out = shutil.ignore_patterns(".terraform*", "*.tfstate*", "tfplan", "__pycache__", "*_override.tf")
            shutil.copytree(ROOT / part, self.folder / part, ignore=leave_out)
        self.script("deploy.sh", LANDFALL_SKIP_BOOTSTRAP="1")
        self.make_master_user()
        self.script("deploy.sh", "bootstrap")
        # On RDS the master user grants rds_iam without being a member of it, which PostgreSQL itself lets nobody do.
        self.site.sql("CREATE ROLE rds_iam; GRANT rds_iam TO landfall", database="postgres")
        self.script("deploy.sh", "bootstrap")  # as each later deploy does: the master's password must still work

    def make_master_user(self) -> None:
        """What RDS does when it makes a cluster: its master user, no superuser, and the database."""
        secret = self.site.client("secretsmanager").get_secret_value(SecretId=self.outputs["master_secret_arn"])
        login = json.loads(secret["SecretString"])
        self.site.sql(
            f"CREATE ROLE {login['username']} LOGIN CREATEROLE CREATEDB PASSWORD '{login['password']}';"
            f"CREATE DATABASE landfall OWNER {login['username']}",
            database="postgres",
        )

    def plan(self) -> tuple[int, str]:
        """A second plan's exit code (0: no change, 2: changes) and text."""
        command = (
            "terraform",
            f"-chdir={self.folder / 'terraform'}",
            "plan",
            "-input=false",
            "-no-color",
            "-detailed-exitcode",
        )
        done = run(*command, "-var", f"image={self.image}", check=False, env=self.environment())
        return done.returncode, done.stdout + done.stderr

    def destroy(self) -> str:
        """Empty the buckets (moto's listing of versions confuses Terraform with some keys), then destroy.sh."""
        for bucket in ("landing_bucket", "lake_bucket"):
            self.empty(self.outputs[bucket])
        return self.script("destroy.sh")

    def empty(self, bucket: str) -> None:
        s3 = self.site.client("s3")
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for version in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])

    def script(self, name: str, *arguments: str, **settings: str) -> str:
        """One of the stack's scripts; its output goes to a log of its own and is returned."""
        done = run(self.folder / "terraform" / name, *arguments, check=False, env=self.environment() | settings)
        text = done.stdout + done.stderr
        (self.site.work / f"{name}.log").write_text(text)
        if done.returncode:
            raise RuntimeError(f"terraform/{name}: exit code {done.returncode}\n{text[-4000:]}")
        return text

    def environment(self) -> dict[str, str]:
        """TF_PLUGIN_DIR, where set, comes through from outside."""
        own = {
            "LANDFALL_IMAGE": self.image,
            "TF_VAR_image": self.image,
            "TF_VAR_lambda_zip": str(self.folder / "build" / "trigger.zip"),  # as deploy.sh names it
        }
        return self.site.environment() | SETTINGS | own

    @cached_property
    def outputs(self) -> dict[str, Any]:
        """The stack's outputs: what a person would use next, too."""
        text = run("terraform", f"-chdir={self.folder / 'terraform'}", "output", "-json", env=self.environment()).stdout
        return {name: output["value"] for name, output in json.loads(text).items()}

    def upload(self, key: str, content: bytes) -> Any:
        """Put an object into the landing bucket; its version."""
        return self.site.client("s3").put_object(Bucket=self.outputs["landing_bucket"], Key=key, Body=content)[
            "VersionId"
        ]

    def loads(self, key: str) -> list[dict[str, Any]]:
        """The ledger's rows of an object that have ended, oldest first."""
        return self.loads_by_key().get(key, [])

    def loads_by_key(self) -> dict[str, list[dict[str, Any]]]:
        """As `loads`, for every object in one query."""
        rows = self.site.sql(f"SELECT to_jsonb(l) FROM landfall.load l WHERE {ENDED} ORDER BY started_at")
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in rows:
            load = json.loads("|".join(row))
            found[load["key"]].append(load)
        return found

    def tasks(self) -> list[dict[str, Any]]:
        """All tasks so far, as ECS describes them."""
        ecs, cluster = self.site.client("ecs"), self.outputs["cluster"]
        arns = {arn for status in ("RUNNING", "STOPPED") for arn in list_tasks(ecs, cluster, status)}
        ordered = sorted(arns)
        batches = [ordered[start : start + 100] for start in range(0, len(ordered), 100)]
        return [task for batch in batches for task in ecs.describe_tasks(cluster=cluster, tasks=batch)["tasks"]]

    def tasks_of(self, key: str) -> list[dict[str, Any]]:
        """The tasks that were to load an object, in the order of their starts."""
        return self.tasks_by_key().get(key, [])

    def tasks_by_key(self) -> dict[str, list[dict[str, Any]]]:
        """As `tasks_of`, for every object; a task that several share is named at each."""
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for task in sorted(self.tasks(), key=lambda task: task["createdAt"]):
            for key in set(keys_of(task)):
                found[key].append(task)
        return found

    def idle(self, seconds: float = 90) -> None:
        """Wait until no message is left and no task runs: everything that was to happen has happened."""
        wait_until(self.is_idle, seconds, "an empty queue and no running task", self.story)

    def is_idle(self) -> bool:
        stopped = all(task["lastStatus"] == "STOPPED" for task in self.tasks())
        return stopped and not any(self.waiting(self.outputs["queue_url"])) and self.is_quiet()

    def is_quiet(self) -> bool:
        """No attempt just ended whose event has not yet arrived in the queue: still so a moment later."""
        time.sleep(0.5)
        return not any(self.waiting(self.outputs["queue_url"]))

    def waiting(self, queue: str) -> tuple[int, int]:
        """Messages in a queue: visible, and taken but not deleted."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        values = self.site.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
        return int(values[names[0]]), int(values[names[1]])

    def story(self) -> str:
        """What to read when something does not happen: the end of the local AWS's log and of the tasks' logs."""
        return (self.site.work / "server.log").read_text()[-3000:] + "\n" + "\n".join(self.task_log()[-40:])

    def task_log(self) -> list[str]:
        """Every line that tasks wrote."""
        logs, group = self.site.client("logs"), f"/{self.outputs['cluster']}/load"
        events = logs.filter_log_events(logGroupName=group, limit=1000)["events"]
        return [event["message"] for event in events]


def list_tasks(ecs: Any, cluster: str, status: str) -> list[str]:
    pages = ecs.get_paginator("list_tasks").paginate(cluster=cluster, desiredStatus=status)
    return [arn for page in pages for arn in page["taskArns"]]


def keys_of(task: dict[str, Any]) -> list[str]:
    """The keys of the objects that a task was to load; none for the bootstrap."""
    container: dict[str, Any] = next(iter((task.get("overrides") or {}).get("containerOverrides") or []), {})
    command = container.get("command") or []
    return [item["key"] for item in json.loads(command[2])] if command[:2] == ["load", "--objects-json"] else []


def wait_until(true: Callable[[], bool], seconds: float, what: str, story: Callable[[], str]) -> None:
    """Look twice a second. Raises TimeoutError with the story so far."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}\n{story()}")
        time.sleep(0.5)


def image_id(image: str) -> str:
    """The id of a local image: what the stack takes instead of a digest in ECR."""
    return run("docker", "image", "inspect", "-f", "{{.Id}}", image).stdout.strip()
