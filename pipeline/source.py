"""Source objects: which ones an argument means, where their bytes are, and what their checksum is. S3 is only here."""

from __future__ import annotations

import glob
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

from pipeline.errors import SourceError, TransientError, UsageError

_S3 = "s3://"
_BLOCK = 1 << 20
# What boto3 reports when a retry may help, after its own retries are spent.
_TRANSIENT = {"SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "ThrottlingException", "503", "500"}


@dataclass(frozen=True)
class SourceObject:
    """One file: a local path, or one version of an S3 object. `size` in bytes, None when not known before fetching."""

    uri: str
    path: Path | None = None
    bucket: str | None = None
    key: str | None = None
    version: str | None = None
    etag: str | None = None
    size: int | None = None
    sequencer: str | None = None

    @property
    def name(self) -> str:
        """The last part of the path or key."""
        return (self.key or self.uri).rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Fetched:
    """A source object whose bytes are at `path`. `sha256`: hexadecimal, of the bytes as stored."""

    source: SourceObject
    path: Path
    sha256: str
    bytes: int
    version: str


def named(arguments: tuple[str, ...]) -> Iterator[SourceObject]:
    """The source objects that the command line names: paths, directories, globs and `s3://bucket/key[?versionId=...]`."""
    for argument in arguments:
        yield from [_s3_object(argument)] if argument.startswith(_S3) else _local(argument)


def from_json(text: str) -> Iterator[SourceObject]:
    """The objects that the trigger passes: a JSON list of `{bucket, key, versionId, etag, size, sequencer}`."""
    try:
        entries = json.loads(text)
        for entry in entries:
            yield SourceObject(
                uri=f"{_S3}{entry['bucket']}/{entry['key']}",
                bucket=entry["bucket"],
                key=entry["key"],
                version=entry.get("versionId"),
                etag=entry.get("etag"),
                size=entry.get("size"),
                sequencer=entry.get("sequencer"),
            )
    except (ValueError, TypeError, KeyError, AttributeError):
        raise UsageError('--objects-json expects [{"bucket": "...", "key": "...", "versionId": "..."}, ...]') from None


def _local(argument: str) -> Iterator[SourceObject]:
    path = Path(argument)
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.is_file() and not _ignored(p.relative_to(path)))
        if not files:
            raise SourceError(f"{argument}: the directory holds no files")
    elif path.exists():
        files = [path]
    else:
        files = sorted(Path(found) for found in glob.glob(argument, recursive=True) if Path(found).is_file())  # noqa: PTH207 - absolute patterns too
    if not files:
        raise SourceError(f"{argument}: no such file. Check the path, or quote the pattern")
    for file in files:
        yield SourceObject(uri=f"file://{file.resolve()}", path=file, size=file.stat().st_size)


def _ignored(path: Path) -> bool:
    """Hidden files and contracts lie beside data files, and are none."""
    return any(part.startswith(".") for part in path.parts) or path.name.endswith((".odcs.yaml", ".odcs.yml"))


def _s3_object(argument: str) -> SourceObject:
    location, _, query = argument.removeprefix(_S3).partition("?")
    bucket, _, key = location.partition("/")
    if not bucket or not key or key.endswith("/"):
        raise UsageError(f"{argument}: expected s3://bucket/key, the key of one object")
    version = parse_qs(query).get("versionId", [None])[0] if query else None
    return SourceObject(uri=f"{_S3}{bucket}/{key}", bucket=bucket, key=key, version=version)


def fetch(source: SourceObject, work: Path) -> Fetched:
    """Make the bytes of `source` available as a local file, and take their SHA-256.

    Raises `SourceError` when the object is missing or may not be read, `TransientError` when S3 does not answer.
    """
    if source.path is not None:
        digest, size = checksum(source.path)
        return Fetched(source, source.path, digest, size, version=digest)
    path = work / "object"
    version = _download(source, path)
    digest, size = checksum(path)
    return Fetched(source, path, digest, size, version=version or source.etag or digest)


def checksum(path: Path) -> tuple[str, int]:
    """SHA-256 (hexadecimal) and size in bytes of a local file. Raises `SourceError` when it cannot be read."""
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                size += len(block)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from error
    return digest.hexdigest(), size


def _download(source: SourceObject, path: Path) -> str | None:
    """Fetch the named version (else the latest) to `path`; returns the version id read, None without versioning."""
    from botocore.exceptions import BotoCoreError, ClientError

    wanted = {"VersionId": source.version} if source.version and source.version != "null" else {}
    try:
        client = _client()
        found = client.head_object(Bucket=source.bucket, Key=source.key, **wanted)
        version = found.get("VersionId")
        exact = {"VersionId": version} if version and version != "null" else {}
        client.download_file(source.bucket, source.key, str(path), ExtraArgs=exact or None)
    except ClientError as error:
        raise _explained(error, source) from error
    except BotoCoreError as error:
        raise TransientError(f"{source.uri}: S3 does not answer ({type(error).__name__}); load again") from error
    if path.stat().st_size != found["ContentLength"]:
        raise TransientError(f"{source.uri}: the object changed or broke off while it was read; load again")
    return version if version != "null" else None


def _explained(error: Any, source: SourceObject) -> SourceError | TransientError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    if code in _TRANSIENT:
        return TransientError(f"{source.uri}: S3 is busy ({code}); load again")
    version = f" version {source.version}" if source.version else ""
    if code in ("404", "NoSuchKey", "NoSuchBucket", "NoSuchVersion"):
        return SourceError(f"{source.uri}{version}: no such object ({code}). Was it deleted, or is the name misspelt?")
    if code in ("403", "AccessDenied"):
        return SourceError(
            f"{source.uri}{version}: reading it is not allowed. It needs s3:GetObject and s3:GetObjectVersion"
        )
    return SourceError(f"{source.uri}{version}: S3 refused ({code})")


def read_contracts(prefix: str) -> Iterator[tuple[str, str]]:
    """`(uri, text)` of every `*.odcs.yaml` under an `s3://bucket/prefix`, or of the one object so named."""
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, _, key = prefix.removeprefix(_S3).partition("/")
    try:
        client = _client()
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=unquote(key))
        keys = sorted(item["Key"] for page in pages for item in page.get("Contents", []))
        for name in keys:
            if name.endswith((".odcs.yaml", ".odcs.yml")):
                body = client.get_object(Bucket=bucket, Key=name)["Body"].read()
                yield f"{_S3}{bucket}/{name}", body.decode("utf-8")
    except ClientError as error:
        raise _explained(error, SourceObject(uri=prefix)) from error
    except BotoCoreError as error:
        raise TransientError(f"{prefix}: S3 does not answer ({type(error).__name__}); load again") from error


def _client() -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client("s3", config=Config(retries={"mode": "standard", "max_attempts": 5}))
