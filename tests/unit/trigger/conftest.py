from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.stub import Stubber

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT))  # the trigger is no installed package: Lambda, too, finds it beside itself

from trigger_lambda import handler  # noqa: E402

EVENTS = ROOT / "tests" / "data" / "events"
SIZES = [
    {"up_to_bytes": 256 * 2**20, "cpu": 1024, "memory": 4096, "disk": 30},
    {"up_to_bytes": 2 * 2**30, "cpu": 2048, "memory": 8192, "disk": 50},
    {"up_to_bytes": 20 * 2**30, "cpu": 4096, "memory": 16384, "disk": 100},
]
ENVIRONMENT = {
    "CLUSTER": "arn:aws:ecs:eu-west-1:123456789012:cluster/landfall",
    "TASK_DEFINITION": "arn:aws:ecs:eu-west-1:123456789012:task-definition/landfall-load:7",
    "CONTAINER": "landfall",
    "SUBNETS": "subnet-a,subnet-b,subnet-c",
    "SECURITY_GROUPS": "sg-task",
    "CAPACITY_PROVIDERS": "FARGATE",
    "TASK_SIZES": json.dumps(SIZES),
    "TOPIC": "arn:aws:sns:eu-west-1:123456789012:landfall",
    "LOG_GROUP": "/landfall/load",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}
TASK = {"tasks": [{"taskArn": "arn:aws:ecs:eu-west-1:123456789012:task/landfall/new"}], "failures": []}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    for cached in (handler.ecs, handler.sns, handler.sizes):
        cached.cache_clear()
    yield
    for cached in (handler.ecs, handler.sns, handler.sizes):
        cached.cache_clear()


@pytest.fixture
def ecs() -> Iterator[Stubber]:
    """ECS that answers only what a test has laid down, in that order."""
    with Stubber(handler.ecs()) as stubber:
        yield stubber


@pytest.fixture
def sns() -> Iterator[Stubber]:
    with Stubber(handler.sns()) as stubber:
        yield stubber


@pytest.fixture
def calls(ecs: Stubber) -> list[dict[str, Any]]:
    """The parameters of each RunTask call, in order."""
    made: list[dict[str, Any]] = []
    handler.ecs().meta.events.register_first(
        "provide-client-params.ecs.RunTask", lambda params, **_: made.append(dict(params))
    )
    return made


@pytest.fixture
def plenty_of_time() -> SimpleNamespace:
    return SimpleNamespace(get_remaining_time_in_millis=lambda: 120_000)


@pytest.fixture
def event() -> Callable[[str], dict[str, Any]]:
    return lambda name: json.loads((EVENTS / f"{name}.json").read_text())
