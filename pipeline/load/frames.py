"""How the engine's workers in other processes speak with the load whose rows they have: frames on a unix socket.

The load listens on a unix socket in its work area, a directory that only its user may enter. A worker opens one
connection for its partition and sends frames: a kind and a number (big-endian, 9 bytes together), then the payload.

    PIECE   length   that many bytes, whole rows          from the worker; not answered
    END     rows     how many rows all pieces held        from the worker; answered by TAKEN or by REFUSED
    TAKEN   rows     the same number: all pieces queued   from the load
    REFUSED length   `kind: message` of the load's error  from the load, instead of taking more

What was sent cannot be taken back one by one: a connection that ends without END, as of a worker that was killed or
that will be tried again, makes the whole load unfit for this way (`lost`).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

PIECE, END, TAKEN, REFUSED = b"PETR"
FRAME = struct.Struct(">BQ")


@dataclass(frozen=True)
class Address:
    """Where a worker of another process finds the load. `binary`: whether it takes rows in COPY's binary format."""

    path: str
    binary: bool


def exactly(stream: BinaryIO, size: int) -> bytes:
    """So many bytes, in one piece. Raises EOFError if the other side hangs up before."""
    found = stream.read(size)
    if len(found) < size:
        raise EOFError
    return found
