"""The checksum by which the ledger knows a source object's bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Protocol

from pipeline.errors import SourceError

_BLOCK = 1 << 20


class Fed(Protocol):
    """What else wants to see the bytes as they are read."""

    def update(self, data: bytes, /) -> None: ...


def checksum(path: Path, also: Fed | None = None) -> tuple[str, int]:
    """SHA-256 (hexadecimal) and size in bytes of a local file. Raises `SourceError` when it cannot be read."""
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                if also is not None:
                    also.update(block)
                size += len(block)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from error
    return digest.hexdigest(), size
