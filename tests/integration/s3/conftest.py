"""S3 as processes and servers of its own: moto's, and one that misbehaves as told."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import boto3
import pytest

from pipeline.s3.client import client
from tests.integration.s3.faulty import FaultyS3

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "eu-central-1"}


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """The URL of a moto server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            _wait_for(url)
            yield url
        finally:
            process.terminate()


def _wait_for(url: str) -> None:
    for _ in range(300):
        with suppress(OSError), urllib.request.urlopen(f"{url}/moto-api/", timeout=5):
            return
        time.sleep(0.1)
    raise AssertionError(f"moto does not answer at {url}")


@pytest.fixture
def aws(moto: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The environment in which boto3, here and in a command, talks to moto."""
    yield from _pointed_at(moto, monkeypatch)


@pytest.fixture
def s3(aws: dict[str, str]) -> Any:
    """A client of the test's own."""
    return boto3.client("s3", endpoint_url=aws["AWS_ENDPOINT_URL"], region_name=aws["AWS_REGION"])


@pytest.fixture
def bucket(s3: Any) -> Callable[..., str]:
    """Make a bucket, versioned unless told otherwise, and answer with its name."""

    def make(use: str = "landing", versioned: bool = True) -> str:
        name = f"{use}-{uuid.uuid4().hex[:8]}"
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        if versioned:
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    return make


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyS3]:
    """A server that misbehaves as told, and this process's S3."""
    with FaultyS3() as server:
        for _ in _pointed_at(server.url, monkeypatch):
            yield server


def pointed_at(url: str) -> dict[str, str]:
    """Environment variables with which AWS's clients talk to `url`."""
    return {**CREDENTIALS, "AWS_ENDPOINT_URL": url, "AWS_EC2_METADATA_DISABLED": "true"}


def _pointed_at(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    variables = pointed_at(url)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    client.cache_clear()
    yield variables
    client.cache_clear()
