"""The whole stack on this machine: deployed, used, watched and taken down, against a local AWS whose tasks really run.

The tests run in the order of this file on one stack, each with objects of its own. `make rehearse` shows what happens.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from rehearse import deliveries
from rehearse.site import Site, build_lambda_image, missing, run
from rehearse.stack import Stack, image_id, wait_until
from rehearse.timeline import timeline
from tests.cloud.containers import image_of

ASKED = os.environ.get("LANDFALL_REHEARSE")
LACKING = missing() if ASKED else "the rehearsal takes about ten minutes: make rehearse"
pytestmark = pytest.mark.skipif(LACKING is not None, reason=str(LACKING))

SAMPLE = "acme/orders/orders_2026-11-20.csv"
DUPLICATE = "web/events/dt=2026-11-21/twice.ndjson.gz"
CORRUPT = "web/events/dt=2026-11-22/broken-off.ndjson.gz"
REFUSED = "acme/orders/orders_mostly_wrong.csv"
KILLED = "acme/orders/orders_killed.csv"
INTERRUPTED = "acme/orders/orders_interrupted.csv"
AWKWARD = [
    "acme/orders/orders_with space.csv",
    "acme/orders/orders_a+b.csv",
    "acme/orders/orders_100%25 sure.csv",
    "acme/orders/orders_été_日本.csv",
    "acme/orders/orders_quote's&more;=@!.csv",
    "acme/orders/orders_" + "x" * 900 + ".csv",
]
BURST = [f"acme/orders/orders_burst_{number:02}.csv" for number in range(50)]


class Rehearsal:
    """A deployed stack, and what was uploaded to it when."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.site, self.begun = stack, stack.site, time.monotonic()
        self.uploads: dict[str, dt.datetime] = {}

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self.begun:7.1f} s  {text}", file=sys.stderr, flush=True)

    def upload(self, key: str, content: bytes) -> str:
        version: str = self.stack.upload(key, content)
        self.uploads.setdefault(key, dt.datetime.now(dt.UTC))
        return version

    def count(self, query: str) -> int:
        return int(self.site.sql(query)[0][0])

    def notices(self) -> list[str]:
        """What the topic told its subscriber since the last look."""
        sqs, queue, found = self.site.client("sqs"), self.stack.outputs["notices_queue"], []
        while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            found += [json.loads(message["Body"])["Message"] for message in messages]
            for message in messages:
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    def exit_codes(self, key: str) -> list[int]:
        return [task["containers"][0]["exitCode"] for task in self.stack.tasks_of(key)]

    def lake(self, load: dict[str, Any], name: str) -> bytes:
        """One of the files that a load left in the lake bucket."""
        s3, bucket = self.site.client("s3"), self.stack.outputs["lake_bucket"]
        keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]]
        (key,) = [key for key in keys if key.endswith(f"{load['load_id']}/{name}")]
        content: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return content


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """The stack, deployed by deploy.sh on a fresh site, which is removed at the end in any case."""
    build_lambda_image()
    site = Site(tmp_path_factory.mktemp("rehearsal"))
    ready = Rehearsal(Stack(site, site.work / "project", image_id(image_of("native"))))
    try:
        site.up()
        ready.say(f"PostgreSQL and a local AWS are up: {site.endpoint}; terraform/deploy.sh ...")
        ready.stack.deploy()
        ready.say("deployed, database prepared by its own task")
        subscribe(ready)
        yield ready
        if ready.uploads:
            ready.say("done")
    finally:
        site.down()


def subscribe(rehearsal: Rehearsal) -> None:
    """A queue in the place of the person who reads the notices."""
    sqs, outputs = rehearsal.site.client("sqs"), rehearsal.stack.outputs
    outputs["notices_queue"] = sqs.create_queue(QueueName="reader")["QueueUrl"]
    names = {"QueueUrl": outputs["notices_queue"], "AttributeNames": ["QueueArn"]}
    arn = sqs.get_queue_attributes(**names)["Attributes"]["QueueArn"]
    rehearsal.site.client("sns").subscribe(TopicArn=outputs["topic_arn"], Protocol="sqs", Endpoint=arn)


def test_a_second_plan_is_empty(rehearsal: Rehearsal) -> None:
    code, text = rehearsal.stack.plan()
    assert code == 0, text
    rehearsal.say("second plan: no changes")


def test_the_bootstrap_made_the_role_and_the_ledger(rehearsal: Rehearsal) -> None:
    owner = rehearsal.site.sql(
        "SELECT schemaowner FROM (SELECT nspowner::regrole AS schemaowner FROM pg_namespace WHERE nspname = 'landfall') s"
    )
    assert owner == [["landfall"]]
    grants = "SELECT rolsuper, rolpassword IS NULL, pg_has_role('landfall', 'rds_iam', 'MEMBER') FROM pg_authid WHERE rolname = 'landfall'"
    assert rehearsal.site.sql(grants) == [["f", "t", "t"]]


def test_the_samples_contracts_describe_the_landing_bucket(rehearsal: Rehearsal) -> None:
    outputs = rehearsal.stack.outputs
    ecs = rehearsal.site.client("ecs")
    definition = ecs.describe_task_definition(taskDefinition=outputs["load_task_definition"])["taskDefinition"]
    given = {entry["name"]: entry["value"] for entry in definition["containerDefinitions"][0]["environment"]}
    assert given.get("LANDING_BUCKET") == outputs["landing_bucket"]


def test_an_upload_becomes_rows(rehearsal: Rehearsal) -> None:
    version = rehearsal.upload(SAMPLE, deliveries.sample(SAMPLE))
    load = rehearsal.stack.load(SAMPLE)
    assert (load["status"], load["version"], load["key"]) == ("loaded", version, SAMPLE), load
    assert rehearsal.count("SELECT count(*) FROM sales.orders") == load["rows_inserted"] > 0
    counts = ("inserted", "updated", "unchanged", "duplicate", "filtered", "rejected")
    assert load["rows_read"] == sum(load[f"rows_{name}"] for name in counts)
    rehearsal.stack.idle()
    assert rehearsal.exit_codes(SAMPLE) == [0]
    receipt = json.loads(rehearsal.lake(load, "receipt.json"))
    assert receipt["rows"]["inserted"] == load["rows_inserted"]
    assert rehearsal.lake(load, "rejects.csv").count(b"\n") >= load["rows_rejected"] > 0
    rehearsal.say(f"{SAMPLE}: {load['rows_inserted']} rows, {load['rows_rejected']} rejects sent back")


def test_awkward_keys_arrive_as_they_are(rehearsal: Rehearsal) -> None:
    for number, key in enumerate(AWKWARD):
        rehearsal.upload(key, deliveries.orders(20000 + 10 * number, 2))
    statuses = {key: rehearsal.stack.load(key)["status"] for key in AWKWARD}
    assert statuses == dict.fromkeys(AWKWARD, "loaded")
    assert rehearsal.count("SELECT count(*) FROM sales.orders WHERE order_no LIKE 'ORD-200%'") == 2 * len(AWKWARD)
    rehearsal.say(f"{len(AWKWARD)} awkward keys loaded")


def test_the_same_event_twice_has_one_effect(rehearsal: Rehearsal) -> None:
    rehearsal.upload(DUPLICATE, deliveries.events(7))
    first = rehearsal.stack.load(DUPLICATE)
    rehearsal.stack.idle()
    announce_again(rehearsal, DUPLICATE)  # the same event: clientToken knows the task
    announce_again(rehearsal, DUPLICATE, sequencer=None)  # told otherwise: another task, which the ledger stops
    again = rehearsal.stack.load(DUPLICATE, number=2)
    rehearsal.stack.idle()
    assert [first["status"], again["status"]] == ["loaded", "already_loaded"]
    assert rehearsal.exit_codes(DUPLICATE) == [0, 0], "three events, two tasks"
    assert rehearsal.count("SELECT count(*) FROM web.event_items") == 7
    rehearsal.say("an event delivered three times: two tasks, one load")


def announce_again(rehearsal: Rehearsal, key: str, **changed: Any) -> None:
    """The event of an upload once more, from the copy that its task carries."""
    command = rehearsal.stack.tasks_of(key)[0]["overrides"]["containerOverrides"][0]["command"]
    (item,) = [item for item in json.loads(command[2]) if item["key"] == key]
    item |= changed
    s3 = {
        "bucket": {"name": item["bucket"]},
        "object": {name: item[name] for name in ("key", "size", "versionId", "sequencer")},
    }
    s3["object"]["eTag"] = item["etag"]
    event = {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": s3}]}
    queue = rehearsal.stack.outputs["queue_url"]
    rehearsal.site.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(event))


def test_a_burst_shares_tasks_and_loses_nothing(rehearsal: Rehearsal) -> None:
    for number, key in enumerate(BURST):
        rehearsal.upload(key, deliveries.orders(30000 + 10 * number, 3))
    wait_until(lambda: loaded(rehearsal, "burst") == len(BURST), 180, "the burst", rehearsal.stack.story)
    assert rehearsal.count("SELECT count(*) FROM sales.orders WHERE order_no LIKE 'ORD-30%'") == 3 * len(BURST)
    rehearsal.stack.idle()
    tasks = {task["taskArn"] for key in BURST for task in rehearsal.stack.tasks_of(key)}
    assert len(tasks) <= 10
    rehearsal.say(f"{len(BURST)} files at once: all loaded, by {len(tasks)} tasks")


def loaded(rehearsal: Rehearsal, part: str) -> int:
    return rehearsal.count(
        f"SELECT count(DISTINCT key) FROM landfall.load WHERE status = 'loaded' AND key LIKE '%{part}%'"
    )


def test_a_corrupt_file_fails_and_is_told(rehearsal: Rehearsal) -> None:
    before = rehearsal.count("SELECT count(*) FROM web.event_items")
    rehearsal.upload(CORRUPT, deliveries.corrupt(deliveries.events(500)))
    load = rehearsal.stack.load(CORRUPT)
    rehearsal.stack.idle()
    assert (load["status"], rehearsal.exit_codes(CORRUPT)) == ("failed", [66]), load
    assert rehearsal.count("SELECT count(*) FROM web.event_items") == before
    (notice,) = rehearsal.notices()
    assert CORRUPT in notice and "exit code 66" in notice
    rehearsal.say("corrupt file: exit code 66, not tried again, a notice")


def test_a_file_over_its_reject_budget_is_refused_and_told(rehearsal: Rehearsal) -> None:
    content = deliveries.orders(40000, 10, wrong=5)
    rehearsal.upload(REFUSED, content)
    load = rehearsal.stack.load(REFUSED)
    rehearsal.stack.idle()
    assert (load["status"], rehearsal.exit_codes(REFUSED)) == ("refused", [65]), load
    assert rehearsal.count("SELECT count(*) FROM sales.orders WHERE order_no LIKE 'ORD-400%'") == 0
    returned = rehearsal.lake(load, "rejects.csv").decode("latin-1")
    assert [line for line in content.decode("latin-1").splitlines() if "Eaten" in line and line not in returned] == []
    (notice,) = rehearsal.notices()
    assert REFUSED in notice and "exit code 65" in notice
    rehearsal.say("over the reject budget: exit code 65, nothing published, rejects and a notice")


def test_a_killed_task_is_tried_again(rehearsal: Rehearsal) -> None:
    """SIGKILL while it publishes, as the kernel does when memory runs out: the next attempt gets more of it."""
    attempts = stopped_in_the_middle(rehearsal, KILLED, 50000, lambda task: kill(task))
    assert rehearsal.exit_codes(KILLED) == [137, 0]
    assert int(attempts[1]["overrides"]["memory"]) > int(attempts[0]["overrides"]["memory"])
    rehearsal.say("task killed while publishing (137): loaded by the second attempt, with more memory")


def test_an_interrupted_task_is_tried_again(rehearsal: Rehearsal) -> None:
    """SIGTERM, as when Spot capacity is taken back: the load rolls back and ends by itself."""
    reason = "Your Spot Task was interrupted."

    def stop(task: dict[str, Any]) -> None:
        rehearsal.site.client("ecs").stop_task(cluster=task["clusterArn"], task=task["taskArn"], reason=reason)

    attempts = stopped_in_the_middle(rehearsal, INTERRUPTED, 60000, stop)
    assert rehearsal.exit_codes(INTERRUPTED) == [75, 0]
    assert rehearsal.stack.loads(INTERRUPTED)[0]["error_kind"] == "interrupted"
    assert attempts[0]["stopCode"] == "SpotInterruption"
    rehearsal.say("task interrupted while publishing (75): loaded by the second attempt")


def stopped_in_the_middle(rehearsal: Rehearsal, key: str, first: int, stop: Any) -> list[dict[str, Any]]:
    """Hold the target so that the load must wait at its last step, stop its task there, let go; the task's attempts."""
    holder = hold(rehearsal, "sales.orders")
    try:
        rehearsal.upload(key, deliveries.orders(first, 5))
        waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'sales.orders'::regclass"
        wait_until(lambda: rehearsal.count(waits) > 0, 60, "a load that waits to publish", rehearsal.stack.story)
        stop(rehearsal.stack.tasks_of(key)[0])
        ended = lambda: rehearsal.stack.tasks_of(key)[0]["lastStatus"] == "STOPPED"  # noqa: E731
        wait_until(ended, 60, "the end of the stopped task", rehearsal.stack.story)
    finally:
        rehearsal.site.sql(f"SELECT pg_terminate_backend({holder})")
    wait_until(lambda: loaded(rehearsal, key) == 1, 120, f"another attempt at {key}", rehearsal.stack.story)
    rehearsal.stack.idle()
    assert (
        rehearsal.count(f"SELECT count(*) FROM sales.orders WHERE order_no BETWEEN 'ORD-{first}' AND 'ORD-{first + 9}'")
        == 5
    )
    return rehearsal.stack.tasks_of(key)


def hold(rehearsal: Rehearsal, table: str) -> int:
    """Lock a table from a session of its own, as a long report would; that session's process id."""
    hour = f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(3600) /* holds */"
    run("docker", "exec", "--detach", rehearsal.site.name, "psql", "-XU", "postgres", "-d", "landfall", "-c", hour)
    query = (
        f"SELECT pid FROM pg_locks WHERE granted AND relation = '{table}'::regclass AND mode = 'AccessExclusiveLock'"
    )
    wait_until(lambda: bool(rehearsal.site.sql(query)), 20, "the lock", rehearsal.stack.story)
    return int(rehearsal.site.sql(query)[0][0])


def kill(task: dict[str, Any]) -> None:
    run("docker", "kill", "--signal", "KILL", "ecs-" + task["taskArn"].rsplit("/", 1)[-1])


def test_the_dead_letter_queue_holds_only_what_belongs_there(rehearsal: Rehearsal) -> None:
    sqs, outputs = rehearsal.site.client("sqs"), rehearsal.stack.outputs
    dead = outputs["dead_letter_queue_url"]
    assert rehearsal.stack.waiting(dead) == (0, 0)
    sqs.send_message(QueueUrl=outputs["queue_url"], MessageBody="no event at all")
    wait_until(lambda: rehearsal.stack.waiting(dead) == (1, 0), 60, "the dead letter", rehearsal.stack.story)
    assert sqs.receive_message(QueueUrl=dead)["Messages"][0]["Body"] == "no event at all"
    rehearsal.say("dead-letter queue: empty until a message came that nobody understands")


def test_every_connection_was_encrypted_and_none_is_left(rehearsal: Rehearsal) -> None:
    left = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'landfall:%'"
    assert rehearsal.count(left) == 0
    assert (
        rehearsal.count(
            "SELECT count(*) FROM pg_class WHERE relnamespace = 'landfall_staging'::regnamespace AND relkind = 'r'"
        )
        == 0
    )


def test_the_time_line_is_whole(rehearsal: Rehearsal) -> None:
    text = timeline(rehearsal.stack, rehearsal.uploads)
    rehearsal.say("seconds after each upload:\n" + text)
    late = [line for line in text.splitlines()[1:] if "orders" in line and "-" in line.split()[:5]]
    assert late == [], "each of these files has a task and a committed load"


def test_the_stack_is_taken_down(rehearsal: Rehearsal) -> None:
    rehearsal.stack.idle()
    assert "The stack is gone." in rehearsal.stack.destroy()
    state = json.loads((rehearsal.stack.folder / "terraform" / "terraform.tfstate").read_text())
    assert state["resources"] == []
    assert rehearsal.site.client("s3").list_buckets()["Buckets"] == []
    rehearsal.say("destroyed, nothing left in the state")
