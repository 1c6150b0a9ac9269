"""Two local AWS, side by side: moto as it comes, and moto with the rehearsal's patches."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from rehearse.site import REGION, ROOT, clean_environment, free_port, run

NAME = f"patches-{os.getpid()}"  # label of the containers that tasks run in


@dataclass(frozen=True)
class LocalAws:
    """A running server and the folder with its log."""

    endpoint: str
    log: Path

    def client(self, service: str) -> Any:
        """A client that asks once."""
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
        session = boto3.session.Session(**keys)
        return session.client(service, region_name=REGION, endpoint_url=self.endpoint, config=config)


@contextmanager
def serving(module: str, folder: Path) -> Iterator[LocalAws]:
    """`python -m module` as the local AWS, until the block ends."""
    port = free_port()
    aws = LocalAws(f"http://127.0.0.1:{port}", folder / f"{module}.log")
    own = {
        "MOTO_PORT": str(port),
        "REHEARSAL_ENDPOINT": aws.endpoint,
        "REHEARSAL_DATABASE_IP": "127.0.0.1",
        "REHEARSAL_NAME": NAME,
    }
    command = [sys.executable, "-m", module, "-H", "127.0.0.1", "-p", str(port)]
    with aws.log.open("wb") as log:
        server = subprocess.Popen(command, cwd=ROOT, env=clean_environment() | own, stdout=log, stderr=log)
    try:
        until(lambda: answers(aws), f"{module} to answer")
        yield aws
    finally:
        server.terminate()
        server.wait(30)


def answers(aws: LocalAws) -> bool:
    try:
        aws.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError):
        return False
    return True


@pytest.fixture(scope="session")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """moto as it comes."""
    with serving("moto.server", tmp_path_factory.mktemp("stock")) as aws:
        yield aws


@pytest.fixture(scope="session")
def patched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """moto as the rehearsal runs it."""
    with serving("rehearse.server", tmp_path_factory.mktemp("patched")) as aws:
        yield aws
    for container in run(
        "docker", "ps", "-aq", "--filter", f"label=landfall.rehearsal={NAME}", check=False
    ).stdout.split():
        run("docker", "rm", "--force", "--volumes", container, check=False)


def until(true: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    """The first answer that is no `False` and not empty. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while not (answer := true()):
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.1)
    return answer
