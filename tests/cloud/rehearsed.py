"""A deployed stack as the rehearsal's tests use it: files go up, tasks are held and stopped, and all leave traces."""

from __future__ import annotations

import datetime as dt
import json
import re
import sys
import time
from collections.abc import Mapping
from typing import Any

from rehearse.site import Site, run
from rehearse.stack import Stack, wait_until

HELD = "sales.orders"


class Rehearsal:
    """A deployed stack, and what was uploaded to it when."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.site, self.begun = stack, stack.site, time.monotonic()
        self.uploads: dict[str, dt.datetime] = {}
        self.live: list[list[str]] = []  # connections of tasks that were seen at work

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self.begun:7.1f} s  {text}", file=sys.stderr, flush=True)

    # ---- Uploads

    def upload(self, files: Mapping[str, bytes]) -> dict[str, str]:
        """Put objects into the landing bucket, all at once; their versions."""
        versions = {}
        for key, content in files.items():
            versions[key] = self.stack.upload(key, content)
            self.uploads[key] = dt.datetime.now(dt.UTC)
        return versions

    def upload_alone(self, files: Mapping[str, bytes]) -> dict[str, str]:
        """As `upload`, and wait for their task: what is uploaded after it cannot share that task."""
        versions = self.upload(files)
        self.wait(lambda: all(self.stack.tasks_of(key) for key in files), 60, f"a task for {', '.join(files)[:200]}")
        return versions

    def announce_again(self, key: str, **changed: Any) -> None:
        """Send the event of an upload once more, made from the copy that its task carries."""
        command = self.stack.tasks_of(key)[0]["overrides"]["containerOverrides"][0]["command"]
        (item,) = [item for item in json.loads(command[2]) if item["key"] == key]
        item |= changed
        told: dict[str, Any] = {name: item[name] for name in ("key", "size", "versionId", "sequencer")}
        s3 = {"bucket": {"name": item["bucket"]}, "object": told | {"eTag": item["etag"]}}
        self.send(json.dumps({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": s3}]}))

    def send(self, message: str) -> None:
        """A message to the queue in which uploads are announced."""
        self.site.client("sqs").send_message(QueueUrl=self.stack.outputs["queue_url"], MessageBody=message)

    # ---- Loads that are held just before they publish

    def hold(self) -> int:
        """Lock the target from a session of its own, as a long report would; that session's process id."""
        hour = f"BEGIN; LOCK TABLE {HELD} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(3600) /* holds */"
        run("docker", "exec", "--detach", self.site.name, "psql", "-XU", "postgres", "-d", "landfall", "-c", hour)
        query = (
            f"SELECT pid FROM pg_locks WHERE granted AND relation = '{HELD}'::regclass AND mode = 'AccessExclusiveLock'"
        )
        self.wait(lambda: bool(self.site.sql(query)), 20, "the lock")
        return int(self.site.sql(query)[0][0])

    def release(self, holder: int) -> None:
        self.site.sql(f"SELECT pg_terminate_backend({holder})")

    def publishes(self, key: str) -> bool:
        """Whether the first task of `key` has come to its last step, at which the held table stops it."""
        tasks = self.stack.tasks_of(key)
        return bool(tasks) and '"stage": "publish"' in run("docker", "logs", container(tasks[0]), check=False).stderr

    def kill(self, key: str) -> None:
        """SIGKILL to the container that loads `key`, as the kernel does when memory runs out."""
        (task,) = self.stack.tasks_of(key)
        run("docker", "kill", "--signal", "KILL", container(task))

    def interrupt(self, key: str) -> None:
        """What ECS does when Spot capacity is taken back: SIGTERM."""
        (task,) = self.stack.tasks_of(key)
        reason = "Your Spot Task was interrupted."
        self.site.client("ecs").stop_task(cluster=task["clusterArn"], task=task["taskArn"], reason=reason)

    def has_stopped(self, key: str) -> bool:
        """Whether the first task of `key` has come to its end."""
        return str(self.stack.tasks_of(key)[0]["lastStatus"]) == "STOPPED"

    # ---- Traces

    def wait(self, true: Any, seconds: float, what: str) -> None:
        wait_until(true, seconds, what, self.stack.story)

    def count(self, query: str) -> int:
        return int(self.site.sql(query)[0][0])

    def orders(self, first: int, last: int) -> int:
        """Rows of orders numbered from `first` to `last`."""
        return self.count(f"SELECT count(*) FROM sales.orders WHERE order_no BETWEEN 'ORD-{first}' AND 'ORD-{last}'")

    def exit_codes(self, key: str) -> list[int]:
        """Of each task for `key`, in the order of their starts."""
        return [task["containers"][0]["exitCode"] for task in self.stack.tasks_of(key)]

    def connections(self) -> list[list[str]]:
        """Sessions of tasks that are open now: application, whether encrypted, version of TLS."""
        live = "SELECT application_name, ssl, version FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'landfall'"
        return self.site.sql(live)

    def logins(self) -> list[str]:
        """What the server logged of each session that came by network since its start."""
        done = run("docker", "logs", self.site.name)
        lines = (done.stdout + done.stderr).splitlines()
        return [line for line in lines if re.search(r"connection authorized: user=(?!postgres )", line)]

    def lake(self, load: Mapping[str, Any], name: str) -> bytes:
        """One of the files that a load left in the lake bucket."""
        s3, bucket = self.site.client("s3"), self.stack.outputs["lake_bucket"]
        keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]]
        (key,) = [key for key in keys if key.endswith(f"{load['load_id']}/{name}")]
        content: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return content

    def subscribe(self) -> None:
        """A queue in the place of the person who reads the notices."""
        sqs, outputs = self.site.client("sqs"), self.stack.outputs
        outputs["notices_queue"] = sqs.create_queue(QueueName="reader")["QueueUrl"]
        names = {"QueueUrl": outputs["notices_queue"], "AttributeNames": ["QueueArn"]}
        arn = sqs.get_queue_attributes(**names)["Attributes"]["QueueArn"]
        self.site.client("sns").subscribe(TopicArn=outputs["topic_arn"], Protocol="sqs", Endpoint=arn)

    def notices(self) -> list[str]:
        """What the topic told its subscriber since the last look."""
        return [json.loads(body)["Message"] for body in self.taken(self.stack.outputs["notices_queue"])]

    def taken(self, queue: str) -> list[str]:
        """Take all messages out of a queue; their bodies."""
        sqs, found = self.site.client("sqs"), []
        while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            found += [str(message["Body"]) for message in messages]
            for message in messages:
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return found


def container(task: Mapping[str, Any]) -> str:
    """The name that the local AWS gives a task's container."""
    return "ecs-" + str(task["taskArn"]).rsplit("/", 1)[-1]


def deployed(site: Site, image: str) -> Rehearsal:
    """The stack on a fresh site, deployed by deploy.sh, with a reader of its notices."""
    rehearsal = Rehearsal(Stack(site, site.work / "project", image))
    site.up()
    rehearsal.say(f"PostgreSQL and a local AWS are up: {site.endpoint}; terraform/deploy.sh ...")
    rehearsal.stack.deploy()
    rehearsal.say("deployed, database prepared by its own task")
    rehearsal.subscribe()
    return rehearsal
