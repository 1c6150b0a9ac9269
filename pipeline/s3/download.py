"""From S3 to a local file: in ranges, side by side, each straight to its place; verified before anything reads it."""

from __future__ import annotations

import os
import random
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.checksum import checksum
from pipeline.errors import TransientError, UsageError
from pipeline.s3.checksums import Expected, expected
from pipeline.s3.client import STREAMS, client, explained

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

RANGE = 16 << 20
"""Bytes asked for at once. Memory is a block a stream, whatever the object's size."""
BLOCK = 1 << 20
TRIES = 3
"""Downloads of the whole object, when it was overwritten meanwhile or its checksum is wrong."""
PAUSES = (0.0, 0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds before each attempt to go on with a range whose body broke off; an attempt that brings bytes starts anew."""


class DamagedError(Exception):
    """What arrived is not the object, or no longer: it has to be read again from the start."""


@dataclass(frozen=True)
class Found:
    """One version of an object, as S3 describes it. `version` None: the bucket keeps no versions."""

    bucket: str
    key: str
    version: str | None
    etag: str
    size: int
    checksum: Expected | None

    @property
    def exactly(self) -> dict[str, Any]:
        """Arguments with which S3 gives this version's bytes, or none at all."""
        versioned = {"VersionId": self.version} if self.version else {}
        return {"Bucket": self.bucket, "Key": self.key, "IfMatch": self.etag, **versioned}


def download(bucket: str, key: str, version: str | None, path: Path) -> tuple[Found, str]:
    """Fetch the object (its named version, else the latest) to `path`; what was found, and its SHA-256 in hexadecimal.

    Raises `SourceError` when it is missing or may not be read, `TransientError` when S3 does not answer or goes on
    sending other bytes than it should, `UsageError` when the work directory is too small.
    """
    what = f"s3://{bucket}/{key}" + (f" version {version}" if version else "")
    problem = None
    for _ in range(TRIES):
        with explained(what):
            found = describe(client(), bucket, key, version)
            try:
                _transfer(client(), found, path, what)
                return found, _verified(path, found)
            except DamagedError as damage:
                problem = damage
    raise TransientError(f"{what}: {problem}, {TRIES} times in a row; load again")


def describe(s3: S3Client, bucket: str, key: str, version: str | None) -> Found:
    """What S3 knows of an object without sending it."""
    named: dict[str, Any] = {"Bucket": bucket, "Key": key, **({"VersionId": version} if version else {})}
    head = s3.head_object(**named, ChecksumMode="ENABLED")
    part_size = None
    if "-" in head["ETag"]:  # uploaded in parts
        part_size = s3.head_object(**named, PartNumber=1)["ContentLength"]
    return Found(
        bucket,
        key,
        version=version or head.get("VersionId"),
        etag=head["ETag"],
        size=head["ContentLength"],
        checksum=expected(head, part_size),
    )


def _transfer(s3: S3Client, found: Found, path: Path, what: str) -> None:
    with path.open("wb") as file:
        _reserve(file.fileno(), found.size, path, what)
        stop = threading.Event()
        starts = range(0, found.size, RANGE)
        ranges = [_Range(s3, found, file.fileno(), at, min(at + RANGE, found.size), stop) for at in starts]
        with _streams(stop) as pool:
            for done in as_completed([pool.submit(each.read) for each in ranges]):
                done.result()


@contextmanager
def _streams(stop: threading.Event) -> Iterator[ThreadPoolExecutor]:
    """Threads that end soon when the block fails, as it does on a signal."""
    pool = ThreadPoolExecutor(STREAMS, "landfall-download")
    try:
        yield pool
    except BaseException:
        stop.set()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _reserve(file: int, size: int, path: Path, what: str) -> None:
    free = shutil.disk_usage(path.parent).free
    if size > free:
        raise UsageError(
            f"{what}: its {size:,} bytes do not fit into the work directory {path.parent}, which has {free:,} left; "
            "name a larger one with --work-dir"
        )
    os.truncate(file, size)


class _Range:
    """The bytes from `at` up to `end`; `at` advances as they are written."""

    def __init__(self, s3: S3Client, found: Found, file: int, at: int, end: int, stop: threading.Event) -> None:
        self._s3, self._found, self._file = s3, found, file
        self._at, self._end, self._stop = at, end, stop

    def read(self) -> None:
        """All of it, going on where a body broke off. Raises `DamagedError` if the object is another one by now."""
        from botocore.exceptions import BotoCoreError
        from urllib3.exceptions import HTTPError  # within `with`, botocore hands out urllib3's own stream

        attempt, failure = 0, None
        while attempt < len(PAUSES):
            time.sleep(PAUSES[attempt] * random.uniform(0.5, 1.5))  # noqa: S311 - a pause, no secret  # nosec B311
            before = self._at
            try:
                self._continue()
            except (BotoCoreError, HTTPError, OSError) as error:
                failure = error
            if self._at == self._end or self._stop.is_set():
                return
            attempt = 1 if self._at > before else attempt + 1
        raise DamagedError(f"the body broke off again and again at byte {self._at:,}") from failure

    def _continue(self) -> None:
        from botocore.exceptions import ClientError

        try:
            answer = self._s3.get_object(**self._found.exactly, Range=f"bytes={self._at}-{self._end - 1}")
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in ("PreconditionFailed", "412", "InvalidRange", "416"):
                raise DamagedError("the object was overwritten while it was read") from error
            raise
        if not str(answer.get("ContentRange", "")).startswith(f"bytes {self._at}-{self._end - 1}/"):
            raise DamagedError("S3 sent another range than it was asked for")
        with answer["Body"] as body:
            while not self._stop.is_set() and (block := body.read(min(BLOCK, self._end - self._at))):
                self._at += os.pwrite(self._file, block, self._at)


def _verified(path: Path, found: Found) -> str:
    digest = found.checksum.digest() if found.checksum else None
    sha256, size = checksum(path, digest)
    if size != found.size:
        raise DamagedError(f"{size:,} of {found.size:,} bytes arrived")
    if digest is not None and found.checksum is not None and digest.digest() != found.checksum.value:
        raise DamagedError(f"the bytes that arrived do not have the {found.checksum.algorithm} checksum that S3 keeps")
    return sha256
