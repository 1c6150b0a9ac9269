"""Source objects: which ones an argument means, where their bytes are, and what their checksum is."""

from __future__ import annotations

import glob
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.checksum import checksum
from pipeline.errors import SourceError, TransientError, UsageError

_S3 = "s3://"
# Only at the end, so that a key may hold question marks.
_VERSION = re.compile(r"\?versionId=([^?&/]*)\Z")


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
    """A source object whose bytes are at `path`. `sha256`: hexadecimal, of the bytes as stored.

    `modified`: of a local file, in nanoseconds since 1970, before its first byte was read.
    """

    source: SourceObject
    path: Path
    sha256: str
    bytes: int
    version: str
    modified: int | None = None

    def require_unchanged(self) -> None:
        """Raise `TransientError` if the local file was written to meanwhile: then its checksum is of other bytes."""
        if self.modified is None:
            return
        now = self.path.stat()
        if (now.st_size, now.st_mtime_ns) != (self.bytes, self.modified):
            raise TransientError(f"{self.path}: changed while it was read; load again when it is complete")


def named(arguments: tuple[str, ...]) -> Iterator[SourceObject]:
    """The source objects that the command line names: paths, directories, globs and `s3://bucket/key[?versionId=...]`."""
    for argument in arguments:
        yield from [_s3_object(argument)] if argument.startswith(_S3) else _local(argument)


def from_json(text: str) -> Iterator[SourceObject]:
    """The objects that the trigger passes: a JSON list of `{bucket, key, versionId, etag, size, sequencer}`."""
    try:
        yield from [_from_entry(entry) for entry in _listed(json.loads(text))]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise UsageError('--objects-json expects [{"bucket": "...", "key": "...", "versionId": "..."}, ...]') from None


def _listed(entries: Any) -> list[Any]:
    if not isinstance(entries, list):
        raise TypeError
    return entries


def _from_entry(entry: Any) -> SourceObject:
    """`bucket` and `key` have to be there, as text; S3 leaves out the version of an unversioned bucket."""
    bucket, key = entry["bucket"], entry["key"]
    if not (isinstance(bucket, str) and isinstance(key, str) and bucket and key):
        raise TypeError
    return SourceObject(
        uri=f"{_S3}{bucket}/{key}",
        bucket=bucket,
        key=key,
        version=entry.get("versionId") or None,
        etag=(entry.get("etag") or entry.get("eTag") or "").strip('"') or None,
        size=entry.get("size"),
        sequencer=entry.get("sequencer") or None,
    )


def _local(argument: str) -> Iterator[SourceObject]:
    path = Path(argument)
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.is_file() and not _ignored(p.relative_to(path)))
        if not files:
            raise SourceError(f"{argument}: the directory holds no files")
    elif path.exists():
        if not path.is_file():
            raise SourceError(f"{argument}: is not a file; save it as one first")
        files = [path]
    else:
        files = sorted(Path(found) for found in glob.glob(argument, recursive=True) if Path(found).is_file())  # noqa: PTH207 - absolute patterns too
    if not files:
        raise SourceError(f"{argument}: no such file. Check the path, or quote the pattern")
    for file in files:
        yield SourceObject(uri=_uri(file), path=file, size=file.stat().st_size)


def _uri(file: Path) -> str:
    """The plain path, not percent-encoded: people and contracts read it."""
    uri = f"file://{file.resolve()}"
    try:
        uri.encode()
    except UnicodeEncodeError:
        raise SourceError(f"{uri!a}: the file's name is not UTF-8, so the ledger cannot hold it; rename it") from None
    return uri


def _ignored(path: Path) -> bool:
    """Hidden files and contracts lie beside data files, and are none."""
    return any(part.startswith(".") for part in path.parts) or path.name.endswith((".odcs.yaml", ".odcs.yml"))


def _s3_object(argument: str) -> SourceObject:
    """A key is taken as it stands: it is not percent-decoded, and may hold any character."""
    version = _VERSION.search(argument)
    location = argument[: version.start()] if version else argument
    bucket, _, key = location.removeprefix(_S3).partition("/")
    if not bucket or not key or key.endswith("/"):
        raise UsageError(f"{argument}: expected s3://bucket/key, the key of one object")
    return SourceObject(uri=location, bucket=bucket, key=key, version=version[1] or None if version else None)


def fetch(source: SourceObject, work: Path) -> Fetched:
    """Make the bytes of `source` available as a local file, and take their SHA-256.

    Raises `SourceError` when the object is missing or may not be read, `TransientError` when S3 does not answer.
    """
    if source.path is not None:
        modified = source.path.stat().st_mtime_ns if source.path.exists() else None
        digest, size = checksum(source.path)
        return Fetched(source, source.path, digest, size, version=digest, modified=modified)
    return _from_s3(source, work / "object")


def _from_s3(source: SourceObject, path: Path) -> Fetched:
    """Without a version, what is there by now is read: an older event's etag and sequencer are then not its own."""
    from pipeline.s3.download import download

    found, digest = download(source.bucket or "", source.key or "", source.version, path)
    etag = found.etag.strip('"')
    version = found.version if found.version not in (None, "null") else None
    overwritten = version is None and source.etag is not None and source.etag != etag
    source = replace(
        source,
        version=version,
        etag=etag,
        size=found.size,
        sequencer=None if overwritten else source.sequencer,
    )
    return Fetched(source, path, digest, found.size, version=version or etag)
