"""Whether the bytes that arrived are the bytes that were uploaded, by the checksums that S3 keeps of an object.

See https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html. Of a multipart upload S3 keeps
either one checksum of the whole (FULL_OBJECT), or the checksum of the parts' checksums (COMPOSITE), as `<base64>-<n>`.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class Digest(Protocol):
    """What hashlib's objects can do, as far as it is needed here."""

    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


@dataclass(frozen=True)
class Expected:
    """A checksum that S3 keeps. `part_size`: bytes of each part but the last, when it is a checksum of checksums."""

    algorithm: str
    value: bytes
    part_size: int | None = None

    def digest(self) -> Digest:
        """An empty digest; fed with the object's bytes, its `digest()` must be `value`."""
        new = _digests()[self.algorithm]
        return new() if self.part_size is None else _OfParts(new, self.part_size)


def expected(head: Mapping[str, Any], part_size: int | None) -> Expected | None:
    """The strongest checksum in the answer to a HEAD (with ChecksumMode) that can be verified, None without one.

    `part_size`: size of the first part in bytes, None if the object was not uploaded in parts.
    """
    for algorithm in _digests():
        text = head.get(f"Checksum{algorithm}")
        if text and (found := _kept(algorithm, text, head["ContentLength"], part_size)):
            return found
    etag = _MD5.fullmatch(head["ETag"])
    if etag is None or head.get("ServerSideEncryption", "AES256") != "AES256" or head.get("SSECustomerAlgorithm"):
        return None  # then the etag is no MD5 (API reference, Object, ETag)
    parts = int(etag["parts"]) if etag["parts"] else None
    return _of_parts("MD5", bytes.fromhex(etag["md5"]), parts, head["ContentLength"], part_size)


def _kept(algorithm: str, text: str, size: int, part_size: int | None) -> Expected | None:
    value, _, parts = text.partition("-")
    return _of_parts(algorithm, base64.b64decode(value), int(parts) if parts else None, size, part_size)


def _of_parts(algorithm: str, value: bytes, parts: int | None, size: int, part_size: int | None) -> Expected | None:
    if parts is None:
        return Expected(algorithm, value)
    if not part_size or -(-size // part_size) != parts:
        return None  # parts of various sizes: their borders are not known
    return Expected(algorithm, value, part_size)


class _OfParts:
    def __init__(self, new: Callable[[], Digest], part_size: int) -> None:
        self._new, self._part_size = new, part_size
        self._digests, self._part, self._room = b"", new(), part_size

    def update(self, data: bytes, /) -> None:
        while data:
            if not self._room:
                self._digests += self._part.digest()
                self._part, self._room = self._new(), self._part_size
            piece, data = data[: self._room], data[self._room :]
            self._part.update(piece)
            self._room -= len(piece)

    def digest(self) -> bytes:
        whole = self._new()
        whole.update(self._digests + self._part.digest())
        return whole.digest()


class _Crc:
    def __init__(self, function: Callable[[bytes, int], int], width: int) -> None:
        self._function, self._width, self._value = function, width, 0

    def update(self, data: bytes, /) -> None:
        self._value = self._function(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._width, "big")


def _digests() -> dict[str, Callable[[], Digest]]:
    """By the names in S3's answers, the strongest first."""
    return {
        "SHA256": hashlib.sha256,
        "SHA1": lambda: hashlib.sha1(usedforsecurity=False),
        **_from_crt(),
        "CRC32": lambda: _Crc(zlib.crc32, 4),
        "MD5": lambda: hashlib.md5(usedforsecurity=False),
    }


def _from_crt() -> dict[str, Callable[[], Digest]]:
    """Checksums that only AWS's C library computes fast enough; without it, the next best one is verified."""
    try:
        from awscrt import checksums  # type: ignore[import-untyped]
    except ImportError:
        return {}
    return {"CRC64NVME": lambda: _Crc(checksums.crc64nvme, 8), "CRC32C": lambda: _Crc(checksums.crc32c, 4)}


_MD5 = re.compile(r'"?(?P<md5>[0-9a-f]{32})(-(?P<parts>[0-9]+))?"?')
