"""The whole stack on this machine: deployed, used, watched and taken down, against a local AWS whose tasks really run.

The tests run in the order of this file on one stack. First everything is uploaded, in an order that gives each file the
task it needs; then the tests look at what came of it. `make rehearse` shows what happens.
It takes about six minutes; LANDFALL_REHEARSE=0 leaves it out.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator

import pytest

from rehearse import deliveries
from rehearse.site import Site, build_lambda_image, missing, provider_missing
from rehearse.stack import image_id
from rehearse.timeline import timeline
from tests.cloud.containers import image_of
from tests.cloud.forgetful_aws import FORGOTTEN
from tests.cloud.rehearsed import Rehearsal, deployed

LACKING = "LANDFALL_REHEARSE=0 leaves the rehearsal out" if os.environ.get("LANDFALL_REHEARSE") == "0" else missing()
pytestmark = pytest.mark.skipif(LACKING is not None, reason=str(LACKING))

SAMPLE = "acme/orders/orders_2026-11-20.csv"
DUPLICATE = "web/events/dt=2026-11-21/twice.ndjson.gz"
CORRUPT = "web/events/dt=2026-11-22/broken-off.ndjson.gz"
REFUSED = "acme/orders/orders_mostly_wrong.csv"
KILLED = "acme/orders/orders_killed.csv"
INTERRUPTED = "acme/orders/orders_interrupted.csv"
BURST = [f"acme/orders/orders_burst_{number:02}.csv" for number in range(50)]
WRONG = deliveries.orders(40000, 10, wrong=5)
HELD = {
    KILLED: deliveries.orders(50000, 5),
    INTERRUPTED: deliveries.orders(60000, 5),
    FORGOTTEN: deliveries.orders(70000, 5),
}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """The stack, deployed by deploy.sh on a fresh site, which is removed at the end in any case."""
    if lacking := provider_missing(tmp_path_factory.mktemp("provider")):
        pytest.skip(lacking)
    build_lambda_image()
    site = Site(tmp_path_factory.mktemp("rehearsal"), server_module="tests.cloud.forgetful_aws")
    try:
        yield deployed(site, image_id(image_of("native")))
    finally:
        site.down()


@pytest.fixture(scope="module")
def rehearsal(empty: Rehearsal) -> Rehearsal:
    """The stack after everything was uploaded that is left alone, and all of it has come to its end."""
    awkward = {key: deliveries.orders(20000 + 10 * number, 2) for number, key in enumerate(deliveries.AWKWARD)}
    empty.upload_alone({SAMPLE: deliveries.sample(SAMPLE)} | awkward)
    empty.upload_alone({DUPLICATE: deliveries.events(7)})
    empty.upload_alone({CORRUPT: deliveries.corrupt(deliveries.events(500))})
    empty.upload_alone({REFUSED: WRONG})
    empty.announce_again(DUPLICATE)  # the same event: clientToken knows the task
    empty.wait(lambda: not any(empty.stack.waiting(empty.stack.outputs["queue_url"])), 60, "an empty queue")
    empty.announce_again(DUPLICATE, sequencer=None)  # told otherwise: another task, which the ledger stops
    empty.send("no event at all")
    empty.upload({key: deliveries.orders(30000 + 10 * number, 3) for number, key in enumerate(BURST)})
    empty.say(f"uploaded {len(empty.uploads)} files")
    empty.wait(lambda: len(empty.stack.tasks_of(BURST[-1])) > 0, 60, "the burst's tasks")
    empty.stack.idle(180)
    empty.say("all of them have ended")
    return empty


@pytest.fixture(scope="module")
def stopped(rehearsal: Rehearsal) -> Rehearsal:
    """The stack after three tasks were stopped at their last step: the target was locked until they had ended."""
    holder = rehearsal.hold()
    try:
        for key, content in HELD.items():
            rehearsal.upload_alone({key: content})
        rehearsal.wait(lambda: all(map(rehearsal.publishes, HELD)), 60, "three loads that want to publish")
        rehearsal.live = rehearsal.connections()
        rehearsal.kill(KILLED)
        rehearsal.kill(FORGOTTEN)
        rehearsal.interrupt(INTERRUPTED)
        rehearsal.wait(lambda: all(map(rehearsal.has_stopped, HELD)), 60, "the end of the stopped tasks")
    finally:
        rehearsal.release(holder)
    for key in (KILLED, INTERRUPTED):
        rehearsal.wait(lambda key=key: len(rehearsal.stack.tasks_of(key)) > 1, 60, f"a second attempt at {key}")
    rehearsal.stack.idle()
    rehearsal.say("three tasks stopped while publishing, and what followed has ended")
    return rehearsal


def test_a_second_plan_is_empty(empty: Rehearsal) -> None:
    code, text = empty.stack.plan()
    assert code == 0, text
    empty.say("second plan: no changes")


def test_the_bootstrap_made_the_role_and_the_ledger(empty: Rehearsal) -> None:
    owner = "SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'landfall'"
    assert empty.site.sql(owner) == [["landfall"]]
    grants = "SELECT rolsuper, rolpassword IS NULL, pg_has_role('landfall', 'rds_iam', 'MEMBER') FROM pg_authid WHERE rolname = 'landfall'"
    assert empty.site.sql(grants) == [["f", "t", "t"]]


def test_the_samples_contracts_describe_the_landing_bucket(empty: Rehearsal) -> None:
    outputs = empty.stack.outputs
    ecs = empty.site.client("ecs")
    definition = ecs.describe_task_definition(taskDefinition=outputs["load_task_definition"])["taskDefinition"]
    given = {entry["name"]: entry["value"] for entry in definition["containerDefinitions"][0]["environment"]}
    assert given.get("LANDING_BUCKET") == outputs["landing_bucket"]


def test_an_upload_becomes_rows(rehearsal: Rehearsal) -> None:
    (load,) = rehearsal.stack.loads(SAMPLE)
    (version,) = rehearsal.site.client("s3").list_object_versions(Bucket=load["bucket"], Prefix=SAMPLE)["Versions"]
    assert (load["status"], load["version"], load["key"]) == ("loaded", version["VersionId"], SAMPLE), load
    rows = rehearsal.count(f"SELECT count(*) FROM sales.orders WHERE _load_id = '{load['load_id']}'")
    assert rows == load["rows_inserted"] > 0
    counts = ("inserted", "updated", "unchanged", "duplicate", "filtered", "rejected")
    assert load["rows_read"] == sum(load[f"rows_{name}"] for name in counts)
    assert rehearsal.exit_codes(SAMPLE) == [0]
    receipt = json.loads(rehearsal.lake(load, "receipt.json"))
    assert receipt["rows"]["inserted"] == load["rows_inserted"]
    assert rehearsal.lake(load, "rejects.csv").count(b"\n") >= load["rows_rejected"] > 0
    rehearsal.say(f"{SAMPLE}: {load['rows_inserted']} rows, {load['rows_rejected']} rejects sent back")


def test_awkward_keys_arrive_as_they_are(rehearsal: Rehearsal) -> None:
    loads = rehearsal.stack.loads_by_key()
    statuses = {key: [load["status"] for load in loads[key]] for key in deliveries.AWKWARD}
    assert statuses == {key: ["loaded"] for key in deliveries.AWKWARD}
    assert rehearsal.orders(20000, 20099) == 2 * len(deliveries.AWKWARD)
    rehearsal.say(f"{len(deliveries.AWKWARD)} awkward keys loaded")


def test_the_same_event_twice_has_one_effect(rehearsal: Rehearsal) -> None:
    assert [load["status"] for load in rehearsal.stack.loads(DUPLICATE)] == ["loaded", "already_loaded"]
    assert rehearsal.exit_codes(DUPLICATE) == [0, 0], "three events, two tasks"
    assert rehearsal.count("SELECT count(*) FROM web.event_items") == 7
    rehearsal.say("an event delivered three times: two tasks, one load")


def test_a_burst_shares_tasks_and_loses_nothing(rehearsal: Rehearsal) -> None:
    burst = "FROM landfall.load WHERE key LIKE '%_burst_%' GROUP BY key ORDER BY key"
    assert rehearsal.site.sql(f"SELECT key, string_agg(status, ' ') {burst}") == [[key, "loaded"] for key in BURST]
    assert rehearsal.orders(30000, 30999) == 3 * len(BURST)
    by_key = rehearsal.stack.tasks_by_key()
    tasks = {task["taskArn"] for key in BURST for task in by_key[key]}
    assert len(tasks) <= 10
    rehearsal.say(f"{len(BURST)} files at once: all loaded, by {len(tasks)} tasks")


def test_a_corrupt_file_fails_and_is_told(rehearsal: Rehearsal) -> None:
    (load,) = rehearsal.stack.loads(CORRUPT)
    assert (load["status"], rehearsal.exit_codes(CORRUPT)) == ("failed", [66]), load
    assert rehearsal.count(f"SELECT count(*) FROM web.event_items WHERE _load_id = '{load['load_id']}'") == 0
    rehearsal.say("corrupt file: exit code 66, nothing published, not tried again")


def test_a_file_over_its_reject_budget_is_refused_and_told(rehearsal: Rehearsal) -> None:
    (load,) = rehearsal.stack.loads(REFUSED)
    assert (load["status"], rehearsal.exit_codes(REFUSED)) == ("refused", [65]), load
    assert rehearsal.orders(40000, 40099) == 0
    returned = rehearsal.lake(load, "rejects.csv").decode("latin-1")
    assert [line for line in WRONG.decode("latin-1").splitlines() if "Eaten" in line and line not in returned] == []
    rehearsal.say("over the reject budget: exit code 65, nothing published, rejects sent back")


def test_each_of_these_two_is_told_once_and_nothing_else(rehearsal: Rehearsal) -> None:
    corrupt, refused = sorted(rehearsal.notices(), key=lambda notice: REFUSED in notice)
    assert CORRUPT in corrupt and "exit code 66" in corrupt
    assert REFUSED in refused and "exit code 65" in refused


def test_the_dead_letter_queue_holds_only_what_belongs_there(rehearsal: Rehearsal) -> None:
    assert rehearsal.taken(rehearsal.stack.outputs["dead_letter_queue_url"]) == ["no event at all"]
    rehearsal.say("dead-letter queue: only the message that nobody understands")


def tried_again(rehearsal: Rehearsal, key: str, first: int, code: int) -> None:
    """A task ended with `code` before it could publish; another one loaded the file, once."""
    assert rehearsal.exit_codes(key) == [code, 0]
    assert [load["status"] for load in rehearsal.stack.loads(key)] == ["failed", "loaded"]
    assert rehearsal.orders(first, first + 99) == 5


def test_a_killed_task_is_tried_again_with_more_memory(stopped: Rehearsal) -> None:
    tried_again(stopped, KILLED, 50000, 137)
    first, second = stopped.stack.tasks_of(KILLED)
    assert int(second["overrides"]["memory"]) > int(first["overrides"]["memory"])
    stopped.say("task killed while publishing (137): loaded by the second attempt, with more memory")


def test_an_interrupted_task_is_tried_again(stopped: Rehearsal) -> None:
    tried_again(stopped, INTERRUPTED, 60000, 75)
    assert stopped.stack.loads(INTERRUPTED)[0]["error_kind"] == "interrupted"
    assert stopped.stack.tasks_of(INTERRUPTED)[0]["stopCode"] == "SpotInterruption"
    stopped.say("task interrupted while publishing (75): loaded by the second attempt")


def test_an_exit_code_that_is_ignored_would_be_noticed(stopped: Rehearsal) -> None:
    """The test of these tests: the same kill, but the local AWS says 0, as stock moto does."""
    with pytest.raises(AssertionError, match=re.escape("assert [0] == [137, 0]")):
        tried_again(stopped, FORGOTTEN, 70000, 137)
    assert stopped.orders(70000, 70099) == 0, "what was killed cannot have been loaded"
    stopped.say("with its exit code ignored, a killed task is not tried again, and the test of it fails")


def test_every_connection_was_encrypted_and_none_is_left(stopped: Rehearsal) -> None:
    live = stopped.live
    assert len(live) >= len(HELD), "three tasks were working"
    assert {tuple(encryption) for _, *encryption in live} == {("t", "TLSv1.3")}, live
    logins = stopped.logins()
    assert [line for line in logins if "SSL enabled (protocol=TLSv1.3" not in line] == []
    assert len(logins) >= len(stopped.stack.tasks()), "each task logs in at least once"
    left = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'landfall:%'"
    assert stopped.count(left) == 0
    staging = "SELECT count(*) FROM pg_class WHERE relnamespace = 'landfall_staging'::regnamespace AND relkind = 'r'"
    assert stopped.count(staging) == 0
    stopped.say(f"{len(logins)} connections, all encrypted, none left")


def test_the_time_line_is_whole(stopped: Rehearsal) -> None:
    text = timeline(stopped.stack, stopped.uploads)
    stopped.say("seconds after each upload:\n" + text)
    parts = [line.split(maxsplit=6) for line in text.splitlines()[1:]]
    ends = {REFUSED: "refused", CORRUPT: "failed", FORGOTTEN: "failed"}
    assert {key: result for *_, result, key in parts} == dict.fromkeys(stopped.uploads, "loaded") | ends
    assert [line for line in parts if "-" in line[:5]] == []


def test_the_stack_is_taken_down(stopped: Rehearsal) -> None:
    assert "The stack is gone." in stopped.stack.destroy()
    state = json.loads((stopped.stack.folder / "terraform" / "terraform.tfstate").read_text())
    assert state["resources"] == []
    assert stopped.site.client("s3").list_buckets()["Buckets"] == []
    stopped.say("destroyed, nothing left in the state")
